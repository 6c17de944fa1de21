import { numbers, sources } from "./numbers.ts";
import {
  longestTrailer,
  masterLengths,
  type Srtp,
  SrtpError,
  type SrtpKey,
  type SrtpReceiver,
  type SrtpSender,
} from "./port.ts";
import { enciphered, type Kind, type Transform, transform } from "./transform.ts";

/** SRTP over node:crypto: no compiler needed, a few times the CPU of libsrtp2. */
export function nodeSrtp(): Srtp {
  return { sender: (key) => sender(checked(key)), receiver: (key) => receiver(checked(key)) };
}

function checked(key: SrtpKey): SrtpKey {
  const expected = masterLengths[key.suite];
  if (key.master.length !== expected)
    throw new SrtpError(`a key of ${key.master.length} bytes for ${key.suite}, expected ${expected}`);
  return key;
}

/** RFC 3711 §9.2: so many packets of a source, and no more under one key. */
const mostIndexes = { rtp: 2 ** 48, rtcp: 2 ** 31 } as const;

function sender(key: SrtpKey): SrtpSender {
  const transforms = { rtp: transform(key, "rtp"), rtcp: transform(key, "rtcp") };
  const kept = sources(() => ({ rtp: numbers(), rtcp: numbers() }));
  let open = true;

  function protect(kind: Kind, packet: Uint8Array, into: Uint8Array): number {
    const { length } = packet;
    const head = headOf(kind, packet);
    if (!open || head === 0 || into.length < length + longestTrailer) return 0;
    const source = sourceOf(kind, packet);
    const counts = kept.of(source);
    const index = kind === "rtp" ? counts.rtp.indexOf(word16(packet, 2)) : Math.max(1, counts.rtcp.highest() + 1);
    if (!counts[kind].isNew(index) || index >= mostIndexes[kind]) return 0;
    counts[kind].take(index);
    kept.keep(source, counts);
    into.set(packet);
    return transforms[kind].seal(into, length, head, source, index);
  }

  return {
    protectRtp: (packet, into) => protect("rtp", packet, into),
    protectRtcp: (packet, into) => protect("rtcp", packet, into),
    close() {
      open = false;
      forget(transforms);
    },
  };
}

function receiver(key: SrtpKey): SrtpReceiver {
  const transforms = { rtp: transform(key, "rtp"), rtcp: transform(key, "rtcp") };
  const kept = sources(() => ({ rtp: numbers(), rtcp: numbers() }));
  const dropped = { forged: 0, replayed: 0, malformed: 0 };
  let open = true;

  function unprotect(kind: Kind, packet: Uint8Array): number {
    if (!open) return 0;
    const { tagLength } = transforms[kind];
    const head = headOf(kind, packet);
    const trailer = kind === "rtp" ? tagLength : tagLength + 4;
    if (head === 0 || packet.length < head + trailer) return drop("malformed");
    const source = sourceOf(kind, packet);
    const counts = kept.of(source);
    const index = kind === "rtp" ? counts.rtp.indexOf(word16(packet, 2)) : rtcpIndex(key, packet, tagLength);
    // An RTCP packet in the clear is none of this session.
    if (index < 0) return drop("forged");
    if (!counts[kind].isNew(index)) return drop("replayed");
    const length = transforms[kind].open(packet, head, source, index);
    if (length === 0) return drop("forged");
    counts[kind].take(index);
    kept.keep(source, counts);
    return length;
  }

  function drop(reason: keyof typeof dropped): 0 {
    dropped[reason] += 1;
    return 0;
  }

  return {
    unprotectRtp: (packet) => unprotect("rtp", packet),
    unprotectRtcp: (packet) => unprotect("rtcp", packet),
    dropped,
    close() {
      open = false;
      forget(transforms);
    },
  };
}

function forget(transforms: Readonly<Record<Kind, Transform>>): void {
  transforms.rtp.forget();
  transforms.rtcp.forget();
}

/** What stays readable: the header of RTP with what extends it (RFC 3550 §5.1), 8 bytes of RTCP. 0: no such packet. */
function headOf(kind: Kind, packet: Uint8Array): number {
  const first = packet[0] ?? 0;
  if (first >> 6 !== 2) return 0;
  if (kind === "rtcp") return packet.length < 8 ? 0 : 8;
  let head = 12 + 4 * (first & 0xf);
  if ((first & 0x10) !== 0) head += 4 + 4 * word16(packet, head + 2);
  return packet.length < head ? 0 : head;
}

const word16 = (packet: Uint8Array, at: number): number => ((packet[at] ?? 0) << 8) | (packet[at + 1] ?? 0);
const word32 = (packet: Uint8Array, at: number): number => ((word16(packet, at) << 16) | word16(packet, at + 2)) >>> 0;

const sourceOf = (kind: Kind, packet: Uint8Array): number => word32(packet, kind === "rtp" ? 8 : 4);

/** Before the tag (RFC 3711 §3.4), or behind it (RFC 7714 §9.1). -1 for a packet that is not enciphered. */
function rtcpIndex({ suite }: SrtpKey, packet: Uint8Array, tagLength: number): number {
  const word = word32(packet, packet.length - 4 - (suite === "AEAD_AES_128_GCM" ? 0 : tagLength));
  return word < enciphered ? -1 : word - enciphered;
}
