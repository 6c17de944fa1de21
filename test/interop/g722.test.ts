import { execFileSync } from "node:child_process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { g722Decoder, g722Encoder } from "../../firmware/media/g722.ts";
import { testWith } from "../support/skip.ts";
import { seeded, voice } from "../unit/media/signals.ts";

const raw = ["-f", "s16le", "-ar", "16000", "-ac", "1"];
const ffmpeg = (input: Uint8Array, from: readonly string[], to: readonly string[]): Buffer =>
  execFileSync("ffmpeg", ["-loglevel", "error", ...from, "-i", "-", ...to, "-"], { input });

const bytesOf = (samples: Int16Array): Uint8Array => new Uint8Array(samples.buffer);

/** Ten seconds of speech, and of speech torn by noise at full scale. */
const random = seeded(16);
const speech = voice(16_000, 160_000);
const torn = speech.map((sample, index) => (index % 8_000 < 900 ? 65_535 * random() - 32_768 : sample));

const ffmpegTest = testWith("ffmpeg");

ffmpegTest("ffmpeg encodes G.722 to the same bits", () => {
  for (const said of [speech, torn]) {
    const coded = new Uint8Array(said.length / 2);
    g722Encoder().encode(said, coded);
    assert.ok(ffmpeg(bytesOf(said), raw, ["-f", "g722"]).equals(coded));
  }
});

ffmpegTest("ffmpeg decodes G.722, and bytes that no encoder has sent, to the same samples", () => {
  const coded = new Uint8Array(torn.length / 2);
  g722Encoder().encode(torn, coded);
  const garbage = Uint8Array.from({ length: 80_000 }, () => 256 * random());
  for (const bytes of [coded, garbage]) {
    const heard = new Int16Array(2 * bytes.length);
    g722Decoder().decode(bytes, heard);
    assert.ok(ffmpeg(bytes, ["-f", "g722"], raw).equals(bytesOf(heard)));
  }
});

test.run();
