/**
 * The frame of a media plane control packet (TS 24.380 §8.1): an RTCP APP packet with the name of its kind, its subtype, and its
 * fields, each an id, a length, a value, and zeros up to the next multiple of four bytes. What the fields of a message mean is
 * decided by message.ts for floor control and by session-message.ts for pre-established sessions.
 */

export interface PacketKind {
  /** Four letters, in ASCII. */
  readonly name: readonly number[];
  /** By id, bytes: a field shorter than this has no value to read, and the packet is malformed. */
  readonly shortest: Readonly<Record<number, number>>;
}

/** Table 8.2.3.1-2. */
export const field = {
  priority: 0,
  duration: 1,
  cause: 2,
  queueInfo: 3,
  party: 4,
  mayRequest: 5,
  userId: 6,
  queueSize: 7,
  sequence: 8,
  source: 10,
  messageType: 12,
  indicator: 13,
  ssrc: 14,
} as const;

/** "MCPT": floor control (§8.2). */
export const floorKind: PacketKind = {
  name: [0x4d, 0x43, 0x50, 0x54],
  shortest: {
    [field.priority]: 1,
    [field.duration]: 2,
    [field.cause]: 2,
    [field.queueInfo]: 2,
    [field.mayRequest]: 2,
    [field.queueSize]: 2,
    [field.sequence]: 2,
    [field.source]: 2,
    [field.messageType]: 1,
    [field.indicator]: 2,
    [field.ssrc]: 4,
  },
};

export interface ControlPacket {
  /** Five bits. */
  readonly subtype: number;
  /** Of the sender. */
  readonly ssrc: number;
  /** The last of each id; views of the packet. */
  readonly fields: ReadonlyMap<number, Uint8Array>;
}

const appPacket = 204;
const headerBytes = 12;

/** An APP packet of a kind, by its look: nothing behind the name is read. */
export function isOfKind(data: Uint8Array, { name }: PacketKind): boolean {
  return (
    data.length >= headerBytes &&
    data[1] === appPacket &&
    data[8] === name[0] &&
    data[9] === name[1] &&
    data[10] === name[2] &&
    data[11] === name[3]
  );
}

/** Takes a packet apart; undefined if it is not a well-formed one. Bytes behind the packet are not looked at. */
export function readPacket(data: Uint8Array, kind: PacketKind): ControlPacket | undefined {
  // Version 2 and no padding: §8.1.2 has P = 0.
  const first = data[0] ?? 0;
  if (!isOfKind(data, kind) || first >> 5 !== 0b100) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const end = (view.getUint16(2) + 1) * 4;
  if (end < headerBytes || end > data.length) return undefined;

  const fields = new Map<number, Uint8Array>();
  for (let at = headerBytes; at < end; ) {
    const id = view.getUint8(at);
    const length = view.getUint8(at + 1);
    const value = at + 2;
    if (value + length > end || length < (kind.shortest[id] ?? 0)) return undefined;
    fields.set(id, data.subarray(value, value + length));
    at = (value + length + 3) & ~3;
  }
  return { subtype: first & 0x1f, ssrc: view.getUint32(4), fields };
}

/** The longest packet that any message makes: two texts and six short fields. */
const scratch = new Uint8Array(1024);
const scratchView = new DataView(scratch.buffer);
const utf8 = new TextEncoder();

export interface FieldWriter {
  /** A 16-bit value, clamped; nothing if undefined. */
  word(id: number, value: number | undefined): void;
  /** An 8-bit value, clamped, above a second one or a spare byte; nothing if undefined. */
  byte(id: number, value: number | undefined, low?: number): void;
  /** UTF-8 behind an optional value of `aheadBytes`, 1 or 2; cut at 255 bytes between two characters; nothing if undefined. */
  text(id: number, value: string | undefined, ahead?: number, aheadBytes?: 1 | 2): void;
  ssrc(value: number | undefined): void;
}

const clamp = (value: number, max: number): number => Math.min(max, Math.max(0, Math.trunc(value)));

/** Puts a packet together; `write` puts in the fields. */
export function writePacket(
  { name }: PacketKind,
  subtype: number,
  ssrc: number,
  write: (writer: FieldWriter) => void,
): Uint8Array {
  let at = headerBytes;

  function put(id: number, length: number): void {
    scratch[at] = id;
    scratch[at + 1] = length;
    const end = at + 2 + length;
    at = (end + 3) & ~3;
    scratch.fill(0, end, at);
  }

  const writer: FieldWriter = {
    word(id, value) {
      if (value === undefined) return;
      scratchView.setUint16(at + 2, clamp(value, 0xffff));
      put(id, 2);
    },
    byte(id, value, low = 0) {
      if (value === undefined) return;
      scratch[at + 2] = clamp(value, 0xff);
      scratch[at + 3] = clamp(low, 0xff);
      put(id, 2);
    },
    text(id, value, ahead, aheadBytes = 2) {
      if (value === undefined) return;
      const bytes = ahead === undefined ? 0 : aheadBytes;
      if (ahead !== undefined && bytes === 2) scratchView.setUint16(at + 2, clamp(ahead, 0xffff));
      if (ahead !== undefined && bytes === 1) scratchView.setUint8(at + 2, clamp(ahead, 0xff));
      const room = scratch.subarray(at + 2 + bytes, at + 2 + 255);
      put(id, bytes + utf8.encodeInto(value, room).written);
    },
    ssrc(value) {
      if (value === undefined) return;
      scratchView.setUint32(at + 2, value >>> 0);
      scratchView.setUint16(at + 6, 0);
      put(field.ssrc, 6);
    },
  };

  scratch[0] = 0x80 | subtype;
  scratch[1] = appPacket;
  scratchView.setUint32(4, ssrc >>> 0);
  scratch.set(name, 8);
  write(writer);
  scratchView.setUint16(2, at / 4 - 1);
  return scratch.slice(0, at);
}
