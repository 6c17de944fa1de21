/**
 * Which boot of each gateway counts: the highest that was ever heard of, by a message of any kind. Floor and media of a
 * gateway whose status is still under way are let through, so that no first syllable waits for a retained message;
 * the first message of a higher boot ends the one before it.
 */
import { type Boot, compareBoots } from "./boot.ts";
import { replayWindow } from "./replay-window.ts";

export type Verdict = "current" | "new-boot" | "old-boot" | "replayed" | "too-many-gateways";

/** The furthest that a gateway was ever heard to be. */
export interface Heard {
  readonly boot: Boot;
  readonly counter: number;
}

interface Incarnation {
  readonly boot: Boot;
  /** The highest counter of any kind. */
  latest: number;
  readonly floor: (counter: number) => boolean;
  readonly media: (counter: number) => boolean;
}

export interface Incarnations {
  /** `lane`: where counters must not repeat. Retained kinds have none: their topics are compared one by one. */
  admit(gateway: string, boot: Boot, lane: "floor" | "media" | undefined, counter: number): Verdict;
  latestOf(gateway: string): Heard | undefined;
}

/** When `limit` gateways are known, the first one that `mayForget` makes room. */
export function incarnations(limit: number, mayForget: (gateway: string) => boolean): Incarnations {
  const known = new Map<string, Incarnation>();

  function makeRoom(): boolean {
    if (known.size < limit) return true;
    for (const gateway of known.keys()) if (mayForget(gateway)) return known.delete(gateway);
    return false;
  }

  return {
    admit(gateway, boot, lane, counter) {
      const before = known.get(gateway);
      const order = before ? compareBoots(boot, before.boot) : 1;
      if (before && order < 0) return "old-boot";
      if (before && order === 0) {
        if (lane && !before[lane](counter)) return "replayed";
        before.latest = Math.max(before.latest, counter);
        return "current";
      }
      if (!before && !makeRoom()) return "too-many-gateways";
      const incarnation = { boot, latest: counter, floor: replayWindow(), media: replayWindow() };
      known.set(gateway, incarnation);
      if (lane) incarnation[lane](counter);
      return "new-boot";
    },
    latestOf(gateway) {
      const heard = known.get(gateway);
      return heard && { boot: heard.boot, counter: heard.latest };
    },
  };
}
