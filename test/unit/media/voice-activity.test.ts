import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openDecoder, openEncoder } from "../../../firmware/media/codec.ts";
import { downsampler } from "../../../firmware/media/resample.ts";
import { voiceActivity } from "../../../firmware/media/voice-activity.ts";
import { readWav } from "../../../hal/audio/wav.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { projectRoot } from "../../support/source.ts";
import { rms, seeded, sine } from "./signals.ts";

const spoken = await readWav(join(projectRoot, "scripts/speech/north.wav"));
const clip = (sample: number) => Math.max(-32_768, Math.min(32_767, Math.round(sample)));

function joined(...sounds: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(sounds.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const sound of sounds) {
    all.set(sound, at);
    at += sound.length;
  }
  return all;
}

/** White noise of that many dBFS. */
function noise(seconds: number, level: number, rate = 48_000): Int16Array {
  const fraction = seeded(3);
  const peak = 32_768 * 10 ** (level / 20) * Math.sqrt(3);
  return Int16Array.from({ length: seconds * rate }, () => peak * (2 * fraction() - 1));
}

const over = (one: Int16Array, other: Int16Array) => one.map((sample, index) => clip(sample + (other[index] ?? 0)));
const scaled = (sound: Int16Array, gain: number) => sound.map((sample) => clip(sample * gain));

/** The frames of 20 ms that are taken for speech. */
function voicedIn(sound: Int16Array, options: { rate?: number; echoing?: boolean; piece?: number } = {}): number[] {
  const { rate = 48_000, echoing = false } = options;
  const detector = voiceActivity(rate, 12);
  const piece = options.piece ?? rate / 50;
  const frames: number[] = [];
  for (let at = 0; at + piece <= sound.length; at += piece) {
    const part = sound.subarray(at, at + piece);
    if (detector.hear(part, part.length, echoing)) frames.push(Math.floor((at + piece - 1) / (rate / 50)));
  }
  return frames;
}

/** The first and the last frame that anybody would hear. */
function span(sound: Int16Array): { readonly first: number; readonly last: number } {
  const loud: number[] = [];
  for (let frame = 0; frame < sound.length / 960; frame++)
    if (rms(sound, frame * 960, Math.min(sound.length, (frame + 1) * 960)) > 330) loud.push(frame);
  return { first: loud[0] ?? 0, last: loud.at(-1) ?? 0 };
}

/** Where speech lies behind a second of noise. */
const behind = 50;

for (const level of [-75, -60, -45])
  test(`speech in noise of ${level} dBFS is noticed within 200 ms, and never lost for 600 ms`, () => {
    const { first, last } = span(spoken);
    const frames = voicedIn(over(joined(new Int16Array(48_000), spoken, new Int16Array(96_000)), noise(9, level)));
    const [begin = 0] = frames;
    assert.ok(begin >= behind && begin <= behind + first + 10, `from frame ${begin}, spoken from ${behind + first}`);
    const end = frames.at(-1) ?? 0;
    assert.ok(end >= behind + last - 15 && end <= behind + last + 10, `to ${end}, spoken to ${behind + last}`);
    const longest = Math.max(...frames.slice(1).map((frame, index) => frame - (frames[index] ?? 0)));
    assert.ok(longest <= 30, `${longest * 20} ms without`);
  });

test("it makes no difference how long the packets are, nor how fast the samples come", () => {
  const sound = over(joined(new Int16Array(48_000), spoken), noise(7, -60));
  const frames = voicedIn(sound);
  // Half a frame later, it is still what the last whole one was.
  const ten = voicedIn(sound, { piece: 480 });
  assert.equal([ten[0], ten.at(-1)], [frames[0], (frames.at(-1) ?? 0) + 1]);
  const narrow = new Int16Array(sound.length / 6);
  const slower = downsampler();
  for (let at = 0; at + 960 <= sound.length; at += 960)
    slower(sound.subarray(at, at + 960), 960, narrow.subarray(at / 6, at / 6 + 160));
  const [first = 0] = voicedIn(narrow, { rate: 8_000 });
  assert.ok(Math.abs(first - (frames[0] ?? 0)) <= 3, `${first} and ${frames[0]}`);
});

