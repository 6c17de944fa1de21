import { mostSources, replayWindow } from "./port.ts";

/** The numbers of one source, of one kind of packet. */
export interface Numbers {
  /** The index of a packet (RFC 3711 §3.3.1): its 16-bit number, and how often that has wrapped around. */
  indexOf(sequence: number): number;
  /** Whether this index may be taken: not before, and not too late to tell. */
  isNew(index: number): boolean;
  take(index: number): void;
  /** The highest that was taken; -1: none. */
  highest(): number;
}

const wrap = 0x1_0000;

export function numbers(): Numbers {
  let highest = -1;
  /** The index that was taken last of those that share a place. */
  const taken = new Float64Array(replayWindow).fill(-1);

  return {
    indexOf(sequence) {
      if (highest < 0) return sequence;
      const last = highest % wrap;
      const rollovers = highest - last;
      if (last < wrap / 2 && sequence - last > wrap / 2 && rollovers > 0) return rollovers - wrap + sequence;
      if (last >= wrap / 2 && last - wrap / 2 > sequence) return rollovers + wrap + sequence;
      return rollovers + sequence;
    },
    isNew: (index) => index > highest - replayWindow && taken[index % replayWindow] !== index,
    take(index) {
      taken[index % replayWindow] = index;
      highest = Math.max(highest, index);
    },
    highest: () => highest,
  };
}

/** What is kept for each source of a session; who was silent longest makes room. */
export function sources<Kept>(make: () => Kept): {
  /** Not kept yet where the source is new: a packet that is forged leaves nothing behind. */
  of(source: number): Kept;
  keep(source: number, kept: Kept): void;
} {
  const known = new Map<number, Kept>();
  let last: number | undefined;
  return {
    of: (source) => known.get(source) ?? make(),
    keep(source, kept) {
      if (source === last) return;
      known.delete(source);
      known.set(source, kept);
      last = source;
      const [oldest] = known.keys();
      if (known.size > mostSources && oldest !== undefined) known.delete(oldest);
    },
  };
}
