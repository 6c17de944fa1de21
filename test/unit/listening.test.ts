import { test } from "uvu";
import * as assert from "uvu/assert";
import { hearing } from "../../scripts/listening/hearing.ts";
import { bandPowers, bandsBelow, logSpectralDistance } from "../../scripts/listening/spectrum.ts";
import { speech } from "../support/realm.ts";
import { rms, seeded } from "./media/signals.ts";

const said = await speech("north", 4_000);
/** The speech as it would be heard `ms` later. */
function later(ms: number): Int16Array {
  const heard = new Int16Array(said.length + 96_000);
  heard.set(said, ms * 48);
  return heard;
}

test("what is heard as it was said is 0 dB away, and its delay is known", () => {
  const { delayMs, distanceDb, spoilt, longestGapMs, clicks, missingMs } = hearing(said, later(83));
  assert.equal(delayMs, { p50: 83, p95: 83, largest: 83 });
  assert.ok(distanceDb.p95 < 1e-6);
  assert.equal(
    { spoilt, longestGapMs, clicks, missingMs },
    { spoilt: 0, longestGapMs: 0, clicks: 0, missingMs: { start: 0, end: 0 } },
  );
});

test("a delay that changes in the middle is followed, and one by a drifting clock is none", () => {
  const stalled = later(350);
  stalled.set(said.subarray(0, 96_000), 50 * 48);
  const { delayMs, distanceDb } = hearing(said, stalled);
  assert.ok(delayMs.p50 === 50 || delayMs.p50 === 350);
  assert.is(delayMs.p95, 350);
  assert.ok(distanceDb.mean < 0.5, `${distanceDb.mean} dB`);
  // 1000 ppm are some 4 ms in 4 s.
  assert.ok(hearing(said, later(50), { driftPpm: 1_000 }).delayMs.p95 < 50);
});

test("a hole in the speech is a gap as long as it is, and a silence of the speaker is none", () => {
  const holed = later(60);
  const loudness = Array.from({ length: 190 }, (_, frame) => rms(said, frame * 960, (frame + 4) * 960));
  const loud = (loudness.indexOf(Math.max(...loudness)) + 1) * 960;
  holed.fill(0, loud + 60 * 48, loud + 60 * 48 + 40 * 48);
  const { longestGapMs, distanceDb } = hearing(said, holed);
  assert.ok(longestGapMs >= 30 && longestGapMs <= 40, `${longestGapMs} ms`);
  assert.ok(distanceDb.mean > 0.1 && distanceDb.mean < 2);
});

test("a step in the sound is a click, and a louder voice has none", () => {
  const stepped = later(60);
  for (let at = 48_300; at < 48_360; at++) stepped[at] = (stepped[at] ?? 0) + 9_000;
  assert.is(hearing(said, stepped).clicks, 1);
  assert.is(
    hearing(
      said,
      later(60).map((sample) => 1.5 * sample),
    ).clicks,
    0,
  );
});

test("speech that is missing at the ends is missed, and another's speech is not taken for it", async () => {
  const cut = later(60)
    .fill(0, 0, 60 * 48 + 4_800)
    .fill(0, 60 * 48 + said.length - 19_200);
  const { missingMs } = hearing(said, cut);
  assert.ok(missingMs.start >= 80 && missingMs.start <= 120, `${missingMs.start} ms at the start`);
  assert.ok(missingMs.end >= 40, `${missingMs.end} ms at the end`);
  const other = hearing(said, await speech("south", 4_000));
  assert.ok(other.spoilt > 0.2 && other.distanceDb.mean > 8, `${other.spoilt}, ${other.distanceDb.mean} dB`);
});

test("the log-spectral distance is the difference of level where all bands differ alike", () => {
  const random = seeded(3);
  const noise = Float64Array.from({ length: 2048 }, () => random() - 0.5);
  const [loud, soft] = [16_000, 8_000].map((level) =>
    bandPowers(
      Int16Array.from(noise, (one) => level * one),
      0,
    ),
  );
  if (!loud || !soft) throw new Error("two sounds");
  assert.ok(Math.abs(logSpectralDistance(loud, soft, 1e-3, bandsBelow(8_000)) - 6.02) < 0.3);
  assert.is(logSpectralDistance(loud, loud, 1, bandsBelow(8_000)), 0);
  assert.is(bandsBelow(3_400), 15);
});

test.run();
