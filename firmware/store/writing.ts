/**
 * Writes registrations in a thread of its own: a commit waits for the card, which may take its time, and neither voice
 * nor signalling waits with it.
 */
import { Worker } from "node:worker_threads";
import type { BindingChange } from "./bindings.ts";

/** Writes one batch after another. */
export interface BindingWriter {
  /** One at a time: the next one after this one's outcome. What belongs to an account that changed after `revision` is passed over. */
  write(changes: readonly BindingChange[], revision: number): void;
  close(): Promise<void>;
}

/** `trouble`: why nothing of it was written. */
export type Outcome = { readonly trouble?: string };

export interface WriterHandlers {
  onOutcome(outcome: Outcome): void;
  /** A bug in the writer. */
  onCrash(error: Error): void;
}

/** Starts the writer of a database file; in a thread of its own, or beside the caller in a test. */
export type WriterLauncher = (file: string, handlers: WriterHandlers) => BindingWriter;

export type ToWriter =
  | { readonly type: "write"; readonly changes: readonly BindingChange[]; readonly revision: number }
  | { readonly type: "close" };

export const launchWriter: WriterLauncher = (file, { onOutcome, onCrash }) => {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const worker = new Worker(new URL(`./writer.${extension}`, import.meta.url), { workerData: file });
  const post = (message: ToWriter): void => worker.postMessage(message);
  let state: "open" | "closing" | "ended" = "open";

  function ended(error: Error): void {
    const before = state;
    state = "ended";
    if (before === "open") onCrash(error);
  }
  worker.on("error", ended);
  worker.on("exit", (code) => ended(new Error(`the thread that writes registrations ended with code ${code}`)));
  worker.on("message", onOutcome);

  return {
    write: (changes, revision) => post({ type: "write", changes, revision }),
    close: () =>
      new Promise((closed) => {
        if (state === "ended") return closed();
        state = "closing";
        worker.once("exit", () => closed());
        post({ type: "close" });
      }),
  };
};
