/** What it costs to let everybody hear everybody: a frame of 20 ms of one talkgroup, decoded, mixed, encoded and handed out. */
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import type { Leg } from "../../firmware/conference/contract.ts";
import type { FanOutPorts } from "../../firmware/conference/fan-out.ts";
import { openMix } from "../../firmware/conference/mix.ts";
import { type CodecName, clockRates, openEncoder, sampleRates } from "../../firmware/media/codec.ts";
import { resampler } from "../../firmware/media/resample.ts";
import { outgoingStream } from "../../firmware/media/rewriter.ts";
import { readRtp, rtpHeaderLength, rtpView, writeRtpHeader } from "../../firmware/media/rtp.ts";
import { readWav } from "../../hal/audio/wav.ts";
import { virtualClock } from "../../hal/clock/virtual.ts";
import { plainStreams } from "../../hal/network/streams.ts";
import { seededRandom } from "../../hal/random/seeded.ts";
import { openSpeech } from "../../hal/speech.ts";
import { wholeNumber, wholeNumbers } from "./rig/options.ts";

const program = new Command("scripts/bench mixing")
  .description(
    "Some of a talkgroup speak at once, recorded speech in Opus or G.722; all of them hear all others. Measures the CPU of mixing alone, in " +
      "one process and without a network. Exit status 0 only if every listener got every frame.",
  )
  .option("--speakers <counts>", "how many, one after the other", wholeNumbers, [1, 3, 8])
  .option("--listeners <counts>", "how many beside them, one after the other", wholeNumbers, [20, 100])
  .option("--seconds <count>", "of speech", wholeNumber, 10)
  .option("--json", "prints one JSON object instead of the table")
  .parse();
const options = program.opts<{
  speakers: readonly number[];
  listeners: readonly number[];
  seconds: number;
  json?: boolean;
}>();
const print = (line: string) => process.stdout.write(`${line}\n`);

const { opus, withoutNative } = await openSpeech();
const frameSamples = 960;
const speech = await readWav(fileURLToPath(new URL("../speech/north.wav", import.meta.url)));
const payloadTypes: Readonly<Record<CodecName, number>> = { opus: 111, G722: 9, PCMU: 0, PCMA: 8 };

/** The packets of one who speaks without end, each speaker at another place of the text. */
async function packetsOf(codec: CodecName, speaker: number): Promise<readonly Uint8Array[]> {
  const encoder = await openEncoder(opus, codec, 24_000);
  const convert = resampler(sampleRates.opus, sampleRates[codec]);
  const slow = new Int16Array(sampleRates[codec] / 50);
  const all = Math.floor(speech.length / frameSamples);
  const packets = Array.from({ length: options.seconds * 50 }, (_, index) => {
    const at = ((index + speaker * 37) % all) * frameSamples;
    const frame = speech.subarray(at, at + frameSamples);
    convert?.(frame, frameSamples, slow);
    const payload = encoder.encode(convert ? slow : frame);
    const packet = new Uint8Array(rtpHeaderLength + payload.length);
    const timestamp = (index * clockRates[codec]) / 50;
    const fields = { payloadType: payloadTypes[codec], sequence: index, timestamp, ssrc: speaker + 1 };
    writeRtpHeader(packet, { ...fields, marker: index === 0 });
    packet.set(payload, rtpHeaderLength);
    return packet;
  });
  encoder.close();
  return packets;
}

/** A leg as a mix knows it, and no more. */
function bareLeg(ports: FanOutPorts, id: string, codec: CodecName, sent: () => void): Leg {
  const row = ports.streams.take() ?? 0;
  const stream = outgoingStream(ports.streams, row, {
    ...{ ssrc: row, sequence: 0, timestamp: 0 },
    clockRate: clockRates[codec],
  });
  stream.payloadType(payloadTypes[codec]);
  stream.listen(true);
  const local = { host: "127.0.0.1", port: 1 };
  ports.streams.aim(row, { local, send: sent, close() {} }, local);
  const nothing = () => {};
  return {
    ...{ id, row, group: undefined, options: { leg: id, user: id, mayTalk: true, priority: 0, mayPreempt: false } },
    ...{ codec: () => codec, offer: () => "", answer: () => "", accept: nothing },
    ...{ sends: () => true, hears: () => true, holds: () => false, hasFloor: () => false, queues: () => false },
    ...{
      sounding: () => false,
      sendFloor: nothing,
      moved: nothing,
      overhear: nothing,
      play: nothing,
      replay: nothing,
      hush: nothing,
      close: nothing,
    },
    begin: (nowMs, midway) => stream.begin(nowMs, midway),
  };
}

