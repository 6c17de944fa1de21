import type { Cancel, Clock } from "../../hal/clock/port.ts";
import { type Boot, compareBoots, hasSuccessor } from "./boot.ts";

/** When this gateway goes on as the successor of a boot that others know of it. */
export interface Succession {
  /** A boot of this gateway is known that the present one does not come after. False: nothing comes after that one. */
  outbid(known: Boot): boolean;
  close(): void;
}

/** Each costs a link; who forges boots should not be able to have one opened with every message, ms. */
const pauseMs = 1_000;

export function succession(clock: Clock, succeed: (known: Boot) => void): Succession {
  let highest: Boot | undefined;
  let succeededAt = Number.NEGATIVE_INFINITY;
  let stopWaiting: Cancel | undefined;

  function now(): void {
    stopWaiting = undefined;
    const known = highest;
    if (!known) return;
    highest = undefined;
    succeededAt = clock.now();
    succeed(known);
  }

  return {
    outbid(known) {
      if (!hasSuccessor(known)) return false;
      if (!highest || compareBoots(known, highest) > 0) highest = known;
      if (stopWaiting) return true;
      const waitMs = succeededAt + pauseMs - clock.now();
      if (waitMs > 0) stopWaiting = clock.after(waitMs, now);
      else now();
      return true;
    },
    close: () => stopWaiting?.(),
  };
}
