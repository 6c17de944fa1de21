import { test } from "uvu";
import * as assert from "uvu/assert";
import { limiter } from "../../../firmware/media/limiter.ts";
import { rms } from "./signals.ts";

/** 20 ms of a tone of this amplitude, `at` frames in. */
const tone = (amplitude: number, at: number): Int32Array =>
  Int32Array.from(
    { length: 960 },
    (_, index) => amplitude * Math.sin((2 * Math.PI * 450 * (at * 960 + index)) / 48_000),
  );

function through(amplitudes: readonly number[]): Int16Array[] {
  const limit = limiter();
  return amplitudes.map((amplitude, at) => {
    const out = new Int16Array(960);
    limit(tone(amplitude, at), out);
    return out;
  });
}

test("what fits is left as it is", () => {
  const [frame = new Int16Array()] = through([31_000]);
  assert.equal(frame, Int16Array.from(tone(31_000, 0)));
});

test("four times full scale is turned down within a millisecond, and keeps its shape", () => {
  const [, , loud = new Int16Array()] = through([10_000, 10_000, 130_000]);
  assert.ok(Math.max(...loud.subarray(48)) <= 31_300);
  const shape = tone(31_300, 2);
  for (let index = 48; index < 960; index++)
    assert.ok(Math.abs((loud[index] ?? 0) - (shape[index] ?? 0)) < 200, `sample ${index}`);
});

test("a peak between 16 and 32 bits is clipped, never wrapped around", () => {
  const out = new Int16Array(960);
  limiter()(new Int32Array(960).fill(200_000), out);
  assert.ok(out.every((sample) => sample > 0));
});

test("after a peak the level comes back in a second, without a step", () => {
  const frames = through([130_000, ...new Array<number>(60).fill(10_000)]);
  const levels = frames.slice(1).map((frame) => rms(frame));
  assert.ok(
    (levels[0] ?? 0) < 2_200 && Math.abs((levels.at(-1) ?? 0) - 7_071) < 50,
    `${levels[0]} to ${levels.at(-1)}`,
  );
  levels.forEach((level, index) => {
    const before = levels[index - 1] ?? level;
    assert.ok(level >= before - 100 && level < before + 300, `frame ${index}`);
  });
});

test.run();
