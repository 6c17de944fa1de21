/** How well speech is heard over networks good and bad: the situations, and what is to be heard in each whatever the seed. */
import { join } from "node:path";
import type { CodecName } from "../../firmware/media/codec.ts";
import { readWav } from "../../hal/audio/wav.ts";
import type { PathConditions } from "../../hal/network/simulated.ts";
import type { Opus } from "../../hal/opus/port.ts";
import { type Hearing, hearing } from "../../scripts/listening/hearing.ts";
import { projectRoot } from "./source.ts";
import { openTalk, type Talk } from "./talk.ts";

export interface Situation {
  readonly name: string;
  /** Length of the burst, s. */
  readonly seconds: number;
  readonly up?: Partial<PathConditions>;
  readonly down?: Partial<PathConditions>;
  readonly driftPpm?: number;
  readonly codec?: CodecName;
  readonly grantMs?: number;
  /** The talker's encoder hears nothing of losses, and expects so much, percent. */
  readonly expectedLoss?: number;
  readonly onTheWay?: (talk: Talk, atMs: number) => void;
  /** Chance has no part in it. */
  readonly certain?: true;
  readonly bars: Bars;
}

/** The most that may be. Delays and gaps in ms, the distance in dB. */
export interface Bars {
  readonly p95Ms: number;
  readonly gapMs: number;
  readonly spoilt: number;
}

/** What each codec lets through, Hz. */
const top: Readonly<Record<CodecName, number>> = { opus: 8_000, G722: 6_400, PCMU: 3_400, PCMA: 3_400 };

const near = { latencyMs: 10 };
const bad = { latencyMs: 20, loss: 0.05, jitterMs: 30 };

function listenerPath(talk: Talk, conditions: Partial<PathConditions>): void {
  for (const { host } of talk.ears) talk.network.setPath(talk.server, host, conditions);
}

export const situations: readonly Situation[] = [
  { certain: true, name: "clean", seconds: 20, bars: { p95Ms: 100, gapMs: 5, spoilt: 0 } },
  { certain: true, name: "clean, PCMU", seconds: 20, codec: "PCMU", bars: { p95Ms: 110, gapMs: 5, spoilt: 0.005 } },
  {
    ...{ name: "loss 5 %, jitter 30 ms, 100 ppm, to the listener", seconds: 60, up: near, down: bad, driftPpm: 100 },
    bars: { p95Ms: 180, gapMs: 20, spoilt: 0.01 },
  },
  {
    ...{ name: "loss 5 %, jitter 30 ms, -100 ppm, from the talker", seconds: 20, up: bad, down: near, driftPpm: -100 },
    bars: { p95Ms: 180, gapMs: 20, spoilt: 0.01 },
  },
  {
    ...{
      name: "loss 5 %, jitter 30 ms, 100 ppm, G722",
      seconds: 20,
      up: near,
      down: bad,
      driftPpm: 100,
      codec: "G722",
    },
    // Without FEC, two in a row at the beginning of a word are not known of.
    bars: { p95Ms: 190, gapMs: 40, spoilt: 0.02 },
  },
  {
    ...{
      name: "loss 5 %, jitter 30 ms, 100 ppm, PCMU",
      seconds: 20,
      up: near,
      down: bad,
      driftPpm: 100,
      codec: "PCMU",
    },
    // Without FEC, two in a row at the beginning of a word are not known of.
    bars: { p95Ms: 190, gapMs: 40, spoilt: 0.02 },
  },
  {
    ...{ name: "loss 5 %, without FEC", seconds: 20, down: { loss: 0.05 }, expectedLoss: 0 },
    bars: { p95Ms: 130, gapMs: 60, spoilt: 0.03 },
  },
  {
    ...{ name: "loss 5 %, with FEC", seconds: 20, down: { loss: 0.05 } },
    bars: { p95Ms: 130, gapMs: 20, spoilt: 0.01 },
  },
  {
    ...{ certain: true, name: "three lost in a row, every two seconds", seconds: 20, down: near },
    onTheWay(talk, atMs) {
      if (atMs % 2_000 === 1_000) listenerPath(talk, { loss: 1 });
      if (atMs % 2_000 === 1_060) listenerPath(talk, { loss: 0 });
    },
    // A word that begins within the loss is not known before the packet that comes after it.
    bars: { p95Ms: 140, gapMs: 40, spoilt: 0.03 },
  },
  {
    ...{ name: "a tenth overtaken", seconds: 20, down: { latencyMs: 10, reorder: 0.1, reorderMs: 30 } },
    bars: { p95Ms: 140, gapMs: 5, spoilt: 0.005 },
  },
  {
    ...{ certain: true, name: "a stall of 300 ms", seconds: 20, down: near },
    onTheWay(talk, atMs) {
      for (const { host } of atMs === 6_000 ? talk.ears : []) talk.network.stall(talk.server, host, 300);
    },
    // Two seconds of twenty are heard late.
    bars: { p95Ms: 220, gapMs: 20, spoilt: 0.01 },
  },
  {
    certain: true,
    name: "a grant after 300 ms",
    seconds: 20,
    grantMs: 300,
    bars: { p95Ms: 250, gapMs: 5, spoilt: 0.005 },
  },
];

