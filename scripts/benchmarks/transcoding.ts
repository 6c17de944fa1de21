/** What it costs to bring a talk burst from one codec to another, once, however many listen. */
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { type CodecName, codecNames, openEncoder, sampleRates } from "../../firmware/media/codec.ts";
import { resampler } from "../../firmware/media/resample.ts";
import { openTranscoder } from "../../firmware/media/transcoder.ts";
import { readWav } from "../../hal/audio/wav.ts";
import { openSpeech } from "../../hal/speech.ts";
import { wholeNumber } from "./rig/options.ts";

const program = new Command("scripts/bench transcoding")
  .description(
    "Transcodes recorded speech between Opus (24 kbit/s with FEC), G.722 and both laws of G.711, and prints µs of CPU a frame of 20 ms, " +
      "the least of the rounds. No bar: exit status 0.",
  )
  .option("--rounds <count>", "how often the speech is transcoded", wholeNumber, 5)
  .option("--json", "prints one JSON object instead of the table")
  .parse();
const options = program.opts<{ rounds: number; json?: boolean }>();
const print = (line: string) => process.stdout.write(`${line}\n`);

const { opus, withoutNative } = await openSpeech();
const frameSamples = 960;
const speech = await readWav(fileURLToPath(new URL("../speech/north.wav", import.meta.url)));
const frames = Math.floor(speech.length / frameSamples);

async function payloadsOf(codec: CodecName): Promise<readonly Uint8Array[]> {
  const encoder = await openEncoder(opus, codec, 24_000);
  const convert = resampler(sampleRates.opus, sampleRates[codec]);
  const slow = new Int16Array(sampleRates[codec] / 50);
  const payloads = Array.from({ length: frames }, (_, index) => {
    const frame = speech.subarray(index * frameSamples, (index + 1) * frameSamples);
    convert?.(frame, frameSamples, slow);
    return encoder.encode(convert ? slow : frame).slice();
  });
  encoder.close();
  return payloads;
}

async function measure(from: CodecName, to: CodecName): Promise<number> {
  const payloads = await payloadsOf(from);
  let least = Number.POSITIVE_INFINITY;
  // The first round is for the compiler.
  for (let round = 0; round <= options.rounds; round++) {
    const transcoder = await openTranscoder(opus, from, to);
    const before = process.cpuUsage();
    for (const payload of payloads) transcoder.convert(payload, () => {});
    const { user, system } = process.cpuUsage(before);
    transcoder.close();
    if (round > 0) least = Math.min(least, (user + system) / payloads.length);
  }
  return least;
}

const results: { readonly from: CodecName; readonly to: CodecName; readonly cpu: number }[] = [];
for (const from of codecNames)
  for (const to of codecNames) if (from !== to) results.push({ from, to, cpu: await measure(from, to) });
const native = withoutNative === undefined;
if (options.json) print(JSON.stringify({ ...options, native, frames, results }));
else {
  print(`µs of CPU for each 20 ms, Opus ${native ? "native" : "in WebAssembly"}:`);
  print(`  from \\ to${codecNames.map((codec) => codec.padStart(8)).join("")}`);
  for (const from of codecNames) {
    const cells = codecNames.map((to) => results.find((result) => result.from === from && result.to === to)?.cpu);
    print(`  ${from.padEnd(9)}${cells.map((cpu) => (cpu === undefined ? "" : cpu.toFixed(1)).padStart(8)).join("")}`);
  }
}
