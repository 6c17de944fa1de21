import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readWav } from "../../hal/audio/wav.ts";
import { seededRandom } from "../../hal/random/seeded.ts";
import { likeness } from "../../scripts/demonstration/likeness.ts";
import { projectRoot } from "../support/source.ts";

const read = (name: string) => readWav(join(projectRoot, "scripts/speech", `${name}.wav`));
const speech = (await read("north")).slice(14_400, 14_400 + 96_000);
const other = (await read("south")).slice(14_400, 14_400 + 96_000);
const lead = 5_000;

/** The speech, 5000 samples late, and what `change` made of it. */
function recording(change: (samples: Int16Array) => Int16Array = (samples) => samples): Int16Array {
  const changed = change(speech.slice());
  const recorded = new Int16Array(lead + changed.length + 10_000);
  recorded.set(changed, lead);
  return recorded;
}

test("speech that arrives as it was said is all there, with its delay", () => {
  const found = likeness(speech, recording());
  assert.ok(found.correlation > 0.999);
  assert.is(found.heard, 1);
  assert.equal([found.firstLag, found.lastLag], [lead, lead]);
  assert.equal([found.missingAtStartMs, found.missingAtEndMs], [0, 0]);
});

test("a lost first word, and a lost last one, are missed", () => {
  const start = likeness(
    speech,
    recording((samples) => samples.fill(0, 0, 9_600)),
  );
  assert.ok(start.missingAtStartMs >= 160 && start.missingAtEndMs === 0, JSON.stringify(start));
  const end = likeness(
    speech,
    recording((samples) => samples.fill(0, 96_000 - 9_600)),
  );
  assert.ok(end.missingAtEndMs >= 160 && end.missingAtStartMs === 0, JSON.stringify(end));
});

test("a hole of 60 ms in the midst of a word is more than one frame in a hundred", () => {
  const loud = speech.reduce((best, sample, at) => (Math.abs(sample) > Math.abs(speech[best] ?? 0) ? at : best), 0);
  const found = likeness(
    speech,
    recording((samples) => samples.fill(0, loud - 1_440, loud + 1_440)),
  );
  assert.ok(found.heard < 0.99, JSON.stringify(found));
});

test("another's speech, noise and silence are not alike", () => {
  const random = seededRandom(1);
  const noise = (samples: Int16Array) => samples.map(() => 8_000 * (random.fraction() - 0.5));
  for (const change of [() => other, noise, (samples: Int16Array) => samples.fill(0)]) {
    const found = likeness(speech, recording(change));
    assert.ok(found.correlation < 0.6 && found.heard < 0.9, JSON.stringify(found));
  }
});

test("speech that is shortened by a few periods of the voice is followed, and its delay told at both ends", () => {
  const cuts = [20_000, 40_000, 60_000, 80_000];
  const cut = 400;
  const found = likeness(
    speech,
    recording((samples) =>
      Int16Array.from(samples.filter((_, at) => !cuts.some((from) => at >= from && at < from + cut))),
    ),
  );
  assert.is(found.firstLag, lead);
  assert.is(found.lastLag, lead - cuts.length * cut);
  assert.ok(found.correlation > 0.95, JSON.stringify(found));
});

test("a cut is placed where it was made, so that what is beside it is compared with what was said there", () => {
  const word = 50_000;
  for (const ms of [10, 20, 30, 40]) {
    const cut = (samples: Int16Array) =>
      Int16Array.from([...samples.subarray(0, word), ...samples.subarray(word + ms * 48)]);
    const found = likeness(speech, recording(cut));
    assert.ok(found.correlation > 0.97, `${ms} ms: ${JSON.stringify(found)}`);
  }
});

test("speech that a busy machine held up for 100 ms in its midst is followed too", () => {
  const stall = 4_800;
  const stalled = new Int16Array(speech.length + stall);
  stalled.set(speech.subarray(0, 48_000));
  stalled.set(speech.subarray(48_000), 48_000 + stall);
  const found = likeness(
    speech,
    recording(() => stalled),
  );
  assert.equal([found.firstLag, found.lastLag], [lead, lead + stall]);
  assert.ok(found.correlation > 0.95 && found.heard > 0.95, JSON.stringify(found));
});

test.run();
