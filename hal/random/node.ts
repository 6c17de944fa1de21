import { randomBytes } from "node:crypto";
import type { Random } from "./port.ts";

/** Randomness fit for keys and tokens. */
export function cryptoRandom(): Random {
  return {
    // A copy, so that no one holds a slice of Node's shared pool.
    bytes: (length) => new Uint8Array(randomBytes(length)),
    token: (length) => randomBytes(length).toString("hex"),
    fraction: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
  };
}