test("steady noise, hum, silence, comfort noise and knocks are no speech", () => {
  for (const level of [-70, -50, -30, -15]) assert.equal(voicedIn(noise(5, level)), [], `${level} dBFS`);
  assert.equal(voicedIn(over(sine(50, 48_000, 240_000, 8_000), noise(5, -55))), [], "hum");
  assert.equal(voicedIn(new Int16Array(240_000)), [], "silence");
  const rumble = noise(5, -65);
  for (let at = 48_000; at < rumble.length; at += 48_000) rumble.set(sine(50, 48_000, 24_000, 460), at);
  assert.equal(voicedIn(rumble), [], "rumble");
  assert.equal(voicedIn(joined(noise(2, -69), noise(1, -53))), [], "a whisper in the next room");
  const knocks = noise(5, -60);
  for (let at = 48_000; at < knocks.length; at += 24_000) knocks.set(noise(0.03, -10), at);
  assert.equal(voicedIn(knocks), [], "knocks");
});

test("noise that begins is taken for speech for two seconds at most, noise that ends leaves nobody unheard", () => {
  const frames = voicedIn(joined(noise(2, -60), noise(5, -30)));
  assert.ok((frames.at(-1) ?? 0) <= 200, `to frame ${frames.at(-1)}`);
  const after = voicedIn(joined(noise(3, -25), noise(0.5, -60), spoken));
  assert.ok((after[0] ?? 999) <= 175 + span(spoken).first + 10, `from frame ${after[0]}`);
});

test("a telephone that sends nothing between words is heard from the first one on", () => {
  const word = sine(400, 48_000, 19_200, 6_000);
  const frames = voicedIn(joined(new Int16Array(48_000), word, new Int16Array(144_000), word));
  assert.equal([frames[0], frames.find((frame) => frame > 100)], [behind + 2, behind + 20 + 150 + 2]);
});

test("a telephone that is muted and no more is not taken for one that speaks up", () => {
  assert.equal(voicedIn(joined(noise(3, -45), new Int16Array(240_000), noise(3, -45))), []);
});

test("what a telephone hears of itself is no speech, who talks over it is", () => {
  const noisy = (gain: number) => over(joined(new Int16Array(48_000), scaled(spoken, gain)), noise(7, -60));
  assert.equal(voicedIn(noisy(0.05), { echoing: true }), [], "an echo 26 dB down");
  assert.ok(voicedIn(noisy(0.05)).length > 0, "it would be speech otherwise");
  assert.ok(voicedIn(noisy(1), { echoing: true }).length > 50);
});

for (const codec of ["PCMU", "PCMA", "opus"] as const)
  test(`speech is noticed after ${codec}`, async () => {
    const opus = await loadOpus();
    const encoder = await openEncoder(opus, codec, 24_000);
    const decoder = await openDecoder(opus, codec);
    const detector = voiceActivity(decoder.rate, 12);
    const sound = over(joined(new Int16Array(48_000), spoken, new Int16Array(48_000)), noise(8, -65));
    const slower = decoder.rate === 8_000 ? downsampler() : undefined;
    const into = new Int16Array(5_760);
    const voiced: number[] = [];
    for (let at = 0; at + 960 <= sound.length; at += 960) {
      const frame = new Int16Array(decoder.rate / 50);
      if (slower) slower(sound.subarray(at, at + 960), 960, frame);
      else frame.set(sound.subarray(at, at + 960));
      if (detector.hear(into, decoder.decode(encoder.encode(frame), into), false)) voiced.push(at / 960);
    }
    const { first, last } = span(spoken);
    assert.ok((voiced[0] ?? 0) >= behind && (voiced[0] ?? 0) <= behind + first + 10, `from ${voiced[0]}`);
    assert.ok((voiced.at(-1) ?? 0) <= behind + last + 10, `to ${voiced.at(-1)}`);
  });

test.run();