interface Result {
  readonly codec: CodecName;
  readonly speakers: number;
  readonly listeners: number;
  /** µs of CPU for each 20 ms, all that is done for all members. */
  readonly cpu: number;
  /** What one member adds to that, µs. */
  readonly cpuEach: number;
  /** Frames that a listener got, of those that were spoken. */
  readonly heard: number;
}

async function measure(codec: CodecName, speakers: number, listeners: number): Promise<Result> {
  const clock = virtualClock();
  const ports = { clock, streams: plainStreams(speakers + listeners), sounding: new Set<Leg>() };
  let sent = 0;
  const nothing = () => {};
  const mix = openMix(
    { ...ports, opus, random: seededRandom(1) },
    { hangMs: 1_000 },
    { onTrunk: nothing, onSpeakers: nothing, onQuiet: nothing },
  );
  const legs = Array.from({ length: speakers }, (_, index) => bareLeg(ports, `speaker${index}`, codec, nothing));
  for (const leg of legs) mix.join(leg);
  for (let index = 0; index < listeners; index++)
    mix.join(bareLeg(ports, `listener${index}`, codec, () => void sent++));
  const packets = await Promise.all(legs.map((_, index) => packetsOf(codec, index)));
  const view = rtpView();
  const frames = options.seconds * 50;
  // The first second is for the compiler, and for the codecs to open.
  const warmUp = 50;
  let before = process.cpuUsage();
  for (let frame = 0; frame < frames; frame++) {
    if (frame === warmUp) before = process.cpuUsage();
    for (const [index, leg] of legs.entries()) {
      const packet = packets[index]?.[frame];
      if (packet && readRtp(packet, view)) mix.fromLeg(leg, packet, view, true);
    }
    await clock.advance(20);
  }
  const { user, system } = process.cpuUsage(before);
  mix.close();
  const cpu = (user + system) / (frames - warmUp);
  return { codec, speakers, listeners, cpu, cpuEach: cpu / (speakers + listeners), heard: sent / listeners / frames };
}

const results: Result[] = [];
for (const codec of ["opus", "G722"] as const)
  for (const speakers of options.speakers)
    for (const listeners of options.listeners) results.push(await measure(codec, speakers, listeners));
const native = withoutNative === undefined;
/** What the jitter buffers hold at the end is not heard any more, 40 to 60 ms of it. */
const faults = results
  .filter(({ heard }) => heard < 1 - 4 / (options.seconds * 50))
  .map(({ codec, speakers, listeners, heard }) => `${heard} of ${codec}, ${speakers} speakers, ${listeners} listeners`);
if (options.json) print(JSON.stringify({ ...options, native, results, faults }));
else {
  print(`${options.seconds} s of speech, Opus ${native ? "native" : "in WebAssembly"}:`);
  print("  codec  speakers  listeners  CPU µs a frame  and member  of a core");
  for (const { codec, speakers, listeners, cpu, cpuEach } of results)
    print(
      `  ${codec.padEnd(5)}${`${speakers}`.padStart(10)}${`${listeners}`.padStart(11)}${cpu.toFixed(0).padStart(16)}` +
        `${cpuEach.toFixed(1).padStart(12)}${`${(cpu / 200).toFixed(1)} %`.padStart(11)}`,
    );
  print(faults.length === 0 ? "every listener heard every frame" : `not heard: ${faults.join("; ")}`);
}
process.exitCode = faults.length === 0 ? 0 : 1;
