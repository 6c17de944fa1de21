import { test } from "uvu";
import * as assert from "uvu/assert";
import { frameSamples } from "../../hal/audio/port.ts";
import { collectSamples } from "../../hal/audio/recording.ts";
import { simulatedAudio } from "../../hal/audio/simulated.ts";
import { sine } from "../../hal/audio/sine.ts";
import { virtualClock } from "../../hal/clock/virtual.ts";
import { audioContract } from "./audio.contract.ts";
import { virtualBench } from "./bench.ts";

audioContract("simulated", () => {
  const bench = virtualBench();
  const { microphone, loudspeaker, outside } = simulatedAudio({ clock: bench.clock });
  const collection = collectSamples(outside.loudspeaker);
  return {
    ...bench,
    microphone,
    loudspeaker,
    say: (samples) => void outside.microphone.hear(samples),
    played: () => collection.take(),
    unplug: (device) => outside[device].unplug(),
    plug: (device) => outside[device].plug(),
  };
});

function card(driftPpm?: { readonly microphone: number; readonly loudspeaker: number }) {
  const clock = virtualClock({ startMs: 5_000 });
  return { clock, ...simulatedAudio(driftPpm ? { clock, driftPpm } : { clock }) };
}

const loud = (frame: Int16Array): void => void frame.fill(1_000);

test("devices that drift deliver and ask for more, or fewer, frames than the clock counts", async () => {
  const { clock, microphone, loudspeaker, outside } = card({ microphone: 500, loudspeaker: -500 });
  let [delivered, asked] = [0, 0];
  microphone.start(() => delivered++);
  loudspeaker.start((frame) => {
    loud(frame);
    asked++;
  });
  await clock.advance(200_000);
  assert.equal([delivered, asked], [10_005, 9_995 + 2]);
  outside.microphone.setDrift(-500);
  outside.loudspeaker.setDrift(500);
  await clock.advance(200_000);
  assert.equal([delivered, asked], [20_000, 20_000 + 2]);
  assert.equal([outside.microphone.overrunFrames(), outside.loudspeaker.underruns()], [0, 0]);
});

test("a late program gets its frames late, 200 ms of them at most; older ones are lost and counted", async () => {
  const { clock, microphone, outside } = card();
  const frames: number[] = [];
  microphone.start((_, at) => frames.push(at));
  await clock.advance(100);
  assert.equal(frames, [5_000, 5_020, 5_040, 5_060, 5_080]);
  clock.stall(150);
  await clock.advance(0);
  assert.equal(frames.slice(5), [5_100, 5_120, 5_140, 5_160, 5_180, 5_200, 5_220]);
  assert.is(outside.microphone.overrunFrames(), 0);
  frames.length = 0;
  clock.stall(1_000);
  await clock.advance(0);
  assert.is(frames.length, 10);
  assert.is(frames.at(-1), 5_220 + 1_000);
  assert.is(outside.microphone.overrunFrames(), 40);
});

test("a loudspeaker that is not fed in time is silent meanwhile, counts it, and starts afresh", async () => {
  const { clock, loudspeaker, outside } = card();
  const heard = collectSamples(outside.loudspeaker);
  const asked: number[] = [];
  loudspeaker.start((frame, at) => {
    loud(frame);
    asked.push(at);
  });
  await clock.advance(100);
  clock.stall(25);
  await clock.advance(0);
  assert.is(outside.loudspeaker.underruns(), 0, "20 to 40 ms are kept ahead");
  asked.length = 0;
  clock.stall(100);
  await clock.advance(20);
  assert.is(outside.loudspeaker.underruns(), 1);
  assert.equal(asked.slice(0, 2), [5_225, 5_245], "no bunch of late frames");
  const samples = heard.take();
  const gap = samples.filter((sample) => sample === 0).length;
  // Frames were there up to 5160; the program came at 5225.
  assert.is(gap, (5_225 - 5_160) * 48);
});

test("what is said starts at the very next sample, in the middle of a frame, and its end is told", async () => {
  const { clock, microphone, outside } = card();
  const frames: Int16Array[] = [];
  const ends: number[] = [];
  microphone.start((frame) => frames.push(new Int16Array(frame)));
  outside.microphone.onRunOut((at) => ends.push(at));
  await clock.advance(25.5);
  const start = outside.microphone.hear(new Int16Array(48 * 30).fill(7));
  await clock.advance(60);
  assert.is(start, 5_025.5);
  const heard = frames.flatMap((frame) => [...frame]);
  assert.is(heard.indexOf(7), 25.5 * 48);
  assert.is(heard.lastIndexOf(7), 55.5 * 48 - 1);
  assert.equal(ends, [5_055.5]);

  outside.microphone.hear(sine(440, 1_000));
  const cut = outside.microphone.hush();
  await clock.advance(2_000);
  assert.equal(ends, [5_055.5], "what was stopped does not run out");
  assert.is(cut, 5_085.5);
});

test("sound and quiet are told with the times at which they began", async () => {
  const { clock, loudspeaker, outside } = card();
  const told: string[] = [];
  outside.loudspeaker.onSound((at) => told.push(`sound ${at}`));
  outside.loudspeaker.onQuiet((at) => told.push(`quiet ${at}`));
  const plays = (at: number): boolean => (at >= 5_100 && at < 5_300) || (at >= 5_400 && at < 5_500) || at >= 6_000;
  loudspeaker.start((frame, at) => void frame.fill(plays(at) ? 500 : 3));
  await clock.advance(1_500);
  assert.equal(told, ["sound 5100", "quiet 5500", "sound 6000"], "a pause of 100 ms is none");
  outside.loudspeaker.unplug();
  await clock.advance(300);
  assert.is(told[3], "quiet 6500");
});

test("a recording begins and ends at the sample, whatever waits in the device", async () => {
  const { clock, loudspeaker, outside } = card();
  let frames = 0;
  loudspeaker.start((frame) => void frame.fill(++frames));
  await clock.advance(30);
  const recording = collectSamples(outside.loudspeaker);
  await clock.advance(35);
  const samples = recording.take();
  assert.is(samples.length, 35 * 48);
  assert.equal([samples[0], samples.at(-1)], [2, 4]);
  assert.is(samples.indexOf(3), frameSamples / 2);
});

test.run();
