/** What a frame of speech costs to encode, decode and protect: in the native addon, beside WebAssembly and node:crypto. */
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { readWav } from "../../hal/audio/wav.ts";
import { loadNative } from "../../hal/native/load.ts";
import { nativeOpus } from "../../hal/opus/native.ts";
import type { Opus } from "../../hal/opus/port.ts";
import { loadOpus } from "../../hal/opus/wasm.ts";
import { nativeSrtp } from "../../hal/srtp/native.ts";
import { nodeSrtp } from "../../hal/srtp/node.ts";
import { longestTrailer, masterLengths, type Srtp, type SrtpSuite } from "../../hal/srtp/port.ts";
import { wholeNumber } from "./rig/options.ts";

const program = new Command("scripts/bench codec")
  .description(
    "Encodes and decodes recorded speech, 20 ms at 24 kbit/s with FEC, protects packets of 72 bytes by SRTP, and prints µs of CPU a frame. No bar: exit status 0.",
  )
  .option("--rounds <count>", "how often the speech is coded", wholeNumber, 5)
  .parse();
const options = program.opts<{ rounds: number }>();
const print = (line: string) => process.stdout.write(`${line}\n`);

const frameSamples = 960;
const srtpPackets = 5_000;
const speech = await readWav(fileURLToPath(new URL("../speech/north.wav", import.meta.url)));
const frames = Array.from({ length: Math.floor(speech.length / frameSamples) }, (_, index) =>
  speech.slice(index * frameSamples, (index + 1) * frameSamples),
);

/** µs of CPU for each of `count`: what else the machine does is not in it. The least of the rounds, each after `prepare`. */
function leastOf(count: number, run: () => void, prepare = (): void => {}): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < options.rounds; round++) {
    prepare();
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / count);
  }
  return least;
}

async function measure(name: string, opus: Opus): Promise<void> {
  const encoder = await opus.encoder({ bitrate: 24_000 });
  const decoder = await opus.decoder();
  encoder.setLoss(5);
  const packets = frames.map((frame) => Uint8Array.from(encoder.encode(frame)));
  const into = new Int16Array(5_760);
  const encoding = leastOf(frames.length, () => frames.forEach((frame) => encoder.encode(frame)));
  const decoding = leastOf(packets.length, () => packets.forEach((packet) => decoder.decode(packet, into)));
  const concealing = leastOf(packets.length, () => packets.forEach(() => decoder.conceal(into)));
  const figures = [encoding, decoding, concealing].map((value) => value.toFixed(1).padStart(10));
  print(`${name.padEnd(14)}${figures.join("")}`);
  encoder.close();
  decoder.close();
}

/** Protects and opens packets of one stream, of 60 bytes each behind their headers. */
function measureSrtp(name: string, srtp: Srtp, suite: SrtpSuite): void {
  const key = { suite, master: new Uint8Array(masterLengths[suite]).fill(1) };
  const sender = srtp.sender(key);
  const receiver = srtp.receiver(key);
  const packet = new Uint8Array(72).fill(0x80, 0, 1);
  const view = new DataView(packet.buffer);
  const sealed = Array.from({ length: srtpPackets }, () => new Uint8Array(packet.length + longestTrailer));
  let sequence = 0;
  let length = 0;
  const protect = () => {
    for (const into of sealed) {
      view.setUint16(2, sequence++ & 0xffff);
      length = sender.protectRtp(packet, into);
    }
  };
  const open = () => {
    for (const each of sealed) if (receiver.unprotectRtp(each.subarray(0, length)) === 0) throw new Error("dropped");
  };
  const protecting = leastOf(srtpPackets, protect);
  const opening = leastOf(srtpPackets, open, protect);
  const figures = [protecting, opening].map((value) => value.toFixed(1).padStart(10));
  print(`${`${name}, ${suite}`.padEnd(38)}${figures.join("")}`);
  sender.close();
  receiver.close();
}

print(`${frames.length} frames of 20 ms, µs of CPU a frame:`);
print(`${"".padEnd(14)}${["encode", "decode", "conceal"].map((name) => name.padStart(10)).join("")}`);
const { native, reason } = loadNative();
if (native) await measure("native", nativeOpus(native.opus));
else print(reason);
await measure("WebAssembly", await loadOpus());

print(`\n${srtpPackets} packets of SRTP, µs of CPU a packet:`);
print(`${"".padEnd(38)}${["protect", "open"].map((name) => name.padStart(10)).join("")}`);
for (const suite of Object.keys(masterLengths) as SrtpSuite[]) {
  if (native) measureSrtp("libsrtp2", nativeSrtp(native.srtp), suite);
  measureSrtp("node:crypto", nodeSrtp(), suite);
}
