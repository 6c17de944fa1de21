import { seededRandom } from "../../hal/random/seeded.ts";

/** Chance as a fuzz test uses it: the same throws for the same seed. */
export interface Dice {
  /** A whole number from 0 to `bound` - 1; 0 where there is none. */
  below(bound: number): number;
  chance(share: number): boolean;
  oneOf<T>(list: readonly T[]): T;
  bytes(length: number): Uint8Array;
  token(): string;
}

export function dice(seed: number): Dice {
  const random = seededRandom(seed);
  const below = (bound: number): number => Math.floor(random.fraction() * Math.max(bound, 1));
  return {
    below,
    chance: (share) => random.fraction() < share,
    oneOf<T>(list: readonly T[]): T {
      const chosen = list[below(list.length)];
      if (chosen === undefined) throw new RangeError("one of nothing");
      return chosen;
    },
    bytes: random.bytes,
    token: () => random.token(6),
  };
}

/** Makes something out of a valid input that its reader may not expect; `other` is another valid one of the same kind. */
export type Spoil = (dice: Dice, data: Uint8Array, other: Uint8Array) => Uint8Array;

/** Between one and three spoils, one after another. */
export function spoiledBy(dice: Dice, spoils: readonly Spoil[], data: Uint8Array, other: Uint8Array): Uint8Array {
  let spoiled = data;
  for (let times = 1 + dice.below(3); times > 0; times--) spoiled = dice.oneOf(spoils)(dice, spoiled, other);
  return spoiled;
}

/** Numbers at the edges of what fields hold. */
export const edges = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] as const;
/** Names that are somebody's in JavaScript. */
export const hostileNames = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "then"] as const;
