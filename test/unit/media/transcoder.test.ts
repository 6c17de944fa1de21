import { test } from "uvu";
import * as assert from "uvu/assert";
import { type CodecName, clockRates, openDecoder, openEncoder } from "../../../firmware/media/codec.ts";
import { downsampler } from "../../../firmware/media/resample.ts";
import { openTranscoder } from "../../../firmware/media/transcoder.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { correlation, largestStep, rms, voice } from "./signals.ts";

const opus = await loadOpus();
const frames = 100;
const wide = voice(48_000, frames * 960);
const narrow = new Int16Array(frames * 160);
for (let at = 0, low = downsampler(); at < frames; at++) low(wide.subarray(at * 960), 960, narrow.subarray(at * 160));
const saidIn = (codec: CodecName): Int16Array => (codec === "opus" ? wide : narrow);

async function payloads(codec: CodecName): Promise<Uint8Array[]> {
  const encoder = await openEncoder(opus, codec, 24_000);
  const samples = clockRates[codec] / 50;
  const said = saidIn(codec);
  const out = Array.from({ length: frames }, (_, index) =>
    Uint8Array.from(encoder.encode(said.subarray(index * samples, (index + 1) * samples))),
  );
  encoder.close();
  return out;
}

/** What a listener of `codec` hears of payloads that come one by one. */
async function listener(codec: CodecName) {
  const decoder = await openDecoder(opus, codec);
  const samples = clockRates[codec] / 50;
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

const pairs: readonly (readonly [CodecName, CodecName])[] = [
  ["opus", "PCMU"],
  ["opus", "PCMA"],
  ["PCMU", "opus"],
  ["PCMA", "opus"],
  ["PCMU", "PCMA"],
  ["PCMA", "PCMU"],
];
for (const [from, to] of pairs)
  test(`speech survives the way from ${from} to ${to}, a frame for a frame`, async () => {
    const transcoder = await openTranscoder(opus, from, to);
    const { deliver, heard } = await listener(to);
    for (const payload of await payloads(from)) {
      const before = heard().length;
      transcoder.convert(payload, deliver);
      assert.is(heard().length - before, clockRates[to] / 50);
    }
    const { value, lag } = correlation(saidIn(to), heard(), clockRates[to] / 50);
    assert.ok(value > 0.95, `correlation ${value}`);
    assert.ok(lag <= (clockRates[to] * 17) / 1000, `${lag} samples`);
    transcoder.close();
  });

test("losses and garbage leave no hole in the target's timeline and no click in its sound", async () => {
  for (const [from, to] of [
    ["PCMU", "opus"],
    ["opus", "PCMA"],
    ["PCMA", "PCMU"],
  ] as const) {
    const transcoder = await openTranscoder(opus, from, to);
    const { deliver, heard } = await listener(to);
    (await payloads(from)).forEach((payload, index) => {
      if (index % 20 === 10) transcoder.lost(deliver);
      else if (index % 20 === 15) transcoder.convert(new Uint8Array(0), deliver);
      else transcoder.convert(payload, deliver);
    });
    assert.is(heard().length, (frames * clockRates[to]) / 50);
    assert.ok(largestStep(heard()) < 1.6 * largestStep(saidIn(to)), `${from} to ${to}: step ${largestStep(heard())}`);
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
