import { test } from "uvu";
import * as assert from "uvu/assert";
import { pace } from "../../../firmware/media/pace.ts";
import { largestStep, seeded, sine, voice } from "./signals.ts";

/** A buffer that is fuller by so much than it need be, or lacks it, ms. */
function buffer(ms: number) {
  const kept = { surplusMs: ms };
  return {
    kept,
    surplus: () => Math.max(0, kept.surplusMs),
    deficit: () => Math.max(0, -kept.surplusMs),
    stretched(by: number): void {
      kept.surplusMs += by;
    },
  };
}

/** Plays so many frames out of `sound`, and returns what comes of them. */
function play(sound: Int16Array, frames: number, by: ReturnType<typeof buffer>): Int16Array {
  const time = pace(by);
  const speech = new Int16Array(5_760);
  const played: number[] = [];
  for (let frame = 0; frame < frames; frame++) {
    speech.set(sound.subarray(frame * 960, (frame + 1) * 960));
    const length = time.adjust(speech, 960);
    played.push(...speech.subarray(0, length));
  }
  return Int16Array.from(played);
}

const said = voice(48_000, 200 * 960);

test("a voice that is 300 ms late is caught up with in 3 s, a little one unhurriedly, without a click", () => {
  for (const [surplusMs, within] of [
    [300, 100],
    [20, 40],
  ] as const) {
    const by = buffer(surplusMs);
    const played = play(said, within, by);
    assert.ok(by.kept.surplusMs < 6, `${by.kept.surplusMs} ms of ${surplusMs} are left`);
    assert.ok(by.kept.surplusMs > -0.1, "and no more was cut than there was");
    assert.is(Math.round((within * 960 - played.length) / 48), Math.round(surplusMs - by.kept.surplusMs));
    assert.ok(largestStep(played) < 1.2 * largestStep(said));
  }
});

test("nobody talks faster than by a third", () => {
  const by = buffer(10_000);
  const played = play(said, 200, by);
  assert.ok(played.length > (200 * 960 * 2) / 3, `${played.length} samples of ${200 * 960}`);
});

test("silence is passed over as fast as it goes", () => {
  const by = buffer(300);
  play(new Int16Array(200 * 960), 40, by);
  assert.ok(by.kept.surplusMs < 5, `${by.kept.surplusMs} ms are left`);
});

test("a voice is stretched where too little is left, without a click", () => {
  const by = buffer(-20);
  const played = play(said, 40, by);
  assert.ok(by.kept.surplusMs >= 0, `${-by.kept.surplusMs} ms are lacking`);
  assert.ok(played.length > 40 * 960 + 900);
  assert.ok(largestStep(played) < 1.2 * largestStep(said));
});

test("what does not repeat itself is left alone unless there is no time to lose", () => {
  const random = seeded(8);
  const hiss = Int16Array.from({ length: 100 * 960 }, () => 8_000 * (random() - 0.5));
  for (const ms of [20, -20]) {
    const by = buffer(ms);
    assert.is(play(hiss, 100, by).length, hiss.length);
    assert.is(by.kept.surplusMs, ms);
  }
  const pressed = buffer(400);
  play(hiss, 100, pressed);
  assert.ok(pressed.kept.surplusMs < 300, `${pressed.kept.surplusMs} ms are left`);
});

test("what is too short to be cut stays as it is", () => {
  const time = pace(buffer(100));
  assert.is(time.adjust(sine(200, 48_000, 5_760), 300), 300);
});

test.run();
