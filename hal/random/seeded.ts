import type { Random } from "./port.ts";

/** The same seed gives the same sequence: for tests and simulations, never for keys. The generator is Mulberry32. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;

  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  function bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => next() >>> 24);
  }

  return { bytes, token: (length) => Buffer.from(bytes(length)).toString("hex"), fraction: () => next() / 2 ** 32 };
}
