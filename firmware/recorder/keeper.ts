/**
 * What the thread of the disk does: takes pieces of bursts, a batch at a time, and answers what is asked of the log. A fault of the disk
 * costs the bursts that it meets, and is told in the outcome; the next burst tries again. It knows no threads.
 */
import { DeviceError } from "../../hal/error.ts";
import type { Random } from "../../hal/random/port.ts";
import { packSpeech, speechIn } from "../media/packed-speech.ts";
import { Damage } from "../store/connection.ts";
import { type Archive, openArchive } from "./archive.ts";
import { type OggWriter, oggWriter } from "./ogg-writer.ts";
import type { Answer, BurstEnd, Entry, LogLimits, Outcome, Piece, Question } from "./protocol.ts";
import { tagsOf } from "./reconciling.ts";
import { createRecording, type Finished, isDiskFault, type RecordingFile, readSpeech } from "./recording-file.ts";

export interface Keeper {
  write(pieces: readonly Piece[]): Outcome;
  answer(question: Question): Answer;
  /** Bursts that have not ended are cut. */
  close(): void;
}

const mostOwed = 10_000;

interface OpenBurst {
  readonly piece: Piece;
  readonly file: RecordingFile;
  readonly writer: OggWriter;
}

export function openKeeper(
  ports: { readonly clock: { wall(): number }; readonly random: Random },
  limits: LogLimits,
): Keeper {
  let archive: Archive | undefined;
  const open = new Map<number, OpenBurst>();
  /** Bursts that are not recorded, or no further. */
  const refused = new Set<number>();
  /** Recordings that the index could not take. */
  const owed: Omit<Entry, "id">[] = [];
  let count = { recorded: 0, dropped: 0 };
  let trouble: string | undefined;
  let untold = false;

  /** Does something with the disk; undefined, and the trouble noted, where that is at fault. */
  function attempt<Result>(work: (archive: Archive) => Result): Result | undefined {
    try {
      if (!archive) {
        archive = openArchive(limits, ports.clock);
        untold = true;
      }
      return work(archive);
    } catch (error) {
      if (!(isDiskFault(error) || error instanceof DeviceError || error instanceof Damage)) throw error;
      trouble = error.message;
      return undefined;
    }
  }

  /** False where the disk is at fault. */
  function attempted(work: (archive: Archive) => void): boolean {
    return (
      attempt((there) => {
        work(there);
        return true;
      }) ?? false
    );
  }

  function begin(piece: Piece): OpenBurst {
    const file = createRecording(limits.folder, piece.startedAt, piece.talkgroup);
    const serial = new DataView(ports.random.bytes(4).buffer).getUint32(0);
    const burst = { piece, file, writer: oggWriter(serial, tagsOf(piece)) };
    open.set(piece.burst, burst);
    file.append(burst.writer.headers);
    return burst;
  }

  /** True when all of it is kept. */
  function take(piece: Piece): boolean {
    // Those that were overtaken on their way.
    const packets = [...speechIn(piece.speech)].sort((one, other) => one.position - other.position);
    if (refused.has(piece.burst) || packets.length === 0) {
      count.dropped += packets.length;
      return !refused.has(piece.burst);
    }
    const kept = attempted(() => {
      const { writer, file } = open.get(piece.burst) ?? begin(piece);
      for (const { position, payload } of packets) if (!writer.take(position, payload)) count.dropped += 1;
      file.append(writer.pages());
    });
    if (!kept) count.dropped += packets.length;
    return kept;
  }

  function enter({ piece, writer }: OpenBurst, finished: Finished, end: BurstEnd): void {
    const { talkgroup, talker, startedAt } = piece;
    const { path: file, bytes, samples = writer.samples() } = finished;
    owed.push({ talkgroup, talker, startedAt, lengthMs: samples / 48, end, file, bytes });
    count.recorded += 1;
  }

  function finish(burst: OpenBurst, end: BurstEnd): void {
    const done = attempt(() => {
      burst.file.append(burst.writer.end());
      return burst.file.finish(end);
    });
    if (!done) return giveUp(burst);
    open.delete(burst.piece.burst);
    enter(burst, done, end);
  }

  /** What is on the disk of it stays, as far as it is sound. */
  function giveUp(burst: OpenBurst): void {
    open.delete(burst.piece.burst);
    refused.add(burst.piece.burst);
    const rest = attempt(() => burst.file.abandon());
    if (rest) enter(burst, rest, "lost");
  }

  function settle(): void {
    for (let next = owed[0]; next; next = owed[0]) {
      const entry = next;
      if (!attempted((there) => there.add(entry))) break;
      owed.shift();
    }
    // The next start finds them by their files.
    if (owed.length > mostOwed) owed.splice(0, mostOwed / 2);
  }

  return {
    write(pieces) {
      trouble = undefined;
      const hasRoom = attempt((there) => there.makeRoom());
      if (hasRoom === false)
        trouble = `less than ${limits.leastFreeBytes / 1e6} MB are free, and nothing is left to let go`;
      for (const piece of pieces) {
        if (!hasRoom) refused.add(piece.burst);
        const kept = take(piece);
        const burst = open.get(piece.burst);
        if (!kept && burst) giveUp(burst);
        else if (burst && piece.end !== undefined) finish(burst, piece.end);
        if (piece.end !== undefined) refused.delete(piece.burst);
      }
      for (const burst of [...open.values()]) if (!attempted(() => burst.file.flush())) giveUp(burst);
      settle();
      return outcome();
    },
    answer(question) {
      const answered = attempt(({ index }): Answer => {
        if (question.ask === "list") return { entries: index.list(question.selection, question.most) };
        const entry = index.find(question.id);
        if (!entry) return { entries: [] };
        if (question.ask === "find") return { entries: [entry] };
        return { entries: [entry], speech: packSpeech(readSpeech(entry.file, question.mostMs)) };
      });
      return answered ?? { entries: [], trouble: trouble ?? "" };
    },
    close() {
      for (const burst of [...open.values()]) finish(burst, "crash");
      settle();
      archive?.close();
      archive = undefined;
    },
  };

  function outcome(): Outcome {
    const said = count;
    count = { recorded: 0, dropped: 0 };
    const found = untold ? archive?.found : undefined;
    untold = false;
    return {
      ...said,
      ...(trouble !== undefined && { trouble }),
      ...(found && { found }),
      heldBytes: archive?.heldBytes() ?? 0,
      freeBytes: attempt((there) => there.freeBytes()) ?? 0,
    };
  }
}
