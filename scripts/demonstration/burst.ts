/** One talk burst from one site's button to another's loudspeaker, timed and compared with what was said. */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createWav, readWav } from "../../hal/audio/wav.ts";
import type { BoardEvent } from "../../hal/board/simulated-client.ts";
import { type Likeness, likeness } from "./likeness.ts";
import type { Site } from "./site.ts";

/** Times in ms after the button's edge. */
export interface BurstReport {
  readonly from: string;
  readonly to: string;
  readonly grantedMs: number;
  readonly firstSampleMs: number;
  readonly releasedMs: number;
  readonly endMs: number;
  /** From the microphone to the loudspeaker, for the first word and for the last: what the first had to wait for is caught up. */
  readonly mouthToEarMs: readonly [first: number, last: number];
  readonly likeness: Likeness;
  readonly recording: string;
}

const samplesPerMs = 48;
/** After the far end went quiet, so much more is recorded. */
const tailMs = 300;
/** What is delayed on a busy machine is still heard, for so long after the floor is idle. */
const delayedMs = 2_000;

/** Presses, speaks the whole file from the press on, lets go. What is said and what the far loudspeaker plays lie in `folder` afterwards. */
export async function burst(from: Site, to: Site, file: string, folder: string): Promise<BurstReport> {
  const recording = join(folder, `${to.site}.wav`);
  const speech = await prepared(file, join(folder, `${from.site}-said.wav`));
  const said = await readWav(speech);
  const seconds = said.length / samplesPerMs / 1000;
  const limit = seconds * 1000 + 10_000;
  const sounds: number[] = [];
  const quiets: number[] = [];
  const stopListening = to.board.onEvent((event) => {
    if (event.event === "sound") sounds.push(event.at);
    if (event.event === "quiet") quiets.push(event.at);
  });

  const recorded = await to.board.command({ record: recording });
  const granted = next(from, lamp("transmit-lamp", true), limit, "Floor Granted (transmit lamp)");
  const heardOut = next(from, ({ event }) => event === "heard-out", limit, "the end of the speech");
  const idle = next(to, lamp("receive-lamp", false), limit, "Floor Idle at the far end (receive lamp)");
  const pressed = await from.board.command({ press: "ptt", bounce: true });
  const heard = await from.board.command({ hear: speech });
  const [grant, out] = await Promise.all([granted, heardOut]);
  const released = await from.board.command({ release: "ptt", bounce: true });
  await idle;
  const isQuiet = (): boolean => (quiets.at(-1) ?? 0) > (sounds.at(-1) ?? Number.POSITIVE_INFINITY);
  for (let waited = 0; !isQuiet() && waited < delayedMs; waited += tailMs) await pause(tailMs);
  await pause(tailMs);
  await to.board.command({ "record-stop": true });
  stopListening();

  const alike = likeness(said, await readWav(recording));
  const since = (at: number): number => at - pressed.at;
  const mouthToEar = (lag: number): number => recorded.at + lag / samplesPerMs - heard.at;
  return {
    from: from.site,
    to: to.site,
    grantedMs: since(grant.at),
    firstSampleMs: since(sounds[0] ?? Number.NaN),
    releasedMs: since(Math.max(released.at, out.at)),
    endMs: since(quiets.at(-1) ?? Number.NaN),
    mouthToEarMs: [mouthToEar(alike.firstLag), mouthToEar(alike.lastLag)],
    likeness: alike,
    recording,
  };
}

/** A copy at the rate of the microphone, so that no gateway has to convert it while it is timed. */
export async function prepared(file: string, copy: string): Promise<string> {
  const wav = await createWav(copy);
  wav.write(await readWav(file));
  await wav.close();
  return copy;
}

const lamp =
  (role: string, active: boolean) =>
  (event: BoardEvent): boolean =>
    event.event === "pin" && event.role === role && event.active === active;

async function next(site: Site, wanted: (event: BoardEvent) => boolean, ms: number, what: string): Promise<BoardEvent> {
  const tooLate = new AbortController();
  const late = pause(ms, undefined, { signal: tooLate.signal }).then(() => {
    throw new Error(`${site.site}: waited ${ms / 1000} s for ${what}`);
  });
  try {
    return await Promise.race([site.board.next(wanted), late]);
  } finally {
    tooLate.abort();
    late.catch(() => {});
  }
}

/** The speech arrived: alike, whole, and nothing missing at either end. */
export function arrived({ likeness }: BurstReport): boolean {
  return (
    likeness.correlation >= 0.9 &&
    likeness.heard >= 0.99 &&
    likeness.missingAtStartMs === 0 &&
    likeness.missingAtEndMs === 0
  );
}

export function timeline(report: BurstReport): string {
  const { from, to, likeness } = report;
  const [firstWord, lastWord] = report.mouthToEarMs;
  const at = (ms: number, what: string): string =>
    `${(Number.isNaN(ms) ? "never" : `${ms.toFixed(1)} ms`).padStart(13)}  ${what}`;
  return [
    `${from} -> ${to}`,
    at(0, `button edge at ${from}`),
    at(report.grantedMs, "Floor Granted, talk-permit tone"),
    at(report.firstSampleMs, `first sample out at ${to}`),
    at(report.releasedMs, "button released"),
    at(report.endMs, `end of burst: ${to} is silent`),
    `   mouth to ear: ${firstWord.toFixed(1)} ms for the first word, ${lastWord.toFixed(1)} ms for the last`,
    `   speech heard: ${(likeness.heard * 100).toFixed(1)} %, likeness ${likeness.correlation.toFixed(3)}, missing ` +
      `${likeness.missingAtStartMs} ms at the start and ${likeness.missingAtEndMs} ms at the end`,
    `   ${report.recording}  ${arrived(report) ? "speech arrived whole" : "SPEECH DID NOT ARRIVE WHOLE"}`,
  ].join("\n");
}
