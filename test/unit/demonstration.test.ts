import { test } from "uvu";
import * as assert from "uvu/assert";
import { timeline } from "../../scripts/demonstration/burst.ts";

const report = {
  ...{ from: "north", to: "south", grantedMs: 8.14, firstSampleMs: Number.NaN, releasedMs: 6_000, endMs: Number.NaN },
  mouthToEarMs: [90, 70],
  likeness: { firstLag: 0, lastLag: 0, correlation: 0, heard: 0, missingAtStartMs: 3_000, missingAtEndMs: 3_000 },
  recording: "south.wav",
} as const;

test("the timeline says of what did not come that it never did", () => {
  const lines = timeline(report).split("\n");
  assert.equal(lines.slice(2, 4), [
    "       8.1 ms  Floor Granted, talk-permit tone",
    "        never  first sample out at south",
  ]);
  assert.is(lines[5], "        never  end of burst: south is silent");
  assert.match(lines.at(-1) ?? "", "SPEECH DID NOT ARRIVE WHOLE");
});

test.run();
