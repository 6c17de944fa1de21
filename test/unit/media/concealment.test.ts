import { test } from "uvu";
import * as assert from "uvu/assert";
import { concealer } from "../../../firmware/media/concealment.ts";

/** A tone of 200 Hz at 8 kHz that grows, and ends where it is loudest: repeated, it falls back by a tenth. */
const growing = Int16Array.from(
  { length: 320 },
  (_, index) => (2000 + 25 * index) * Math.cos((Math.PI * (index - 319)) / 20),
);

test("what is made up starts where the voice was, and ends where it goes on", () => {
  const concealment = concealer();
  concealment.heard(growing.slice(), 320);
  const made = new Int16Array(160);
  concealment.conceal(made, 160);
  assert.ok(Math.abs((made[0] ?? 0) - (growing[319] ?? 0)) < 250, `from ${growing[319]} to ${made[0]}`);
  const after = new Int16Array(160).fill(-8000);
  concealment.heard(after, 160);
  assert.ok(Math.abs((after[0] ?? 0) - (made[159] ?? 0)) < 1800, `from ${made[159]} to ${after[0]}`);
  assert.is(after[40], -8000);
});

test("after silence, silence is made up", () => {
  const concealment = concealer();
  const made = new Int16Array(160).fill(1);
  concealment.conceal(made, 160);
  assert.ok(made.every((sample) => sample === 0));
});

test.run();
