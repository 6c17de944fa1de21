/**
 * One run of a gateway, later ones higher: by start, then by chance. A board without a battery-backed clock may start in
 * its own past; told of a boot of itself that is higher than the present one, it goes on as that boot's successor.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Random } from "../../hal/random/port.ts";

export interface Boot {
  /** Unix ms, 48 bits. */
  readonly start: number;
  /** 48 bits. */
  readonly random: number;
}

/** Far from any real time. What starts later is malformed, so what starts here has no successors. */
export const latestStart = 2 ** 48 - 2 ** 32;

export function firstBoot(clock: Clock, random: Random): Boot {
  return { start: Math.max(0, Math.floor(clock.wall())), random: random48(random) };
}

/** Throws RangeError for a boot at the end of time, which is nobody's honest one. */
export function successorOf(boot: Boot, random: Random): Boot {
  if (!hasSuccessor(boot)) throw new RangeError(`the boot ${showBoot(boot)} can have no successor`);
  return { start: boot.start + 1, random: random48(random) };
}

export function hasSuccessor({ start }: Boot): boolean {
  return start < latestStart;
}

/** Negative: `one` is older. 0: the same. */
export function compareBoots(one: Boot, other: Boot): number {
  return one.start - other.start || one.random - other.random;
}

export function showBoot({ start, random }: Boot): string {
  return `${start.toString(16).padStart(12, "0")}-${random.toString(16).padStart(12, "0")}`;
}

function random48(random: Random): number {
  return Number.parseInt(random.token(6), 16);
}
