import { gridOf } from "./grid.ts";
import type { Cancel, Clock } from "./port.ts";

export interface VirtualClock extends Clock {
  /**
   * Runs the timers due within the next `ms`, in order of deadline (ties first come, first served), each at its own time.
   * Before the first and after each, promises and immediates settle. Rejects when a timer's callback throws.
   */
  advance(ms: number): Promise<void>;
  /** Time passes and no timer runs, as in a process that is held up: the next `advance` runs them late. */
  stall(ms: number): void;
  /** Timers that wait. */
  pending(): number;
}

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** Two turns: what the first one's promises put off to an immediate is done in the second. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** A clock that stands still until it is advanced. `startMs`: monotonic start; `wallMs`: Unix time at the start. */
export function virtualClock(options: { readonly startMs?: number; readonly wallMs?: number } = {}): VirtualClock {
  const start = options.startMs ?? 1_000;
  const wallAtStart = options.wallMs ?? Date.UTC(2025, 0, 1);
  /** Sorted by deadline; equal deadlines in the order in which they were set. */
  const timers: Timer[] = [];
  let now = start;
  let advancing = false;

  function after(ms: number, callback: () => void): Cancel {
    const timer: Timer = { at: now + Math.max(0, ms), callback };
    if (Number.isNaN(timer.at)) throw new RangeError("a timer needs a number of ms");
    timers.splice(placeOf(timer.at), 0, timer);
    return () => {
      const index = timers.indexOf(timer);
      if (index >= 0) timers.splice(index, 1);
    };
  }

  function placeOf(at: number): number {
    let low = 0;
    let high = timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((timers[middle]?.at ?? Number.POSITIVE_INFINITY) <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  async function advance(ms: number): Promise<void> {
    if (advancing) throw new Error("the virtual clock is being advanced already: await the advance before");
    advancing = true;
    try {
      const until = now + ms;
      await settle();
      for (let next = timers[0]; next && next.at <= until; next = timers[0]) {
        timers.shift();
        now = Math.max(now, next.at);
        next.callback();
        await settle();
      }
      now = Math.max(now, until);
    } finally {
      advancing = false;
    }
  }

  return {
    now: () => now,
    wall: () => wallAtStart + (now - start),
    after,
    every: gridOf({ now: () => now, after }),
    advance,
    stall: (ms) => {
      now += ms;
    },
    pending: () => timers.length,
  };
}
