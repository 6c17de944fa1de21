/**
 * What every payload between gateways is wrapped in. Big-endian:
 *
 *     0   1  version: 1
 *     1   1  kind: 1 status, 2 gone, 3 presence, 4 floor, 5 media, 6 outdated
 *     2   1  seal: 0, the body is plain. Other values are for sealed bodies: the bytes before the body, together with
 *            the topic, are then the associated data, and the authentication tag ends the body
 *     3   1  n: length of the sender's id
 *     4  12  boot of the sender: its start in Unix ms (6), random (6)
 *    16   6  counter: grows with each message of a boot, over all kinds. 0 is the will, written before the first of them
 *    22   n  the sender's gateway id, ASCII
 *  22+n   …  body, by kind
 *
 * (boot, counter) never repeats for a sender: a key derived for each boot can use the counter as its nonce.
 */
import { type Boot, latestStart } from "./boot.ts";
import { gatewayId } from "./topic.ts";

const kinds = ["status", "gone", "presence", "floor", "media", "outdated"] as const;
export type Kind = (typeof kinds)[number];

export interface Envelope {
  readonly kind: Kind;
  readonly sender: string;
  readonly boot: Boot;
  readonly counter: number;
  /** A view into the payload. */
  readonly body: Uint8Array;
}

export type EnvelopeFault = "malformed" | "unknown-version" | "sealed";

const version = 1;
const plain = 0;
const fixedBytes = 22;
/** Bytes of the longest body of any kind. */
export const longestBody = 4_096;

export function decodeEnvelope(payload: Uint8Array): Envelope | EnvelopeFault {
  if (payload.length < fixedBytes || payload.length > fixedBytes + 255 + longestBody) return "malformed";
  if (payload[0] !== version) return "unknown-version";
  const kind = kinds[(payload[1] ?? 0) - 1];
  const idBytes = payload[3] ?? 0;
  const start = read48(payload, 4);
  if (!kind || payload.length < fixedBytes + idBytes || start > latestStart) return "malformed";
  if (payload[2] !== plain) return "sealed";
  const sender = String.fromCharCode(...payload.subarray(fixedBytes, fixedBytes + idBytes));
  const body = payload.subarray(fixedBytes + idBytes);
  if (!gatewayId.test(sender) || body.length > longestBody) return "malformed";
  return { kind, sender, boot: { start, random: read48(payload, 10) }, counter: read48(payload, 16), body };
}

/**
 * Wraps the bodies of one sender. The result is a view into a buffer that the next call overwrites: a broker link
 * copies what it publishes, so a packet costs that one copy and no other. Throws RangeError where the body is too long.
 */
export function envelopeWriter(sender: string) {
  const payload = new Uint8Array(fixedBytes + sender.length + longestBody);
  payload[0] = version;
  payload[2] = plain;
  payload[3] = sender.length;
  payload.set(Buffer.from(sender, "latin1"), fixedBytes);

  return (kind: Kind, boot: Boot, counter: number, body: Uint8Array): Uint8Array => {
    payload[1] = kinds.indexOf(kind) + 1;
    write48(payload, 4, boot.start);
    write48(payload, 10, boot.random);
    write48(payload, 16, counter);
    payload.set(body, fixedBytes + sender.length);
    return payload.subarray(0, fixedBytes + sender.length + body.length);
  };
}

export function read48(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let index = at; index < at + 6; index++) value = value * 256 + (bytes[index] ?? 0);
  return value;
}

export function write48(bytes: Uint8Array, at: number, value: number): void {
  let rest = value;
  for (let index = at + 5; index >= at; index--) {
    bytes[index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}
