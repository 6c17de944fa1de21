/**
 * How the process of a gateway ends: asked by a signal, it closes everything, the last opened first; after a bug it only
 * sees to it that no output of the board stays driven, and leaves the rest to its supervisor, which starts it again.
 */
import { constants } from "node:os";
import type { Logger } from "pino";
import type { Clock } from "../hal/clock/port.ts";
import { status } from "./cli/status.ts";

export interface Ending {
  /** To be closed at the end. `urgent`: after a bug too, and even where there is no time for the rest. */
  add(close: () => Promise<void>, urgency?: "urgent"): void;
  /** Resolves when somebody asks the process to end. */
  readonly asked: Promise<void>;
  /** Closes everything; where that takes too long the process ends with `exitStatus`. */
  close(exitStatus: number): Promise<void>;
  /** Ends the process after a bug. */
  crash(error: unknown): Promise<never>;
}

const patienceMs = 3_000;
/** After a bug nothing can be relied on, and a supervisor waits. */
const crashPatienceMs = 500;

/** Takes over the signals and the uncaught errors of this process. */
export function processEnding({ clock, log }: { readonly clock: Clock; readonly log: Logger }): Ending {
  const opened: (() => Promise<void>)[] = [];
  const urgent: (() => Promise<void>)[] = [];
  let ask = (): void => {};
  const asked = new Promise<void>((resolve) => {
    ask = resolve;
  });
  let limited = false;
  let signals = 0;
  let crashed = false;

  /** What is urgent has been done when this returns, or has at least begun. */
  function atOnce(exitStatus: number): never {
    for (const close of urgent) void close();
    process.exit(exitStatus);
  }

  /** Of the whole end: closing what was opened, or waiting for what is still being opened. */
  function limit(exitStatus: number): void {
    if (limited) return;
    limited = true;
    clock.after(patienceMs, () => {
      log.warn({ event: "impatient" }, `not everything closed within ${patienceMs / 1000} s`);
      atOnce(exitStatus);
    });
  }

  function onSignal(signal: "SIGTERM" | "SIGINT"): void {
    if (++signals > 1) atOnce(128 + constants.signals[signal]);
    log.info({ event: "closing", signal }, `closing, by ${signal}`);
    limit(status.done);
    ask();
  }

  async function crash(error: unknown): Promise<never> {
    // The second of two bugs, or one in closing: nothing more can be tried.
    if (crashed) process.exit(status.bug);
    crashed = true;
    log.fatal({ event: "bug", err: error }, "a bug: this process ends, its supervisor should start it again");
    clock.after(crashPatienceMs, () => process.exit(status.bug));
    await Promise.allSettled(urgent.map((close) => close()));
    process.exit(status.bug);
  }

  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  // Rejections that nobody handles come here too.
  process.on("uncaughtException", crash);

  return {
    asked,
    crash,
    add(close, urgency) {
      opened.push(close);
      if (urgency) urgent.push(close);
    },
    async close(exitStatus) {
      limit(exitStatus);
      for (let last = opened.pop(); last; last = opened.pop()) await last();
    },
  };
}
