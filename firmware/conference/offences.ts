/**
 * When a leg that talks without the floor is told to stop (TS 24.380 §6.3.5.7): it may have missed that the floor is lost. Not for what was
 * still in flight when the floor changed, and not for every packet.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Leg } from "./contract.ts";

/** After a change of the floor, what is still in flight is no offence, ms. */
const lenientMs = 300;
/** Who talks unheard is told so at most so often, ms. */
const warnMs = 1_000;

export function offences(clock: Clock) {
  /** When a leg was last told, monotonic ms. */
  const told = new WeakMap<Leg, number>();
  let changedAt = Number.NEGATIVE_INFINITY;

  return {
    /** The floor is another's, or nobody's. */
    floorChanged(): void {
      changedAt = clock.now();
    },
    /** The leg talks without the floor. True: it is to be told so now. */
    isDue(leg: Leg): boolean {
      const now = clock.now();
      if (now - changedAt < lenientMs || now - (told.get(leg) ?? Number.NEGATIVE_INFINITY) < warnMs) return false;
      told.set(leg, now);
      return true;
    },
  };
}
