/** The thread of the disk, as the main thread starts it: a disk may take its time, and neither voice nor signalling waits with it. */
import { startDiskThread } from "../store/disk-thread.ts";
import type { Answer, FromDisk, LogLimits, Outcome, Piece, Question, ToDisk } from "./protocol.ts";

export interface DiskThread {
  /** One batch at a time: the next one after this one's outcome. */
  write(pieces: readonly Piece[]): void;
  /** `number` comes back with the answer. */
  ask(number: number, question: Question): void;
  close(): Promise<void>;
}

export interface DiskHandlers {
  onOutcome(outcome: Outcome): void;
  onAnswer(number: number, answer: Answer): void;
  /** A bug there. */
  onCrash(error: Error): void;
}

/** In a thread of its own, or beside the caller in a test. */
export type DiskLauncher = (limits: LogLimits, handlers: DiskHandlers) => DiskThread;

export const launchDisk: DiskLauncher = (limits, { onOutcome, onAnswer, onCrash }) => {
  const { post, close } = startDiskThread<ToDisk, FromDisk>(
    { beside: import.meta.url, module: "worker", work: "the voice log", data: limits },
    {
      onNews: (news) => (news.type === "written" ? onOutcome(news.outcome) : onAnswer(news.number, news.answer)),
      onCrash,
    },
  );
  return {
    write: (pieces) => post({ type: "write", pieces }),
    ask: (number, question) => post({ type: "ask", number, question }),
    close,
  };
};
