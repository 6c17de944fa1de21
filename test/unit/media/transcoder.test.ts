import { test } from "uvu";
import * as assert from "uvu/assert";
import { type CodecName, codecNames, openDecoder, openEncoder, sampleRates } from "../../../firmware/media/codec.ts";
import { resampler } from "../../../firmware/media/resample.ts";
import { openTranscoder } from "../../../firmware/media/transcoder.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { correlation, largestStep, rms, voice } from "./signals.ts";

const opus = await loadOpus();
const frames = 100;
const wide = voice(48_000, frames * 960);

/** `sound` of 48 kHz at the codec's sample rate. */
function inRateOf(codec: CodecName, sound: Int16Array): Int16Array {
  const convert = resampler(48_000, sampleRates[codec]);
  if (!convert) return sound;
  const samples = sampleRates[codec] / 50;
  const out = new Int16Array((sound.length / 960) * samples);
  for (let at = 0; at * 960 < sound.length; at++) convert(sound.subarray(at * 960), 960, out.subarray(at * samples));
  return out;
}
const narrow = inRateOf("PCMU", wide);
const said: Readonly<Record<CodecName, Int16Array>> = {
  opus: wide,
  G722: inRateOf("G722", wide),
  PCMU: narrow,
  PCMA: narrow,
};

async function payloads(codec: CodecName, sound = said[codec]): Promise<Uint8Array[]> {
  const encoder = await openEncoder(opus, codec, 24_000);
  const samples = sampleRates[codec] / 50;
  const out = Array.from({ length: frames }, (_, index) =>
    Uint8Array.from(encoder.encode(sound.subarray(index * samples, (index + 1) * samples))),
  );
  encoder.close();
  return out;
}

/** What a listener of `codec` hears of payloads that come one by one. */
async function listener(codec: CodecName) {
  const decoder = await openDecoder(opus, codec);
  const samples = sampleRates[codec] / 50;
  const heard: number[] = [];
  const into = new Int16Array(5760);
  return {
    deliver(payload: Uint8Array): void {
      assert.is(decoder.decode(payload, into), samples);
      heard.push(...into.subarray(0, samples));
    },
    heard: () => Int16Array.from(heard),
  };
}

const pairs = codecNames.flatMap((from) => codecNames.filter((to) => to !== from).map((to) => [from, to] as const));
for (const [from, to] of pairs)
  test(`speech survives the way from ${from} to ${to}, a frame for a frame`, async () => {
    const transcoder = await openTranscoder(opus, from, to);
    const { deliver, heard } = await listener(to);
    for (const payload of await payloads(from)) {
      const before = heard().length;
      transcoder.convert(payload, deliver);
      assert.is(heard().length - before, sampleRates[to] / 50);
    }
    const { value, lag } = correlation(said[to], heard(), sampleRates[to] / 50);
    assert.ok(value > 0.95, `correlation ${value}`);
    assert.ok(lag <= (sampleRates[to] * 17) / 1000, `${lag} samples`);
    transcoder.close();
  });

test("losses and garbage leave no hole in the target's timeline and no click in its sound", async () => {
  for (const [from, to] of [
    ["PCMU", "opus"],
    ["opus", "PCMA"],
    ["PCMA", "PCMU"],
    ["G722", "opus"],
    ["opus", "G722"],
  ] as const) {
    const transcoder = await openTranscoder(opus, from, to);
    const { deliver, heard } = await listener(to);
    (await payloads(from)).forEach((payload, index) => {
      if (index % 20 === 10) transcoder.lost(deliver);
      else if (index % 20 === 15) transcoder.convert(new Uint8Array(0), deliver);
      else transcoder.convert(payload, deliver);
    });
    assert.is(heard().length, (frames * sampleRates[to]) / 50);
    assert.ok(largestStep(heard()) < 1.6 * largestStep(said[to]), `${from} to ${to}: step ${largestStep(heard())}`);
    transcoder.close();
  }
});

test("packets of 10, 30 and 60 ms become frames of 20 ms", async () => {
  const joined = Uint8Array.from((await payloads("PCMU")).flatMap((payload) => [...payload]));
  for (const length of [80, 240, 480]) {
    const transcoder = await openTranscoder(opus, "PCMU", "PCMA");
    let delivered = 0;
    for (let at = 0; at + length <= joined.length; at += length)
      transcoder.convert(joined.subarray(at, at + length), (payload) => {
        assert.is(payload.length, 160);
        delivered++;
      });
    assert.is(delivered, Math.floor((Math.floor(joined.length / length) * length) / 160));
    transcoder.close();
  }
});

/** The level of a tone in the last half of `samples`, dB above one of 16-bit amplitude 1. */
function levelAt(samples: Int16Array, hertz: number, rate: number): number {
  const half = samples.length >> 1;
  let [re, im] = [0, 0];
  for (let index = half; index < samples.length; index++) {
    re += (samples[index] ?? 0) * Math.cos((2 * Math.PI * hertz * index) / rate);
    im += (samples[index] ?? 0) * Math.sin((2 * Math.PI * hertz * index) / rate);
  }
  return 20 * Math.log10((2 * Math.hypot(re, im)) / (samples.length - half));
}