/** How far from what was said each situation was, dB: no change is to make it worse unseen. */
export interface Baseline {
  readonly mean: number;
  readonly p95: number;
}
/** What chance, or another build of the codec, makes of it, dB. */
const tolerance: Baseline = { mean: 0.15, p95: 0.6 };

/** What is worse than it may be, in words. */
export function faultsOf({ bars }: Situation, heard: Hearing, baseline: Baseline | undefined): string[] {
  const { delayMs, distanceDb, longestGapMs, spoilt, clicks, missingMs } = heard;
  const limits: readonly (readonly [what: string, found: number, most: number])[] = [
    ["ms from mouth to ear (p95)", delayMs.p95, bars.p95Ms],
    ["ms of silence in speech", longestGapMs, bars.gapMs],
    ["of the frames are spoilt", spoilt, bars.spoilt],
    ["clicks", clicks, 0],
    ["ms of speech missing at the start", missingMs.start, 0],
    ["ms of speech missing at the end", missingMs.end, 0],
    ["dB away", distanceDb.mean, (baseline?.mean ?? 0) + tolerance.mean],
    ["dB away (p95)", distanceDb.p95, (baseline?.p95 ?? 0) + tolerance.p95],
  ];
  return limits.flatMap(([what, found, most]) => (found <= most ? [] : [`${found} ${what}, not ${most}`]));
}

export const baselineFile = join(projectRoot, "test/stories/quality.json");

/** What is said: two voices in turn, half a second between, for so long. */
export async function monologue(seconds: number): Promise<Int16Array> {
  const said = new Int16Array(seconds * 48_000);
  const voices = await Promise.all(
    ["north", "south"].map(async (name) => {
      const samples = await readWav(join(projectRoot, "scripts/speech", `${name}.wav`));
      return samples.subarray(samples.findIndex((sample) => Math.abs(sample) > 500));
    }),
  );
  for (let at = 0, turn = 0; at < said.length; turn++) {
    const voice = voices[turn % 2] ?? new Int16Array(0);
    said.set(voice.subarray(0, said.length - at), at);
    at += voice.length + 24_000;
  }
  return said;
}

export async function listenIn(opus: Opus, situation: Situation, seed: number): Promise<Hearing> {
  const { seconds, driftPpm = 0, codec = "opus", expectedLoss, onTheWay } = situation;
  const said = await monologue(seconds);
  const talk = await openTalk({
    ...{ opus, seed, up: situation.up ?? {}, down: situation.down ?? {}, grantMs: situation.grantMs ?? 0 },
    ...(expectedLoss !== undefined && { expectedLoss }),
    listeners: [{ codec, driftPpm }],
  });
  const [heard] = await talk.burst(said, (atMs) => onTheWay?.(talk, atMs));
  talk.close();
  return hearing(said, heard ?? new Int16Array(0), { driftPpm, topHz: top[codec] });
}
