import { gridOf } from "./grid.ts";
import type { Cancel, Clock } from "./port.ts";

/** The longest wait that Node's timers take; a longer one is armed again. */
const longestWaitMs = 2 ** 31 - 1;

/** As Node's timers take it: whole ms. */
function waitFor(ms: number): number {
  return Math.min(longestWaitMs, Math.max(0, Math.ceil(ms)));
}

/**
 * The time of the machine. Its timers keep the process alive: whoever set one cancels it when it closes, and a closed
 * gateway lets the process end.
 */
export function monotonicClock(): Clock {
  // performance.now() counts from the start of this thread, on CLOCK_MONOTONIC; unlike hrtime it allocates nothing.
  const origin = Number(process.hrtime.bigint()) / 1e6 - performance.now();
  const now = (): number => origin + performance.now();

  function after(ms: number, callback: () => void): Cancel {
    if (Number.isNaN(ms)) throw new RangeError("a timer needs a number of ms");
    const deadline = now() + ms;
    let timer = setTimeout(fire, waitFor(ms));

    // Node counts from the start of the event loop's turn, so that a timer can come early.
    function fire(): void {
      const left = deadline - now();
      if (left > 0) timer = setTimeout(fire, waitFor(left));
      else callback();
    }

    return () => clearTimeout(timer);
  }

  return { now, wall: () => Date.now(), after, every: gridOf({ now, after }) };
}
