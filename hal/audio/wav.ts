/** WAV files (RIFF, PCM of 16 bit) to and from the audio port's samples: 48 kHz, mono. */
import { open, readFile, stat } from "node:fs/promises";
import { DeviceError } from "../error.ts";
import { sampleRate } from "./port.ts";
import { toPortRate } from "./resample.ts";

const rates = [8_000, 16_000, 22_050, 24_000, 44_100, 48_000];
/** Ten minutes of stereo at 48 kHz, and a little for other chunks. */
const maxFileBytes = 120_000_000;
const headerBytes = 44;
const flushSamples = sampleRate / 2;
/** The lengths in the header have 32 bits. */
const maxSamples = 2_147_000_000;
const formatPcm = 1;
const formatExtensible = 0xfffe;

/** Reads a whole file: mono, or stereo of which the mean is taken, at any common rate. Rejects with DeviceError naming what was found. */
export async function readWav(path: string): Promise<Int16Array> {
  const file = await load(path);
  const refuse = (found: string): DeviceError =>
    new DeviceError(path, "EINVAL", `${found}; expected a WAV file of PCM, 16 bit, mono or stereo`);
  if (file.length < 12 || tag(file, 0) !== "RIFF" || tag(file, 8) !== "WAVE") throw refuse("this is no WAV file");

  const format = chunk(file, "fmt ");
  const data = chunk(file, "data");
  if (!format || format.length < 16) throw refuse("the file has no fmt chunk");
  if (!data) throw refuse("the file has no data chunk");
  const coding = format.readUInt16LE(0) === formatExtensible && format.length >= 26 ? 24 : 0;
  const channels = format.readUInt16LE(2);
  const rate = format.readUInt32LE(4);
  const bits = format.readUInt16LE(14);
  if (format.readUInt16LE(coding) !== formatPcm || bits !== 16) {
    throw refuse(`the file has format ${format.readUInt16LE(coding)} with ${bits} bits a sample`);
  }
  if (channels !== 1 && channels !== 2) throw refuse(`the file has ${channels} channels`);
  if (!rates.includes(rate)) throw refuse(`the file has ${rate} samples a second, not one of ${rates.join(", ")}`);
  return toPortRate(mono(data, channels), rate);
}

async function load(path: string): Promise<Buffer> {
  try {
    const found = await stat(path);
    if (found.isFile() && found.size <= maxFileBytes) return await readFile(path);
  } catch (error) {
    throw fileFault(path, "the file cannot be read; check its path and permissions", error);
  }
  throw new DeviceError(path, "EFBIG", `this is no file of at most ${maxFileBytes} bytes; use a shorter recording`);
}

function tag(file: Buffer, at: number): string {
  return file.toString("latin1", at, at + 4);
}

/** A chunk's content; one that announces more than there is (a recording cut off) ends with the file. */
function chunk(file: Buffer, name: string): Buffer | undefined {
  for (let at = 12; at + 8 <= file.length; ) {
    const length = file.readUInt32LE(at + 4);
    if (tag(file, at) === name) return file.subarray(at + 8, Math.min(file.length, at + 8 + length));
    at += 8 + length + (length % 2);
  }
  return undefined;
}

function mono(data: Buffer, channels: 1 | 2): Int16Array {
  const bytesEach = 2 * channels;
  return Int16Array.from({ length: Math.floor(data.length / bytesEach) }, (_, index) => {
    const left = data.readInt16LE(index * bytesEach);
    return channels === 1 ? left : Math.round((left + data.readInt16LE(index * bytesEach + 2)) / 2);
  });
}

export interface WavWriter {
  /** Appends samples; copies them. A fault of the disk shows at `close`. */
  write(samples: Int16Array): void;
  /** Resolves with the number of samples when the file is complete. Rejects with DeviceError when something was lost. */
  close(): Promise<number>;
}

/** Creates a WAV file, 48 kHz mono. Its header is brought up to date every half second, so that it can be read even if the process dies. */
export async function createWav(path: string): Promise<WavWriter> {
  const file = await open(path, "w").catch((error: unknown) => {
    throw fileFault(path, "the file cannot be created; check its folder and permissions", error);
  });
  let waiting = new Int16Array(flushSamples);
  let used = 0;
  let total = 0;
  let fault: unknown;
  let onDisk = file.write(header(0), 0, headerBytes, 0).then(() => {}, note);

  function note(error: unknown): void {
    fault ??= error;
  }

  function flush(): void {
    const bytes = Buffer.from(waiting.buffer, 0, 2 * used);
    const before = total;
    total += used;
    waiting = new Int16Array(flushSamples);
    used = 0;
    // Header last: it never announces what is not there. After a fault nothing more is written.
    onDisk = onDisk
      .then(async () => {
        if (fault !== undefined) return;
        await file.write(bytes, 0, bytes.length, headerBytes + 2 * before);
        await file.write(header(before + bytes.length / 2), 0, headerBytes, 0);
      })
      .catch(note);
  }

  return {
    write(samples) {
      for (let at = 0; at < samples.length && total + used < maxSamples; ) {
        const part = samples.subarray(at, at + flushSamples - used);
        waiting.set(part, used);
        used += part.length;
        at += part.length;
        if (used === flushSamples) flush();
      }
    },
    async close() {
      flush();
      await onDisk;
      await file.close();
      if (fault !== undefined) throw fileFault(path, "the recording is incomplete; check the disk", fault);
      return total;
    },
  };
}

function header(samples: number): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  bytes.write("RIFF", 0, "latin1");
  bytes.writeUInt32LE(headerBytes - 8 + 2 * samples, 4);
  bytes.write("WAVEfmt ", 8, "latin1");
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(formatPcm, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(sampleRate, 24);
  bytes.writeUInt32LE(2 * sampleRate, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write("data", 36, "latin1");
  bytes.writeUInt32LE(2 * samples, 40);
  return bytes;
}

function fileFault(path: string, advice: string, error: unknown): DeviceError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "EIO";
  return new DeviceError(path, code, advice, error);
}
