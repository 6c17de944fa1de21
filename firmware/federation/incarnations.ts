/**
 * Which boot of each gateway counts: the highest that was ever heard of, by a message of any kind. Floor and media of a
 * gateway whose status is still under way are let through, so that no first syllable waits for a retained message;
 * the first message of a higher boot ends the one before it.
 */
import { type Boot, compareBoots } from "./boot.ts";
import { replayWindow } from "./replay-window.ts";

export type Verdict = "current" | "new-boot" | "old-boot" | "replayed" | "too-many-gateways";

interface Incarnation {
  readonly boot: Boot;
  readonly floor: (counter: number) => boolean;
  readonly media: (counter: number) => boolean;
}

export interface Incarnations {
  /** `lane`: where counters must not repeat. Retained kinds have none: their topics are compared one by one. */
  admit(gateway: string, boot: Boot, lane: "floor" | "media" | undefined, counter: number): Verdict;
  bootOf(gateway: string): Boot | undefined;
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
      if (before && order === 0) return lane && !before[lane](counter) ? "replayed" : "current";
      if (!before && !makeRoom()) return "too-many-gateways";
      const incarnation = { boot, floor: replayWindow(), media: replayWindow() };
      known.set(gateway, incarnation);
      if (lane) incarnation[lane](counter);
      return "new-boot";
    },
    bootOf: (gateway) => known.get(gateway)?.boot,
  };
}
