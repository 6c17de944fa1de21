/**
 * Many RTP streams in one table, a row each, so that a payload goes out in all of them by one call. Whoever decides the numbers
 * writes into a row what those of a burst gain on their way out; whoever sends adds, and counts. Here that is plain code over any
 * sockets; native code does the same on the same table. It does not know who talks or listens.
 */
import { longestTrailer, type SrtpSender } from "../srtp/port.ts";
import type { Address, UdpSocket } from "./port.ts";

/** 32-bit words of a row. Native code has the same list: hal/native/streams.h. */
export const rowWords = 16;
/** `state`: the bits below, and the payload type from bit 8 on. */
export const state = 0;
export const ssrc = 1;
/** What a packet's sequence and timestamp at its source gain. */
export const sequenceShift = 2;
export const timestampShift = 3;
/** The count of the first packet that belongs to the stream: none before it goes out. */
export const first = 4;
/** The furthest sent. */
export const highestSequence = 5;
export const highestTimestamp = 6;
/** The timestamp of the first packet of a burst that begins. */
export const burstTimestamp = 7;
/** Sent so far, modulo 2^32: packets, and bytes of payload. */
export const packets = 8;
export const octets = 9;
/** Of `StreamTable.times`: when the last was sent, monotonic ms. */
export const sentAt = 5;
const rowTimes = rowWords / 2;

/** Bits of `state`. The stream takes what is sent to its group. */
export const listening = 1;
/** The next packet is the first of a burst, whatever its numbers. */
export const beginning = 2;
/** The burst started before, and the stream comes into it: what the next packet has overtaken is no part of it. */
export const midway = 4;

/** Of a packet, at its source, and what its source has done before. */
export interface PacketNumbers {
  /** 16 bit. */
  sequence: number;
  /** 32 bit. */
  timestamp: number;
  marker: boolean;
  /** 32 bit: counts on through the wrap-arounds of `sequence`, and over restarts. */
  count: number;
  /** Its source has started afresh: so many ticks after what was sent before; 0 where it goes on. */
  restart: number;
}

export interface StreamTable {
  readonly words: Int32Array;
  readonly times: Float64Array;
  /** A row of zeros; undefined when all are taken. */
  take(): number | undefined;
  give(row: number): void;
  /** Where the stream of a row leaves from and goes to; undefined: nobody knows yet. `sender` protects it; absent: in clear. */
  aim(row: number, socket: UdpSocket, to: Address | undefined, sender?: SrtpSender): void;
  /**
   * Sends the payload to the first `size` of `rows` that are listening, but to `except`. `packet` has 12 bytes of room before the
   * payload, and each stream's header is written there.
   */
  send(
    rows: Int32Array,
    size: number,
    packet: Uint8Array,
    numbers: Readonly<PacketNumbers>,
    nowMs: number,
    except: number,
  ): void;
}

const headerLength = 12;

/** The free rows of a table, lowest first. */
export function rowsOf(words: Int32Array): Pick<StreamTable, "take" | "give"> {
  const free = Array.from({ length: words.length / rowWords }, (_, index) => index).reverse();
  return {
    take() {
      const row = free.pop();
      if (row !== undefined) words.fill(0, row * rowWords, (row + 1) * rowWords);
      return row;
    },
    give(row) {
      words.fill(0, row * rowWords, (row + 1) * rowWords);
      free.push(row);
    },
  };
}

/** A table of so many rows whose streams go out one by one. */
export function plainStreams(count: number): StreamTable {
  const words = new Int32Array(count * rowWords);
  const times = new Float64Array(words.buffer);
  const routes: ({ readonly socket: UdpSocket; readonly to: Address; readonly sender?: SrtpSender } | undefined)[] = [];
  let sealed = new Uint8Array(0);
  const { take, give } = rowsOf(words);

  return {
    words,
    times,
    take,
    give(row) {
      routes[row] = undefined;
      give(row);
    },
    aim(row, socket, to, sender) {
      routes[row] = to && { socket, to, ...(sender && { sender }) };
    },
    send(rows, size, packet, numbers, nowMs, except) {
      for (let index = 0; index < size; index++) {
        const row = rows[index] ?? 0;
        const route = routes[row];
        if (!route || row === except || !((words[row * rowWords] ?? 0) & listening)) continue;
        if (!number(words, row, packet, numbers)) continue;
        times[row * rowTimes + sentAt] = nowMs;
        const { socket, to, sender } = route;
        if (!sender) {
          socket.send(packet, to);
          continue;
        }
        if (sealed.length < packet.length + longestTrailer) sealed = new Uint8Array(packet.length + longestTrailer);
        const length = sender.protectRtp(packet, sealed);
        if (length > 0) socket.send(sealed.subarray(0, length), to);
      }
    },
  };
}

/**
 * Writes the header of a row's stream over the first 12 bytes of `packet`, and counts it. Numbers keep the distances they have at
 * the source: what is out of order stays so, and what is lost leaves a gap. False when the packet lies before the stream's first.
 */
export function number(
  words: Int32Array,
  row: number,
  packet: Uint8Array,
  { sequence, timestamp, marker, count, restart }: Readonly<PacketNumbers>,
): boolean {
  const at = row * rowWords;
  const flags = words[at] ?? 0;
  const begins = (flags & beginning) !== 0;
  if (begins || restart > 0) {
    // An unmarked first packet may have overtaken the marked one: one number is left free for that.
    const room = marker || flags & midway ? 0 : 1;
    const start = begins ? (words[at + burstTimestamp] ?? 0) : (words[at + highestTimestamp] ?? 0) + restart;
    words[at + sequenceShift] = (words[at + highestSequence] ?? 0) + 1 + room - sequence;
    words[at + timestampShift] = start - timestamp;
    words[at + first] = count - room;
    words[at] = flags & ~beginning;
  }
  if (((count - (words[at + first] ?? 0)) | 0) < 0) return false;
  const outSequence = (sequence + (words[at + sequenceShift] ?? 0)) & 0xffff;
  const outTimestamp = (timestamp + (words[at + timestampShift] ?? 0)) | 0;
  if (((outSequence - (words[at + highestSequence] ?? 0)) << 16) >> 16 > 0) {
    words[at + highestSequence] = outSequence;
    words[at + highestTimestamp] = outTimestamp;
  }
  words[at + packets] = (words[at + packets] ?? 0) + 1;
  words[at + octets] = (words[at + octets] ?? 0) + packet.length - headerLength;
  packet[0] = 0x80;
  packet[1] = (begins || marker ? 0x80 : 0) | ((flags >> 8) & 0x7f);
  packet[2] = outSequence >> 8;
  packet[3] = outSequence;
  write32(packet, 4, outTimestamp);
  write32(packet, 8, words[at + ssrc] ?? 0);
  return true;
}

function write32(into: Uint8Array, at: number, value: number): void {
  into[at] = value >>> 24;
  into[at + 1] = value >>> 16;
  into[at + 2] = value >>> 8;
  into[at + 3] = value;
}
