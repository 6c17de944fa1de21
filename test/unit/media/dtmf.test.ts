import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openDecoder, openEncoder } from "../../../firmware/media/codec.ts";
import { dtmfDetector } from "../../../firmware/media/dtmf.ts";
import { downsampler } from "../../../firmware/media/resample.ts";
import { readWav } from "../../../hal/audio/wav.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { projectRoot } from "../../support/source.ts";
import { seeded, voice } from "./signals.ts";

const low = [697, 770, 852, 941];
const high = [1209, 1336, 1477, 1633];
const keys = "123A456B789C*0#D";
/** A sine of 0 dBm0, 3.14 dB below the loudest of G.711. */
const dBm0 = 22_400;

interface Tone {
  readonly key?: string;
  readonly ms?: number;
  readonly rate?: number;
  /** dBm0 of each tone; `twist`: dB of the high tone above the low one. */
  readonly level?: number;
  readonly twist?: number;
  /** Off their frequencies, share. */
  readonly lowOff?: number;
  readonly highOff?: number;
  /** Silence before it and after it, ms. */
  readonly before?: number;
  readonly after?: number;
}

function tone(options: Tone = {}): Int16Array {
  const { key = "5", ms = 60, rate = 8_000, level = -10, twist = 0, lowOff = 0, highOff = 0 } = options;
  const { before = 53, after = 60 } = options;
  const at = keys.indexOf(key);
  const [lower, higher] = [(low[at >> 2] ?? 0) * (1 + lowOff), (high[at & 3] ?? 0) * (1 + highOff)];
  const lowAmplitude = dBm0 * 10 ** ((level - Math.max(twist, 0)) / 20);
  const highAmplitude = dBm0 * 10 ** ((level + Math.min(twist, 0)) / 20);
  const samples = (span: number) => Math.round((span * rate) / 1000);
  const sound = new Int16Array(samples(before) + samples(ms) + samples(after));
  for (let index = 0; index < samples(ms); index++) {
    const t = (2 * Math.PI * index) / rate;
    sound[samples(before) + index] = lowAmplitude * Math.sin(lower * t) + highAmplitude * Math.sin(higher * t + 1);
  }
  return sound;
}

function joined(...sounds: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(sounds.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const sound of sounds) {
    all.set(sound, at);
    at += sound.length;
  }
  return all;
}

/** Gaussian noise, so many dB below both tones together at `level`. */
function noisy(sound: Int16Array, below: number, level = -10): Int16Array {
  const fraction = seeded(7);
  const sigma = dBm0 * 10 ** ((level - below) / 20);
  const gauss = () => Math.sqrt(-2 * Math.log(1 - fraction())) * Math.cos(2 * Math.PI * fraction());
  return sound.map((sample) => Math.max(-32_768, Math.min(32_767, sample + sigma * gauss())));
}

/** The keys told, in frames of 20 ms, and how many frames were taken for no speech. */
function heard(sound: Int16Array, rate = 8_000) {
  const detector = dtmfDetector(rate);
  const frame = rate / 50;
  let told = "";
  let muted = 0;
  for (let at = 0; at < sound.length; at += frame) {
    const piece = sound.subarray(at, at + frame);
    told += detector.hear(piece, piece.length) ?? "";
    if (detector.sounding()) muted += 1;
  }
  return { told, muted };
}

/** At each place that a tone may have in the windows. */
function everywhere(options: Tone, make: (sound: Int16Array) => Int16Array = (sound) => sound): Set<string> {
  const told = Array.from({ length: 20 }, (_, ms) => heard(make(tone({ ...options, before: 40 + ms }))).told);
  return new Set(told);
}

const once = (key = "5") => new Set([key]);
const never = new Set([""]);

for (const rate of [8_000, 16_000, 48_000])
  test(`all sixteen keys are told once each, at ${rate} samples a second, by the shortest tones and pauses of Q.24`, () => {
    const row = joined(...[...keys].map((key) => tone({ key, rate, ms: 40, before: 20, after: 20 })));
    assert.is(heard(row, rate).told, keys);
    const held = joined(...[...keys].map((key) => tone({ key, rate, ms: 500 })));
    assert.is(heard(held, rate).told, keys);
  });

test("a tone of 40 ms is a key wherever it lies, one of 23 ms is none", () => {
  assert.equal(everywhere({ ms: 40 }), once());
  assert.equal(everywhere({ ms: 23 }), never);
});

test("an interruption of 10 ms does not press a key twice, a pause of 40 ms does", () => {
  for (let before = 40; before < 60; before++) {
    const first = tone({ before, after: 10 });
    assert.is(heard(joined(first, tone({ before: 0 }))).told, "5", `from ${before} ms on`);
    assert.is(heard(joined(first, tone({ before: 30 }))).told, "55", `from ${before} ms on`);
  }
});

