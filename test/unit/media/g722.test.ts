import { createHash } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { g722Decoder, g722Encoder } from "../../../firmware/media/g722.ts";
import { correlation, rms, seeded, sine, voice } from "./signals.ts";

const delay = 22;

function throughCodec(said: Int16Array, frame = 320): Int16Array {
  const [encoder, decoder] = [g722Encoder(), g722Decoder()];
  const heard = new Int16Array(said.length);
  const payload = new Uint8Array(frame / 2);
  for (let at = 0; at < said.length; at += frame) {
    encoder.encode(said.subarray(at, at + frame), payload);
    decoder.decode(payload, heard.subarray(at, at + frame));
  }
  return heard;
}

test("speech is coded with 25 dB of signal to noise, 22 samples late, and frames leave no seams", () => {
  const said = voice(16_000, 32_000);
  const heard = throughCodec(said);
  assert.is(correlation(said, heard, 100).lag, delay);
  const noise = heard.map((sample, index) => (index < delay ? 0 : sample - (said[index - delay] ?? 0)));
  const decibels = 20 * Math.log10(rms(said) / rms(noise));
  assert.ok(decibels > 25, `${decibels} dB`);
  assert.equal(throughCodec(said, 32_000), heard);
});

test("tones from 100 Hz to 7 kHz keep their level", () => {
  for (const hertz of [100, 1000, 3000, 3900, 4100, 5000, 6000, 7000]) {
    const said = sine(hertz, 16_000, 8_000, 8_000);
    const gain = 20 * Math.log10(rms(throughCodec(said), 4_000) / rms(said, 4_000));
    assert.ok(Math.abs(gain) < 1, `${hertz} Hz: ${gain} dB`);
  }
});

test("full scale is clipped, never wrapped around", () => {
  const said = Int16Array.from({ length: 8_000 }, (_, index) => (index % 400 < 200 ? 32_767 : -32_768));
  const heard = throughCodec(said);
  for (let index = 400; index < heard.length; index++) {
    const phase = (index - delay) % 400;
    if (phase % 200 > 60 && phase % 200 < 140) assert.is((heard[index] ?? 0) > 0, phase < 200, `sample ${index}`);
  }
});

/** What ffmpeg 5.1 makes of the same; test/interop/g722.test.ts asks it again where it is installed. */
test("noise, a voice and any bytes are coded and decoded to the bit as others do", () => {
  const random = seeded(722);
  const said = voice(16_000, 16_000).map((sample, index) =>
    index % 4_000 < 500 ? 65_535 * random() - 32_768 : sample,
  );
  const coded = new Uint8Array(said.length / 2);
  g722Encoder().encode(said, coded);
  const bytes = Uint8Array.from(coded, (code, index) => (index < 4_000 ? code : 256 * random()));
  const heard = new Int16Array(2 * bytes.length);
  g722Decoder().decode(bytes, heard);
  const digest = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex").slice(0, 16);
  assert.equal([digest(coded), digest(new Uint8Array(heard.buffer))], ["092181e307c54674", "67d0a3cd30c296d7"]);
});

test.run();
