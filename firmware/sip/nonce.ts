/**
 * Nonces for digest authentication (RFC 7616 §3.3, §3.4.5). Issuing one stores nothing: it carries its own time and a keyed
 * hash, so that a flood of unauthenticated requests costs no memory. Only a nonce that a right password has used is remembered.
 */
import { createHmac, createSecretKey, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../hal/clock/port.ts";
import type { Random } from "../../hal/random/port.ts";
import { latest } from "./latest.ts";

export interface NonceBook {
  issue(source: string): string;
  /** What is wrong with a nonce before anybody has used it: it was never issued to `source`, or long ago. Undefined when nothing is. */
  fault(nonce: string, source: string): string | undefined;
  /** Takes one use of a nonce without fault. Undefined when it is good, otherwise what is wrong with it. Call it after the password was proved. */
  use(nonce: string, count: number): string | undefined;
}

export interface NonceOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly ttlMs: number;
  /** Nonces remembered; the one used first is forgotten first. */
  readonly maxNonces: number;
}

/** Which counts of one nonce were used: the highest, and a bit for each of the 31 below it. */
interface Uses {
  readonly issuedAt: number;
  highest: number;
  bits: number;
}

/** A nonce is 6 bytes of time in ms, 6 random bytes and 20 bytes of the keyed hash, in base64url. */
const stampBytes = 12;
const macBytes = 20;

export function nonceBook({ clock, random, ttlMs, maxNonces }: NonceOptions): NonceBook {
  // Prepared once: from bare bytes it would be for each nonce anew, which takes longer than the hash.
  const key = createSecretKey(random.bytes(32));
  /** By stamp, which is short and a text of its own: a part of a message would keep the whole of it in memory. */
  const used = latest<Uses>(maxNonces);
  /** A nonce issued no later than this and not in `used` may have been forgotten. */
  let forgottenUntil = -1;

  function seal(stamp: Uint8Array, source: string): Buffer {
    return createHmac("sha256", key).update(stamp).update(source).digest().subarray(0, macBytes);
  }

  /** When the nonce was issued to `source`, in whole ms; undefined when it never was. */
  function issuedAt(nonce: string, source: string): number | undefined {
    const bytes = Buffer.from(nonce, "base64url");
    // Written back, it must be the same text: a decoder that skips characters would let one nonce pass for many.
    if (bytes.length !== stampBytes + macBytes || bytes.toString("base64url") !== nonce) return undefined;
    const stamp = bytes.subarray(0, stampBytes);
    if (!timingSafeEqual(bytes.subarray(stampBytes), seal(stamp, source))) return undefined;
    return stampIn(stamp);
  }

  function remember(stamp: string, uses: Uses): void {
    const gone = used.add(stamp, uses);
    if (gone && !isExpired(gone)) forgottenUntil = Math.max(forgottenUntil, gone.issuedAt);
    for (let first = used.oldest(); first && isExpired(first[1]); first = used.oldest()) used.delete(first[0]);
  }

  const isExpired = ({ issuedAt }: Uses): boolean => clock.now() - issuedAt > ttlMs;

  return {
    issue(source) {
      const stamp = Buffer.alloc(stampBytes);
      stamp.writeUIntBE(Math.floor(clock.now()), 0, 6);
      stamp.set(random.bytes(stampBytes - 6), 6);
      return Buffer.concat([stamp, seal(stamp, source)]).toString("base64url");
    },
    fault(nonce, source) {
      const at = issuedAt(nonce, source);
      if (at === undefined) return "nonce was not issued to this address";
      return clock.now() - at > ttlMs ? "nonce expired" : undefined;
    },
    use(nonce, count) {
      const bytes = Buffer.from(nonce, "base64url");
      const at = stampIn(bytes);
      const stamp = bytes.toString("latin1", 0, stampBytes);
      const uses = used.get(stamp);
      if (uses !== undefined) return countUse(uses, count) ? undefined : "nonce count was used before";
      if (at <= forgottenUntil) return "nonce forgotten";
      remember(stamp, { issuedAt: at, highest: count, bits: 1 });
      return undefined;
    },
  };
}

/** Whole ms. */
function stampIn(bytes: Buffer): number {
  return bytes.readUIntBE(0, 6);
}

/** False when the count was used, or is too old to tell. */
function countUse(uses: Uses, count: number): boolean {
  const ahead = count - uses.highest;
  if (ahead > 0) {
    uses.bits = ahead > 31 ? 1 : (uses.bits << ahead) | 1;
    uses.highest = count;
    return true;
  }
  const bit = -ahead > 31 ? 0 : 1 << -ahead;
  if (bit === 0 || (uses.bits & bit) !== 0) return false;
  uses.bits |= bit;
  return true;
}