/** Tones of 1 and 6 kHz, as loud as each other: what is between 4 and 8 kHz is what makes a voice a person's. */
const chord = Int16Array.from(
  wide,
  (_, index) =>
    6000 * (Math.sin((2 * Math.PI * 1000 * index) / 48_000) + Math.sin((2 * Math.PI * 6000 * index) / 48_000)),
);

for (const [from, to] of pairs)
  test(`from ${from} to ${to} the level stays, and what is above 4 kHz where both carry it`, async () => {
    const transcoder = await openTranscoder(opus, from, to);
    const { deliver, heard } = await listener(to);
    for (const payload of await payloads(from, inRateOf(from, chord))) transcoder.convert(payload, deliver);
    const meant = 20 * Math.log10(6000);
    const low = levelAt(heard(), 1000, sampleRates[to]) - meant;
    assert.ok(Math.abs(low) < 1.5, `${low} dB at 1 kHz`);
    const carried = sampleRates[from] > 8_000 && sampleRates[to] > 8_000;
    const high = sampleRates[to] > 8_000 ? levelAt(heard(), 6000, sampleRates[to]) - meant : Number.NEGATIVE_INFINITY;
    assert.ok(carried ? Math.abs(high) < 3 : high < -40, `${high} dB at 6 kHz`);
    transcoder.close();
  });

test("a voice at full scale comes out at full scale: no wrap-around, and no more than its peaks are cut", async () => {
  const loudest = Math.max(...wide.map(Math.abs));
  const loud = Int16Array.from(wide, (sample) => (sample * 32_000) / loudest);
  for (const [from, to] of pairs) {
    const transcoder = await openTranscoder(opus, from, to);
    const { deliver, heard } = await listener(to);
    const there = inRateOf(from, loud);
    for (const payload of await payloads(from, there)) transcoder.convert(payload, deliver);
    const { value } = correlation(inRateOf(to, loud), heard(), sampleRates[to] / 50);
    assert.ok(value > 0.95, `${from} to ${to}: correlation ${value}`);
    const gain = 20 * Math.log10(rms(heard()) / rms(inRateOf(to, loud)));
    assert.ok(Math.abs(gain) < 1, `${from} to ${to}: ${gain} dB`);
    transcoder.close();
  }
});

test("a packet of G.711 or G.722 that is longer than 120 ms counts as lost", async () => {
  for (const [codec, bytes] of [
    ["PCMU", 960],
    ["G722", 960],
  ] as const) {
    const decoder = await openDecoder(opus, codec);
    const into = new Int16Array(5760);
    assert.is(decoder.decode(new Uint8Array(bytes), into), 0.12 * sampleRates[codec]);
    assert.is(decoder.decode(new Uint8Array(bytes + 1), into), 0);
    const transcoder = await openTranscoder(opus, codec, "opus");
    let frames = 0;
    for (const length of [1_460, 960, 1_460]) transcoder.convert(new Uint8Array(length), () => void frames++);
    assert.is(frames, 1 + 6 + 1);
    transcoder.close();
  }
});

test("a long loss of G.711 is made up like the voice before it, then fades to silence", async () => {
  const decoder = await openDecoder(opus, "PCMU");
  const [first, ...rest] = await payloads("PCMU");
  const into = new Int16Array(5760);
  for (const payload of [first, ...rest.slice(0, 29)]) if (payload) decoder.decode(payload, into);
  const before = rms(into, 0, 160);
  const made = new Int16Array(800);
  for (let frame = 0; frame < 5; frame++) decoder.conceal(made.subarray(frame * 160));
  assert.ok(rms(made, 0, 80) > 0.6 * before && rms(made, 0, 80) < 1.6 * before);
  const { value } = correlation(narrow.subarray(30 * 160, 31 * 160 + 20), made.subarray(0, 180), 20);
  assert.ok(value > 0.8, `like what was really said: ${value}`);
  assert.is(rms(made, 500), 0);
});

test("made-up G.711 joins what was heard before it and what comes after it without a step", async () => {
  const packets = await payloads("PCMU");
  const steepest = largestStep(narrow);
  for (let lost = 10; lost < 90; lost++) {
    const decoder = await openDecoder(opus, "PCMU");
    const out = new Int16Array(4 * 160);
    for (const [index, payload] of packets.slice(lost - 6, lost + 2).entries()) {
      const into = out.subarray(Math.max(0, index - 4) * 160);
      if (index === 6) decoder.conceal(into);
      else decoder.decode(payload, into);
    }
    assert.ok(largestStep(out) < 1.15 * steepest, `packet ${lost}: ${largestStep(out)} of ${steepest}`);
  }
});

test.run();
