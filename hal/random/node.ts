import { randomFillSync } from "node:crypto";
import type { Random } from "./port.ts";

/** Asked for at once, for asking takes longer than a few bytes are worth. */
const storeBytes = 4_096;

/** Randomness fit for keys and tokens. */
export function cryptoRandom(): Random {
  const store = Buffer.alloc(storeBytes);
  let used = storeBytes;

  /** What was read once is read by no other, and is not in memory any more. */
  function read<Copy>(length: number, copy: (given: Buffer) => Copy): Copy {
    if (length > storeBytes) return copy(randomFillSync(Buffer.alloc(length)));
    if (used + length > storeBytes) {
      randomFillSync(store);
      used = 0;
    }
    const given = store.subarray(used, used + length);
    used += length;
    const copied = copy(given);
    given.fill(0);
    return copied;
  }

  return {
    bytes: (length) => read(length, (given) => new Uint8Array(given)),
    token: (length) => read(length, (given) => given.toString("hex")),
    fraction: () => read(6, (given) => given.readUIntBE(0, 6) / 2 ** 48),
  };
}
