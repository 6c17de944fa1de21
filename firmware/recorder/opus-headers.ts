/** The two packets that open an Ogg Opus stream (RFC 7845 §5): how to play it, and what it is. */

/** Names are those that players know (https://xiph.org/vorbis/doc/v-comment.html): ARTIST for the talker, say. */
export type Tags = ReadonlyMap<string, string>;

/**
 * Samples at 48 kHz that a decoder gives before what was said: what libopus looks ahead for speech. Not the 80 ms of an encoder whose
 * state is unknown (RFC 7845 §4.2): they would be 80 ms of the first word.
 */
export const preSkip = 312;

const headLength = 19;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Mono; a player of stereo packets mixes them. */
export function opusHead(): Uint8Array {
  const head = new Uint8Array(headLength);
  const view = new DataView(head.buffer);
  head.set(encoder.encode("OpusHead"));
  view.setUint8(8, 1); // version
  view.setUint8(9, 1); // channels
  view.setUint16(10, preSkip, true);
  view.setUint32(12, 48_000, true); // of the original, for the curious
  return head;
}

export function isOpusHead(packet: Uint8Array): boolean {
  return packet.length >= headLength && startsWith(packet, "OpusHead") && ((packet[8] ?? 0) & 0xf0) === 0;
}

export function opusTags(tags: Tags): Uint8Array {
  const texts = ["Roger", ...[...tags].map(([name, value]) => `${name}=${value}`)].map((text) => encoder.encode(text));
  const [vendor = new Uint8Array(0), ...comments] = texts;
  const length = 8 + 4 + vendor.length + 4 + comments.reduce((sum, comment) => sum + 4 + comment.length, 0);
  const packet = new Uint8Array(length);
  const view = new DataView(packet.buffer);
  let at = 0;
  function put(text: Uint8Array): void {
    view.setUint32(at, text.length, true);
    packet.set(text, at + 4);
    at += 4 + text.length;
  }
  packet.set(encoder.encode("OpusTags"));
  at = 8;
  put(vendor);
  view.setUint32(at, comments.length, true);
  at += 4;
  for (const comment of comments) put(comment);
  return packet;
}

/** Undefined for what is no such packet. */
export function readTags(packet: Uint8Array): Tags | undefined {
  if (!startsWith(packet, "OpusTags")) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const tags = new Map<string, string>();
  let at = 8;
  function take(): string | undefined {
    if (at + 4 > packet.length) return undefined;
    const length = view.getUint32(at, true);
    at += 4 + length;
    return at <= packet.length ? decoder.decode(packet.subarray(at - length, at)) : undefined;
  }
  if (take() === undefined || at + 4 > packet.length) return undefined;
  const count = view.getUint32(at, true);
  at += 4;
  for (let number = 0; number < count; number++) {
    const comment = take();
    if (comment === undefined) return undefined;
    const equals = comment.indexOf("=");
    if (equals > 0) tags.set(comment.slice(0, equals), comment.slice(equals + 1));
  }
  return tags;
}

function startsWith(packet: Uint8Array, magic: string): boolean {
  return packet.length >= magic.length && decoder.decode(packet.subarray(0, magic.length)) === magic;
}
