import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { sine } from "../../hal/audio/sine.ts";
import { createWav, readWav } from "../../hal/audio/wav.ts";
import { DeviceError } from "../../hal/error.ts";
import { realBench, until } from "./bench.ts";

const test = suite<{ folder: string; path: string }>("wav");

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), "roger-wav-"));
  context.path = join(context.folder, "a.wav");
});
test.after.each((context) => rmSync(context.folder, { recursive: true }));

interface Format {
  readonly coding?: number;
  readonly channels?: number;
  readonly rate?: number;
  readonly bits?: number;
}

/** A WAV file as other programs write it, with a chunk of odd length before the data. */
function wav(data: Buffer, { coding = 1, channels = 1, rate = 48_000, bits = 16 }: Format = {}): Buffer {
  const format = Buffer.alloc(16);
  format.writeUInt16LE(coding, 0);
  format.writeUInt16LE(channels, 2);
  format.writeUInt32LE(rate, 4);
  format.writeUInt16LE(bits, 14);
  const chunk = (name: string, content: Buffer): Buffer => {
    const head = Buffer.alloc(8);
    head.write(name, "latin1");
    head.writeUInt32LE(content.length, 4);
    return Buffer.concat([head, content, Buffer.alloc(content.length % 2)]);
  };
  const body = Buffer.concat([
    Buffer.from("WAVE"),
    chunk("fmt ", format),
    chunk("LIST", Buffer.from("odd")),
    chunk("data", data),
  ]);
  return Buffer.concat([Buffer.from("RIFF"), Buffer.from(new Uint32Array([body.length]).buffer), body]);
}

const pcm = (samples: Int16Array): Buffer => Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);

test("what is written is read back to the sample", async ({ path }) => {
  const file = await createWav(path);
  const samples = sine(440, 1_300);
  for (let at = 0; at < samples.length; at += 960) file.write(samples.subarray(at, at + 960));
  assert.is(await file.close(), samples.length);
  assert.equal(await readWav(path), samples);
});

test("a recording that was cut off by the end of the process is a sound file up to then", async ({ path, folder }) => {
  const bench = realBench();
  const file = await createWav(path);
  const samples = sine(440, 1_200);
  file.write(samples);
  await until(bench, "a second is on disk", () => {
    const written = readFileSync(path);
    return written.length >= 44 && written.readUInt32LE(40) === 2 * 48_000;
  });
  const crashed = join(folder, "crashed.wav");
  copyFileSync(path, crashed);
  assert.equal(await readWav(crashed), samples.slice(0, 48_000));
  await file.close();
});

test("every common rate comes out at 48 kHz, as long and as loud as it was, without images", async ({ path }) => {
  for (const rate of [8_000, 16_000, 22_050, 24_000, 44_100]) {
    const tone = Int16Array.from(
      { length: rate },
      (_, index) => 10_000 * Math.sin((2 * Math.PI * 1_000 * index) / rate),
    );
    writeFileSync(path, wav(pcm(tone), { rate }));
    const heard = await readWav(path);
    assert.is(heard.length, 48_000);
    let [signal, error] = [0, 0];
    for (let index = 1_000; index < 47_000; index++) {
      const ideal = 10_000 * Math.sin((2 * Math.PI * 1_000 * index) / 48_000);
      signal += ideal ** 2;
      error += ((heard[index] ?? 0) - ideal) ** 2;
    }
    const ratio = 10 * Math.log10(signal / error);
    assert.ok(ratio > 60, `${rate} Hz: ${ratio.toFixed(1)} dB over error`);
  }
});

test("stereo becomes the mean of both sides", async ({ path }) => {
  writeFileSync(path, wav(pcm(Int16Array.of(100, 300, -100, -300, 32_767, 32_767)), { channels: 2 }));
  assert.equal(await readWav(path), Int16Array.of(200, -200, 32_767));
});

test("a file that cannot be played says what it is and what was expected", async ({ path }) => {
  const silence = Buffer.alloc(96);
  const cases: [Buffer, RegExp][] = [
    [Buffer.from("not audio at all"), /no WAV file; expected a WAV file of PCM, 16 bit/],
    [wav(silence, { coding: 3, bits: 32 }), /format 3 with 32 bits/],
    [wav(silence, { channels: 6 }), /6 channels/],
    [wav(silence, { rate: 96_000 }), /96000 samples a second, not one of 8000/],
    [wav(silence).subarray(0, 40), /no data chunk/],
    [Buffer.from("RIFF\0\0\0\0WAVE"), /no fmt chunk/],
  ];
  for (const [content, message] of cases) {
    writeFileSync(path, content);
    const fault = await readWav(path).catch((error: unknown) => error);
    assert.instance(fault, DeviceError);
    assert.match(String(fault), message);
  }
  assert.match(String(await readWav(join(path, "none")).catch(String)), /cannot be read/);
  assert.match(String(await readWav("/dev/zero").catch(String)), /EFBIG/);
  assert.match(String(await createWav("/nowhere/a.wav").catch(String)), /cannot be created.*ENOENT/);
});

test.run();