test("tones up to 1.5 % off are keys, tones from 3.5 % off are none, either tone and all keys", () => {
  for (const key of keys) {
    for (const off of [-0.015, 0.015])
      for (const change of [{ lowOff: off }, { highOff: off }, { lowOff: off, highOff: off }])
        assert.equal(everywhere({ key, ms: 50, ...change }), once(key), JSON.stringify(change));
    for (const off of [-0.06, -0.045, -0.035, 0.035, 0.045, 0.06])
      for (const change of [{ lowOff: off }, { highOff: off }])
        assert.equal(everywhere({ key, ms: 200, ...change }), never, `${key} ${JSON.stringify(change)}`);
  }
});

test("the high tone may be 4 dB above the low one and 8 dB below it, and neither far more", () => {
  for (const key of keys) {
    for (const twist of [4, -8])
      for (const off of [0, -0.015, 0.015])
        assert.equal(everywhere({ key, twist, lowOff: off, highOff: off }), once(key), `${key}, ${twist} dB, ${off}`);
    for (const twist of [9, -13]) assert.equal(everywhere({ key, twist }), never, `${key}, ${twist} dB`);
  }
  assert.equal(everywhere({ twist: 60 }), never, "one tone is none");
});

test("levels from 0 to -25 dBm0 are keys, -55 dBm0 is none", () => {
  for (const level of [-3, -10, -25]) assert.equal(everywhere({ level }), once(), `${level} dBm0`);
  assert.equal(everywhere({ level: -25, twist: -4 }), once());
  assert.equal(everywhere({ level: -55 }), never);
});

test("a key is told in noise 15 dB below it, and noise alone is no key", () => {
  for (const key of keys)
    assert.equal(
      everywhere({ key, ms: 50 }, (sound) => noisy(sound, 15)),
      once(key),
    );
  assert.equal(heard(noisy(new Int16Array(8_000 * 20), 10)), { told: "", muted: 0 });
});

test("speech presses no key and loses no frame, male or female, narrow or wide", async () => {
  for (const name of ["north", "south"]) {
    const wide = await readWav(join(projectRoot, "scripts/speech", `${name}.wav`));
    const narrow = new Int16Array(wide.length / 6);
    const slower = downsampler();
    for (let at = 0; at + 960 <= wide.length; at += 960)
      slower(wide.subarray(at, at + 960), 960, narrow.subarray(at / 6, at / 6 + 160));
    for (const gain of [0.3, 2.5]) {
      const louder = (sound: Int16Array) =>
        sound.map((sample) => Math.max(-32_768, Math.min(32_767, Math.round(sample * gain))));
      assert.equal(heard(louder(wide), 48_000), { told: "", muted: 0 }, `${name} at 48 kHz`);
      // Faster and slower, it is another voice.
      for (const rate of [6_400, 8_000, 10_000])
        assert.equal(heard(louder(narrow), rate), { told: "", muted: 0 }, `${name} at ${rate} Hz`);
    }
  }
  assert.equal(heard(voice(8_000, 8_000 * 20)), { told: "", muted: 0 });
});

test("the tones of a key among others as loud, or that die away as a vowel does, are no key", () => {
  const vowel = tone({ ms: 300 }).map((sample, index) =>
    [230, 460, 1_100, 1_900].reduce(
      (sum, hertz) => sum + 5_000 * Math.sin((2 * Math.PI * hertz * index) / 8_000),
      sample,
    ),
  );
  assert.equal(heard(vowel), { told: "", muted: 0 });
  const struck = tone({ ms: 300, level: -3 }).map((sample, index) => sample * 0.5 ** (Math.max(0, index - 424) / 80));
  assert.is(heard(struck).told, "");
});

test("a key over speech 12 dB below it is told, and is taken out but for its first 40 ms", () => {
  const speech = voice(8_000, 8_000);
  const key = tone({ key: "#", ms: 200, before: 400, after: 400, level: -6 });
  const both = speech.map((sample, index) => (key[index] ?? 0) + sample / 8);
  const { told, muted } = heard(both);
  assert.is(told, "#");
  // 200 ms are ten frames.
  assert.ok(muted >= 8 && muted <= 12, `${muted} frames`);
});

for (const codec of ["PCMU", "PCMA", "G722", "opus"] as const)
  test(`all sixteen keys are told after ${codec}`, async () => {
    const opus = await loadOpus();
    const encoder = await openEncoder(opus, codec, 24_000);
    const decoder = await openDecoder(opus, codec);
    const { rate } = decoder;
    const detector = dtmfDetector(rate);
    const into = new Int16Array(5_760);
    const row = joined(...[...keys].map((key) => tone({ key, rate, ms: 80, level: -13, before: 40, after: 40 })));
    let told = "";
    for (let at = 0; at + rate / 50 <= row.length; at += rate / 50) {
      const length = decoder.decode(encoder.encode(row.subarray(at, at + rate / 50)), into);
      told += detector.hear(into, length) ?? "";
    }
    assert.is(told, keys);
  });

test.run();
