/** What players of others make of a recording: Debian's opus-tools. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { endingPage, readRecording } from "../../firmware/recorder/ogg-reader.ts";
import { oggWriter } from "../../firmware/recorder/ogg-writer.ts";
import { loadOpus } from "../../hal/opus/wasm.ts";
import { testWith } from "../support/skip.ts";
import { correlation, voice } from "../unit/media/signals.ts";

const withTools = testWith("opusinfo", "opusdec");
const withFfmpeg = testWith("ffprobe", "ffmpeg");
const tags = new Map([
  ["ARTIST", "sip:alice@crew.example"],
  ["ALBUM", "ops"],
]);
const frame = 960;
const frames = 150;

const said = voice(48_000, frames * frame);

async function encoded(): Promise<readonly Uint8Array[]> {
  const encoder = await (await loadOpus()).encoder({ bitrate: 24_000 });
  const packets = Array.from({ length: frames }, (_, at) =>
    encoder.encode(said.subarray(at * frame, (at + 1) * frame)).slice(),
  );
  encoder.close();
  return packets;
}

/** A file of those packets that are not lost, a page each half second. */
function fileOf(packets: readonly Uint8Array[], isLost: (number: number) => boolean): Uint8Array {
  const writer = oggWriter(4711, tags);
  const parts = [writer.headers];
  for (const [number, packet] of packets.entries()) {
    if (!isLost(number)) writer.take(number * frame, packet);
    if (number % 25 === 24) parts.push(writer.pages());
  }
  return new Uint8Array(Buffer.concat([...parts, writer.end()]));
}

/** What opusinfo says, and what opusdec plays. Both must be content. */
function played(file: Uint8Array): { readonly info: string; readonly heard: Int16Array } {
  const folder = mkdtempSync(join(tmpdir(), "roger-ogg-"));
  const path = join(folder, "burst.opus");
  writeFileSync(path, file);
  const info = spawnSync("opusinfo", [path], { encoding: "utf8" });
  assert.equal([info.status, info.stderr], [0, ""]);
  assert.not.match(info.stdout, /warning|corrupt|missing|hole|negative/i);
  const raw = join(folder, "burst.raw");
  const played = spawnSync("opusdec", ["--force-wav", "--rate", "48000", path, raw], { encoding: "utf8" });
  assert.is(played.status, 0, played.stderr);
  const bytes = readFileSync(raw);
  rmSync(folder, { recursive: true });
  const at = bytes.indexOf("data") + 8;
  const heard = Int16Array.from({ length: (bytes.length - at) / 2 }, (_, index) => bytes.readInt16LE(at + 2 * index));
  return { info: info.stdout, heard };
}

/** From a sample on; `lag` is how much later than it was said it is heard, maybe less than 0. */
function likeness(heard: Int16Array, from = 0): { readonly value: number; readonly lag: number } {
  const early = 480;
  const shifted = new Int16Array(heard.length - from + early);
  shifted.set(heard.subarray(from), early);
  const { value, lag } = correlation(said.subarray(from), shifted, 2 * early);
  return { value, lag: lag - early };
}

withTools("a recording is played at its length, from the first word on, and says whose it is", async () => {
  const { info, heard } = played(fileOf(await encoded(), () => false));
  assert.match(info, /ARTIST=sip:alice@crew\.example/);
  assert.match(info, /ALBUM=ops/);
  assert.is(heard.length, frames * frame - 312);
  const { value, lag } = likeness(heard);
  assert.ok(value > 0.95 && Math.abs(lag) <= 48, `correlation ${value}, ${lag} samples late`);
});

for (const [what, isLost] of [
  ["single packets", (number: number) => number % 7 === 3],
  ["a second", (number: number) => number >= 40 && number < 90],
] as const)
  withTools(`${what} that were lost leave what follows in its place`, async () => {
    const { heard } = played(fileOf(await encoded(), isLost));
    assert.is(heard.length, frames * frame - 312);
    const { value, lag } = likeness(heard, 100 * frame);
    assert.ok(value > 0.8 && Math.abs(lag) <= 48, `correlation ${value}, ${lag} samples late`);
  });

withTools("a recording that was cut and mended is played up to the cut", async () => {
  const whole = fileOf(await encoded(), () => false);
  const cut = whole.subarray(0, Math.floor(whole.length * 0.6));
  const recording = readRecording(cut);
  if (!recording) throw new Error("nothing is left");
  const mended = cut.slice(0, recording.soundBytes);
  mended.set(endingPage(recording), recording.lastPageAt);
  const { heard } = played(mended);
  assert.is(heard.length, recording.samples - 312);
  assert.ok(heard.length > 0.4 * said.length);
});

withFfmpeg("ffmpeg plays a recording with gaps at its length, and finds nothing wrong with it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "roger-ogg-"));
  const path = join(folder, "burst.opus");
  writeFileSync(
    path,
    fileOf(await encoded(), (number) => number % 7 === 3),
  );
  const fields = "format=duration:stream=codec_name,channels";
  const probe = spawnSync("ffprobe", ["-v", "warning", "-show_entries", fields, "-of", "default=nk=1:nw=1", path], {
    encoding: "utf8",
  });
  assert.equal([probe.status, probe.stderr], [0, ""]);
  const [codec, channels, duration] = probe.stdout.trim().split("\n");
  assert.equal([codec, channels], ["opus", "1"]);
  // It counts what is skipped at the start, as it does for a file of opusenc.
  assert.ok(Math.abs(Number(duration) - (frames * frame) / 48_000) < 0.001, duration);
  const raw = join(folder, "burst.raw");
  const decode = ["-v", "warning", "-i", path, "-f", "s16le", "-ar", "48000", raw];
  const played = spawnSync("ffmpeg", decode, { encoding: "utf8" });
  assert.equal([played.status, played.stderr], [0, ""]);
  const bytes = readFileSync(raw);
  rmSync(folder, { recursive: true });
  const heard = Int16Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readInt16LE(2 * index));
  assert.ok(Math.abs(heard.length - (frames * frame - 312)) <= frame, `${heard.length} samples`);
  const { value, lag } = likeness(heard, 50 * frame);
  assert.ok(value > 0.7 && Math.abs(lag) <= 48, `correlation ${value}, ${lag} samples late`);
});

test.run();
