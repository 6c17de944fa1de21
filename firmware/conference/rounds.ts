/**
 * One timer for all who want to be called every few seconds: a thousand idle legs do not wake their thread a thousand times. Turns
 * lie on a grid that all share, so that those of one moment are taken together. It does not know what they do in their turn.
 */
import type { Cancel, Clock } from "../../hal/clock/port.ts";

/** Of the grid; a first turn comes later than asked for by less than that. */
const slotMs = 100;

interface Member {
  readonly periodMs: number;
  readonly callback: (skipped: number) => void;
  dueAt: number;
}

/** The `every` of a clock, for periods of seconds: whole multiples of 100 ms. */
export function sharedEvery(clock: Clock): Clock["every"] {
  /** By period; each in the order of their turns. */
  const rounds = new Map<number, Set<Member>>();
  let wakesAt = Number.POSITIVE_INFINITY;
  let stop: Cancel | undefined;

  function wait(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const [first] of rounds.values()) if (first) next = Math.min(next, first.dueAt);
    if (next === wakesAt) return;
    stop?.();
    wakesAt = next;
    stop = next === Number.POSITIVE_INFINITY ? undefined : clock.after(next - clock.now(), turn);
  }

  function turn(): void {
    const now = clock.now();
    // Whoever takes a turn waits for the next one behind the others, and is met there once more.
    for (const members of rounds.values())
      for (const member of members) {
        if (member.dueAt > now) break;
        take(member, members, now);
      }
    wakesAt = Number.POSITIVE_INFINITY;
    wait();
  }

  function take(member: Member, members: Set<Member>, now: number): void {
    const skipped = Math.floor((now - member.dueAt) / member.periodMs);
    member.dueAt += (skipped + 1) * member.periodMs;
    members.delete(member);
    members.add(member);
    member.callback(skipped);
  }

  return (periodMs, callback) => {
    const dueAt = Math.ceil((clock.now() + periodMs) / slotMs) * slotMs;
    const member = { periodMs, callback, dueAt };
    const members = rounds.get(periodMs) ?? new Set();
    rounds.set(periodMs, members.add(member));
    wait();
    return () => {
      if (!members.delete(member)) return;
      wait();
    };
  };
}
