/**
 * Lets everybody who is in a recorded talkgroup hear that it is recorded: when they come in, and behind a burst: the
 * tone waits until nobody is heard, and where somebody is heard all the same it sounds over what is said.
 */
import type { Cancel, Clock } from "../../hal/clock/port.ts";
import type { Leg } from "./contract.ts";

export interface Announcer {
  /** The leg has come in. */
  joined(leg: Leg): void;
  /** A burst is over. */
  over(): void;
  close(): void;
}

/** What is still in flight when the floor is given back is heard first, and the tone of a telephone that it was, ms. */
const behindMs = 250;
/** Again at most so often: where a law asks for a tone, it is about every 15 s of a conversation (47 CFR §64.501 as it was). */
const leastMs = 15_000;

export function announcer(
  clock: Clock,
  call: { readonly legs: () => Iterable<Leg>; readonly isLive: () => boolean },
): Announcer {
  let heardAt = Number.NEGATIVE_INFINITY;
  let due: Cancel | undefined;

  function sound(): void {
    due = undefined;
    if (call.isLive()) return;
    heardAt = clock.now();
    for (const leg of call.legs()) leg.play("recording");
  }

  return {
    joined(leg) {
      // Who comes into a burst hears it with the others, behind that.
      if (call.isLive()) heardAt = Number.NEGATIVE_INFINITY;
      else leg.play("recording");
    },
    over() {
      due?.();
      if (clock.now() - heardAt >= leastMs) due = clock.after(behindMs, sound);
    },
    close: () => due?.(),
  };
}
