/** The thread of the disk, as the main thread starts it: a disk may take its time, and neither voice nor signalling waits with it. */
import { Worker } from "node:worker_threads";
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
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const worker = new Worker(new URL(`./worker.${extension}`, import.meta.url), { workerData: limits });
  const post = (message: ToDisk): void => worker.postMessage(message);
  let state: "open" | "closing" | "ended" = "open";

  function ended(error: Error): void {
    const before = state;
    state = "ended";
    if (before === "open") onCrash(error);
  }
  worker.on("error", ended);
  worker.on("exit", (code) => ended(new Error(`the thread that writes the voice log ended with code ${code}`)));
  worker.on("message", (message: FromDisk) => {
    if (message.type === "written") return onOutcome(message.outcome);
    onAnswer(message.number, message.answer);
  });

  return {
    write: (pieces) => post({ type: "write", pieces }),
    ask: (number, question) => post({ type: "ask", number, question }),
    close: () =>
      new Promise((closed) => {
        if (state === "ended") return closed();
        state = "closing";
        worker.once("exit", () => closed());
        post({ type: "close" });
      }),
  };
};
