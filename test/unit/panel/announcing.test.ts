import { test } from "uvu";
import * as assert from "uvu/assert";
import { rms } from "../media/signals.ts";
import { amplitude, openPanel } from "./bench.ts";

const caller = "sip:bob@example.org";

/** The notes of a sound that are among those of the panel's tones, each when it is loudest. */
function notes(sound: Int16Array): string {
  const heard = [330, 480, 620, 910, 1_050, 1_320]
    .map((hertz) => {
      const levels = Array.from({ length: Math.floor(sound.length / 960) }, (_, frame) =>
        amplitude(sound.subarray(frame * 960, (frame + 1) * 960), hertz),
      );
      const level = Math.max(...levels);
      return { hertz, level, at: levels.indexOf(level) };
    })
    .filter(({ level }) => level > 5_000);
  return heard
    .toSorted((one, other) => one.at - other.at)
    .map(({ hertz }) => hertz)
    .join(" ");
}

test("a private call is announced by a rising tone and its lamp, and its end by a falling one; the lamps of the talkgroup stay", async () => {
  const { clock, signals, lit, hear } = openPanel();
  await clock.advance(100);
  signals.ready(true);
  signals.called(caller);
  assert.equal(lit(), ["ready-lamp", "call-lamp"]);
  assert.is(notes(await hear(600)), "1050 1320");
  assert.is(rms(await hear(400)), 0, "it is short");
  signals.called(undefined);
  assert.equal(lit(), ["ready-lamp"]);
  assert.is(notes(await hear(600)), "1320 1050");
});

test("a caller who withholds a name is announced all the same", async () => {
  const { clock, signals, lit, hear } = openPanel();
  await clock.advance(100);
  signals.called("");
  assert.equal(lit(), ["call-lamp"]);
  assert.is(notes(await hear(600)), "1050 1320");
});

test("a call that comes between a press and the end of its burst shows at once and sounds after it, behind the burst's own tone", async () => {
  for (const [end, expected] of [
    ["unkeyed", "1050 1320"],
    ["denied", "330 1050 1320"],
    ["revoked", "620 480 1050 1320"],
  ] as const) {
    const { clock, outside, signals, lit, hear } = openPanel();
    await clock.advance(100);
    outside.press("ptt");
    signals.called(caller);
    assert.equal(lit(), ["call-lamp"], end);
    assert.is(rms(await hear(100)), 0, `${end}: the microphone is open`);
    if (end !== "denied") signals.permit();
    await clock.advance(500);
    assert.is(rms(await hear(500)), 0, end);
    signals[end]();
    assert.is(notes(await hear(1_000)), expected, end);
  }
});

test("a call that comes and goes in mid-burst is not announced", async () => {
  const { clock, outside, signals, lit, hear } = openPanel();
  await clock.advance(100);
  outside.press("ptt");
  signals.permit();
  await clock.advance(500);
  signals.called(caller);
  signals.called(undefined);
  signals.unkeyed();
  assert.equal(lit(), []);
  assert.is(rms(await hear(1_000)), 0);
});

test("a call that is cut in mid-burst sounds as cut first, and as over then", async () => {
  const { clock, outside, signals, hear } = openPanel();
  signals.called(caller);
  await clock.advance(1_000);
  outside.press("ptt");
  signals.permit();
  await clock.advance(500);
  signals.revoked();
  signals.called(undefined);
  assert.is(notes(await hear(1_000)), "620 480 1320 1050");
});

test("another call in place of one sounds as over, and as called", async () => {
  const { clock, signals, lit, hear } = openPanel();
  signals.called(caller);
  await clock.advance(1_000);
  signals.called(undefined);
  signals.called("sip:eve@example.org");
  assert.equal(lit(), ["call-lamp"]);
  const sound = await hear(1_500);
  assert.is(notes(sound.subarray(0, 340 * 48)), "1320 1050");
  assert.is(notes(sound.subarray(340 * 48)), "1050 1320");
  assert.is(rms(sound, 750 * 48), 0);
});

test("a board without a lamp for calls still sounds", async () => {
  const { clock, signals, lit, hear, close } = openPanel({ outputs: {} });
  await clock.advance(100);
  signals.called(caller);
  assert.equal(lit(), []);
  assert.is(notes(await hear(600)), "1050 1320");
  close();
});

test.run();
