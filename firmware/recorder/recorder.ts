/**
 * The door of the recorder: each burst of a recorded talkgroup becomes an Ogg Opus file that any player plays, in a folder that keeps
 * itself within its limits, with an index beside it. What is durable, and when: what was said half a second ago is on the disk, however
 * the power goes; a file has its name, and is in the index, once it is whole. It decides what goes when room is short: the oldest first,
 * and recording before the disk is full. It knows no talkgroup that it was not told of, no session and no floor.
 */
import type { Log } from "../log.ts";
import { speechIn } from "../media/packed-speech.ts";
import type { DiskLauncher } from "./keeping.ts";
import type { Answer, LogLimits, Outcome, Piece, Question } from "./protocol.ts";

export type { DiskLauncher } from "./keeping.ts";
export type { Answer, BurstEnd, Entry, LogLimits, Piece, Question, Selection } from "./protocol.ts";

export interface Recorder {
  /** Returns at once. */
  take(piece: Piece): void;
  ask(question: Question): Promise<Answer>;
  counts(): RecorderCounts;
  /** What was taken is written. */
  close(): Promise<void>;
}

/** Since the start, but for the last three. */
export interface RecorderCounts {
  readonly recorded: number;
  /** Packets that are in no recording. */
  readonly dropped: number;
  readonly heldBytes: number;
  readonly freeBytes: number;
  /** Whether bursts are recorded just now. */
  readonly recording: boolean;
}

/** What may wait for a slow disk: some minutes of one talkgroup, bytes. */
const mostWaiting = 4_000_000;
/** Questions that may wait for it. */
const mostAsked = 32;

export function openRecorder(
  ports: { readonly log: Log; readonly disk: DiskLauncher; readonly onCrash: (error: Error) => void },
  limits: LogLimits,
): Recorder {
  const { log } = ports;
  const { folder } = limits;
  const disk = ports.disk(limits, { onOutcome, onAnswer, onCrash: ports.onCrash });
  let waiting: Piece[] = [];
  let waitingBytes = 0;
  let inFlight = false;
  /** Bursts of which something could not wait: they are cut, however they end. */
  const lossy = new Set<number>();
  const asked = new Map<number, (answer: Answer) => void>();
  let questions = 0;
  let counts: RecorderCounts = { recorded: 0, dropped: 0, heldBytes: 0, freeBytes: 0, recording: true };
  let onQuiet: (() => void) | undefined;

  function flush(): void {
    inFlight = true;
    const pieces = waiting;
    waiting = [];
    waitingBytes = 0;
    disk.write(pieces);
  }

  function onOutcome(outcome: Outcome): void {
    inFlight = false;
    tell(outcome);
    const { recorded, dropped, heldBytes, freeBytes, trouble } = outcome;
    counts = {
      recorded: counts.recorded + recorded,
      dropped: counts.dropped + dropped,
      ...{ heldBytes, freeBytes, recording: trouble === undefined },
    };
    if (waiting.length > 0) flush();
    else onQuiet?.();
  }

  function tell({ trouble, found }: Outcome): void {
    if (found) log.info({ event: "voice-log", folder, ...found }, "voice log opened");
    if (found && found.unreadable > 0)
      log.warn({ event: "voice-log-unreadable", folder }, "the disk does not give some recordings: replace it");
    if (trouble !== undefined && counts.recording)
      log.error(
        { event: "voice-log-trouble", folder, reason: trouble },
        "bursts are not recorded; everything else works. Each burst is tried again",
      );
    if (trouble === undefined && !counts.recording)
      log.info({ event: "voice-log-well", folder }, "bursts are recorded again");
  }

  function onAnswer(number: number, answer: Answer): void {
    const tellWho = asked.get(number);
    asked.delete(number);
    tellWho?.(answer);
  }

  // Opened at once, so that what a crash left is mended before anybody asks, and what is wrong is told at the start.
  flush();

  return {
    take(piece) {
      const { burst, speech, end } = piece;
      const isTooMuch = waitingBytes + speech.length > mostWaiting;
      if (isTooMuch) lossy.add(burst);
      const dropped = piece.dropped + (isTooMuch ? [...speechIn(speech)].length : 0);
      counts = { ...counts, dropped: counts.dropped + dropped };
      if (isTooMuch && end === undefined) return;
      const isCut = lossy.has(burst) && end === "complete";
      waiting.push({ ...piece, ...(isTooMuch && { speech: new Uint8Array(0) }), ...(isCut && { end: "lost" }) });
      waitingBytes += isTooMuch ? 0 : speech.length;
      if (end !== undefined) lossy.delete(burst);
      if (!inFlight) flush();
    },
    ask(question) {
      if (asked.size >= mostAsked) return Promise.resolve({ entries: [], trouble: "the disk is too slow to answer" });
      questions += 1;
      const number = questions;
      return new Promise((resolve) => {
        asked.set(number, resolve);
        disk.ask(number, question);
      });
    },
    counts: () => counts,
    async close() {
      await new Promise<void>((quiet) => {
        onQuiet = quiet;
        if (!inFlight) quiet();
      });
      await disk.close();
      for (const resolve of asked.values()) resolve({ entries: [], trouble: "the gateway ends" });
      asked.clear();
    },
  };
}
