/**
 * Registrations on their way to the disk: what changes within a moment is committed together, one batch at a time, so
 * that a slow card makes larger batches and never a queue. What cannot be written is tried again.
 */
import type { Cancel, Clock } from "../../hal/clock/port.ts";
import type { Log } from "../log.ts";
import type { BindingChange, StoredBinding } from "./bindings.ts";
import type { BindingWriter, Outcome, WriterHandlers } from "./writing.ts";

export interface Keeper {
  save(binding: StoredBinding): void;
  remove(user: string, contact: string): void;
  /** Calls back when what was said before is written, or cannot be now. */
  settled(callback: () => void): void;
  /** What is on its way is written, as far as it can be. */
  close(): Promise<void>;
}

/** What a loss of power may cost, beside the commit itself, ms. */
const gatherMs = 100;
const retryMs = 5_000;
/** While nothing can be written. Older ones are let go: the terminals renew them. */
const mostWaiting = 50_000;

export function bindingKeeper(
  ports: {
    readonly clock: Clock;
    readonly log: Log;
    /** Of the accounts, as they are known to whoever says what is kept. */
    readonly revision: () => number;
  },
  launch: (onOutcome: WriterHandlers["onOutcome"]) => BindingWriter,
): Keeper {
  const { clock, log } = ports;
  const writer = launch(onOutcome);
  /** The last word on each binding. */
  let waiting = new Map<string, BindingChange>();
  let inFlight: ReadonlyMap<string, BindingChange> | undefined;
  /** Who is to be told of what is waiting, and of what is in flight. */
  let told: (() => void)[] = [];
  let toldInFlight: (() => void)[] = [];
  let timer: Cancel | undefined;
  let failing = false;
  let onQuiet: (() => void) | undefined;

  function put(change: BindingChange): void {
    const key = `${change.user} ${change.contact}`;
    waiting.delete(key);
    waiting.set(key, change);
    if (waiting.size > mostWaiting)
      for (const oldest of [...waiting.keys()].slice(0, mostWaiting / 2)) waiting.delete(oldest);
    arm(failing ? retryMs : gatherMs);
  }

  function arm(ms: number): void {
    if (timer || inFlight || onQuiet) return;
    timer = clock.after(ms, flush);
  }

  function flush(): void {
    timer = undefined;
    inFlight = waiting;
    waiting = new Map();
    toldInFlight = told;
    told = [];
    writer.write([...inFlight.values()], ports.revision());
  }

  function onOutcome({ trouble }: Outcome): void {
    const written = inFlight ?? new Map();
    inFlight = undefined;
    if (trouble !== undefined) {
      if (!failing)
        log.error({ event: "store-trouble", reason: trouble }, "registrations cannot be written; tried again");
      waiting = new Map([...written, ...waiting]);
    } else if (failing) log.info({ event: "store-well" }, "registrations are written again");
    failing = trouble !== undefined;
    for (const callback of toldInFlight.splice(0)) callback();
    if (onQuiet) return finish();
    if (waiting.size > 0) arm(failing ? retryMs : gatherMs);
  }

  /** The last batch, unless there is none or it cannot be written. */
  function finish(): void {
    if (inFlight) return;
    if (waiting.size > 0 && !failing) return flush();
    onQuiet?.();
  }

  return {
    save: put,
    remove: (user, contact) => put({ user, contact, gone: true }),
    settled(callback) {
      if (failing) callback();
      else if (waiting.size > 0) told.push(callback);
      else if (inFlight) toldInFlight.push(callback);
      else callback();
    },
    async close() {
      timer?.();
      failing = false;
      await new Promise<void>((resolve) => {
        onQuiet = resolve;
        finish();
      });
      await writer.close();
    },
  };
}
