import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from "node:crypto";
import type { SrtpKey } from "./port.ts";

/**
 * The two suites over node:crypto. A packet is a head that stays readable, a body, and a trailer; `index` counts packets of its
 * source: 48 bits for RTP, 31 for RTCP.
 */
export interface Transform {
  /** Enciphers `packet` from `head` bytes on and appends the trailer to it; returns the whole length. */
  seal(packet: Uint8Array, length: number, head: number, source: number, index: number): number;
  /** Deciphers in place; returns the length without the trailer, 0 where the tag is wrong. */
  open(packet: Uint8Array, head: number, source: number, index: number): number;
  readonly tagLength: number;
  /** Overwrites the keys. */
  forget(): void;
}

export type Kind = "rtp" | "rtcp";

/** Says that the packet is enciphered; in front of the index of SRTCP (RFC 3711 §3.4). */
export const enciphered = 0x8000_0000;
const rtcpIndexLength = 4;

/** RFC 3711 §4.3.2: labels of the cipher's key, the authentication key and the salt. */
const labels = { rtp: [0, 1, 2], rtcp: [3, 4, 5] } as const;

/** AES in counter mode over zeros, from a salt of at most 14 bytes (RFC 3711 §4.3.3; RFC 7714 §11 for the shorter one). */
function derive(master: Uint8Array, label: number, length: number): Buffer {
  const counter = Buffer.alloc(16);
  counter.set(master.subarray(16));
  counter.writeUInt8(counter.readUInt8(7) ^ label, 7);
  return createCipheriv("aes-128-ctr", master.subarray(0, 16), counter).update(Buffer.alloc(length));
}

export function transform({ suite, master }: SrtpKey, kind: Kind): Transform {
  return suite === "AEAD_AES_128_GCM" ? galoisCounter(master, kind) : counterMode(master, kind);
}

/** AES_CM_128_HMAC_SHA1_80: RFC 3711 §4.1.1, §4.2. */
function counterMode(master: Uint8Array, kind: Kind): Transform {
  const [keyLabel, authLabel, saltLabel] = labels[kind];
  const key = derive(master, keyLabel, 16);
  const auth = derive(master, authLabel, 20);
  const salt = derive(master, saltLabel, 14);
  const counter = Buffer.alloc(16);
  const word = Buffer.alloc(4);
  const tagLength = 10;

  function cipher(body: Uint8Array, source: number, index: number): void {
    counter.fill(0);
    counter.writeUInt32BE(source, 4);
    counter.writeUIntBE(index, 8, 6);
    for (let at = 0; at < salt.length; at++) counter[at] = (counter[at] ?? 0) ^ (salt[at] ?? 0);
    body.set(createCipheriv("aes-128-ctr", key, counter).update(body));
  }

  /** RTP: with the count of rollovers behind it, which is not sent. RTCP: with the index that is. */
  function tagOf(packet: Uint8Array, index: number): Buffer {
    const hmac = createHmac("sha1", auth).update(packet);
    if (kind === "rtp") {
      word.writeUInt32BE(Math.floor(index / 0x1_0000));
      hmac.update(word);
    }
    return hmac.digest().subarray(0, tagLength);
  }

  return {
    tagLength,
    seal(packet, length, head, source, index) {
      cipher(packet.subarray(head, length), source, index);
      const signed = kind === "rtp" ? length : writeIndex(packet, length, index);
      packet.set(tagOf(packet.subarray(0, signed), index), signed);
      return signed + tagLength;
    },
    open(packet, head, source, index) {
      const signed = packet.length - tagLength;
      if (!timingSafeEqual(tagOf(packet.subarray(0, signed), index), packet.subarray(signed))) return 0;
      const length = kind === "rtp" ? signed : signed - rtcpIndexLength;
      cipher(packet.subarray(head, length), source, index);
      return length;
    },
    forget: () => [key, auth, salt].forEach((secret) => secret.fill(0)),
  };
}

/** AEAD_AES_128_GCM: RFC 7714 §8, §9. */
function galoisCounter(master: Uint8Array, kind: Kind): Transform {
  const [keyLabel, , saltLabel] = labels[kind];
  const key = derive(master, keyLabel, 16);
  const salt = derive(master, saltLabel, 12);
  const nonce = Buffer.alloc(12);
  const word = Buffer.alloc(4);
  const tagLength = 16;

  function prepare(source: number, index: number): void {
    nonce.fill(0);
    nonce.writeUInt32BE(source, 2);
    nonce.writeUIntBE(index, 6, 6);
    for (let at = 0; at < salt.length; at++) nonce[at] = (nonce[at] ?? 0) ^ (salt[at] ?? 0);
    word.writeUInt32BE((enciphered | index) >>> 0);
  }

  /** The head; of RTCP with the index behind it, as it is sent (RFC 7714 §9.2). */
  const associated = (packet: Uint8Array, head: number): Uint8Array =>
    kind === "rtp" ? packet.subarray(0, head) : Buffer.concat([packet.subarray(0, head), word]);

  return {
    tagLength,
    seal(packet, length, head, source, index) {
      prepare(source, index);
      const cipher = createCipheriv("aes-128-gcm", key, nonce).setAAD(associated(packet, head));
      packet.set(cipher.update(packet.subarray(head, length)), head);
      cipher.final();
      packet.set(cipher.getAuthTag(), length);
      const sealed = length + tagLength;
      return kind === "rtp" ? sealed : writeIndex(packet, sealed, index);
    },
    open(packet, head, source, index) {
      prepare(source, index);
      const sealed = kind === "rtp" ? packet.length : packet.length - rtcpIndexLength;
      const length = sealed - tagLength;
      const cipher = createDecipheriv("aes-128-gcm", key, nonce, { authTagLength: tagLength })
        .setAAD(associated(packet, head))
        .setAuthTag(packet.subarray(length, sealed));
      const plain = cipher.update(packet.subarray(head, length));
      try {
        cipher.final();
      } catch {
        return 0;
      }
      packet.set(plain, head);
      return length;
    },
    forget: () => [key, salt].forEach((secret) => secret.fill(0)),
  };
}

function writeIndex(packet: Uint8Array, at: number, index: number): number {
  new DataView(packet.buffer, packet.byteOffset).setUint32(at, (enciphered | index) >>> 0);
  return at + rtcpIndexLength;
}
