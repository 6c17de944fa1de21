import { test } from "uvu";
import * as assert from "uvu/assert";
import { downsampler, type Resampler, resampler, upsampler } from "../../../firmware/media/resample.ts";
import { correlation, rms, sine, voice } from "./signals.ts";

function throughout(resampler: Resampler, input: Int16Array, frame: number, factor: number): Int16Array {
  const out = new Int16Array(input.length * factor);
  for (let at = 0; at < input.length; at += frame) {
    const written = resampler(input.subarray(at, at + frame), frame, out.subarray(at * factor));
    assert.is(written, frame * factor);
  }
  return out;
}
const decibels = (out: Int16Array, input: Int16Array): number =>
  20 * Math.log10(Math.max(rms(out, out.length / 2), 0.1) / rms(input, input.length / 2));

test("on the way down, speech up to 3.4 kHz passes and what would fold into it does not", () => {
  const response = (hertz: number): number => {
    const input = sine(hertz, 48_000, 9600, 20_000);
    return decibels(throughout(downsampler(), input, 960, 1 / 6), input);
  };
  for (const hertz of [50, 300, 1000, 2000, 3000, 3400])
    assert.ok(Math.abs(response(hertz)) < 0.1, `${hertz} Hz: ${response(hertz)} dB`);
  for (const hertz of [4000, 4600, 5000, 7000, 9000, 16_000, 23_000])
    assert.ok(response(hertz) < -60, `${hertz} Hz: ${response(hertz)} dB`);
});

test("on the way up, speech passes and its images do not", () => {
  for (const hertz of [300, 1000, 3000, 3400]) {
    const out = throughout(upsampler(), sine(hertz, 8000, 1600, 20_000), 160, 6);
    const wanted = sine(hertz, 48_000, out.length, 20_000);
    assert.ok(Math.abs(decibels(out, wanted)) < 0.1, `${hertz} Hz`);
    // Every image mirrors at a multiple of 8 kHz.
    const image = sine(8000 - hertz, 48_000, out.length, 1);
    const quadrature = image.map((_, index) => 100 * Math.cos((2 * Math.PI * (8000 - hertz) * index) / 48_000));
    const cross = out.reduce((sum, sample, index) => (index < 4800 ? sum : sum + sample * (quadrature[index] ?? 0)), 0);
    assert.ok(Math.abs(cross) / ((out.length - 4800) * 50) < 20_000 / 1000, `image of ${hertz} Hz`);
  }
});

test("down and up again delays by 7 ms and changes nothing else; frames leave no seams", () => {
  const said = voice(8000, 8000);
  const wide = throughout(upsampler(), said, 160, 6);
  const narrow = throughout(downsampler(), wide, 960, 1 / 6);
  const { value, lag } = correlation(said, narrow, 120);
  assert.is(lag, 55);
  assert.ok(value > 0.9999, `${value}`);
});

test("at 16 kHz what is up to 7.4 kHz passes either way, and what would fold into it or mirror it does not", () => {
  const down = (hertz: number): number => {
    const input = sine(hertz, 48_000, 9600, 20_000);
    return decibels(throughout(downsampler(16_000), input, 960, 1 / 3), input);
  };
  for (const hertz of [50, 1000, 4000, 6000, 7000, 7400]) {
    assert.ok(Math.abs(down(hertz)) < 0.1, `${hertz} Hz down: ${down(hertz)} dB`);
    const input = sine(hertz, 16_000, 3200, 20_000);
    const up = throughout(upsampler(16_000), input, 320, 3);
    assert.ok(Math.abs(decibels(up, input)) < 0.1, `${hertz} Hz up`);
    // What is not the tone itself, down by 60 dB: its images.
    const again = throughout(downsampler(16_000), up, 960, 1 / 3);
    const noise = again.map((sample, index) => (index < 111 ? 0 : sample - (input[index - 111] ?? 0)));
    if (hertz <= 7000) assert.ok(rms(noise, 1600) < 20, `${hertz} Hz there and back: ${rms(noise, 1600)}`);
  }
  for (const hertz of [8000, 8600, 9000, 12_000, 16_000, 23_000]) assert.ok(down(hertz) < -60, `${hertz} Hz`);
});

test("between 8 and 16 kHz speech goes by 48, and is 7 ms late in each direction", () => {
  const said = voice(16_000, 16_000);
  const [down, up] = [resampler(16_000, 8_000), resampler(8_000, 16_000)];
  if (!down || !up) throw new Error("no resampler");
  const high = throughout(up, throughout(down, said, 320, 1 / 2), 160, 2);
  const { value, lag } = correlation(said, high, 320);
  assert.is(lag, 221);
  assert.ok(value > 0.9999, `${value}`);
  assert.is(resampler(16_000, 16_000), undefined);
});

test("full scale is clipped, never wrapped around", () => {
  const square = Int16Array.from({ length: 4800 }, (_, index) => (index % 480 < 240 ? 32_767 : -32_768));
  const out = throughout(downsampler(), square, 960, 1 / 6);
  for (let index = 65; index < out.length; index++) {
    // Well inside each half of the square wave the sign is that of the wave.
    const inHalf = (index * 6 - 168) % 240;
    if (inHalf < 60 || inHalf > 180) continue;
    assert.is((out[index] ?? 0) > 0, (index * 6 - 168) % 480 < 240, `sample ${index}`);
  }
});

test.run();
