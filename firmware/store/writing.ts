/**
 * Writes registrations in a thread of its own: a commit waits for the card, which may take its time, and neither voice
 * nor signalling waits with it.
 */
import type { BindingChange } from "./bindings.ts";
import { startDiskThread } from "./disk-thread.ts";

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
  const { post, close } = startDiskThread<ToWriter, Outcome>(
    { beside: import.meta.url, module: "writer", work: "registrations", data: file },
    { onNews: onOutcome, onCrash },
  );
  return { write: (changes, revision) => post({ type: "write", changes, revision }), close };
};
