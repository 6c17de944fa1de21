/**
 * The outgoing RTP stream of one leg: whoever talks, the listener hears one source whose sequence and timestamps never break
 * (RFC 3550 §5.1). It decides numbers only; it knows neither who may talk nor where packets go. What a source does is decided once
 * a packet, however many listen; what that is to each listener's stream stands in its row of a table.
 */
import * as row from "../../hal/network/streams.ts";
import { type RtpView, rtpHeaderLength, sequenceDistance, timestampDistance } from "./rtp.ts";

/** Of a packet, at its source. An `RtpView` is one. */
export interface SourceNumbers {
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
}

/** Follows the numbers of whoever talks. */
export interface SourceTrack {
  /** A talk burst starts: the next packet is its first, whatever its numbers. */
  begin(): void;
  /** The next packet, and whether it goes on where the one before was; the result is reused. */
  follow(source: SourceNumbers): Readonly<row.PacketNumbers>;
}

/** A source that leaps further than this has started afresh. */
const largestLeap = 1000;
const largestPauseS = 60;

/** `clockRate` in ticks a second. */
export function sourceTrack(clockRate: number): SourceTrack {
  const numbers = { sequence: 0, timestamp: 0, marker: false, count: 0, restart: 0 };
  let beginning = true;
  /** The furthest so far. */
  let sequence = 0;
  let timestamp = 0;
  let count = 0;

  function continues(distance: number, ticks: number): boolean {
    if (Math.abs(distance) > largestLeap || Math.abs(ticks) > largestPauseS * clockRate) return false;
    return distance <= 0 ? ticks <= 0 : ticks >= 0;
  }

  return {
    begin() {
      beginning = true;
    },
    follow(source) {
      const distance = sequenceDistance(sequence, source.sequence);
      const goesOn = !beginning && continues(distance, timestampDistance(timestamp, source.timestamp));
      // A new count lies beyond the reach of the one before: no packet of the old one is taken for the new one's.
      numbers.count = (count + (goesOn ? distance : 4 * largestLeap)) | 0;
      numbers.restart = beginning || goesOn ? 0 : clockRate / 50;
      numbers.sequence = source.sequence;
      numbers.timestamp = source.timestamp;
      numbers.marker = source.marker;
      beginning = false;
      if (goesOn && distance <= 0) return numbers;
      count = numbers.count;
      sequence = source.sequence;
      timestamp = source.timestamp;
      return numbers;
    },
  };
}

export interface OutgoingStream {
  readonly ssrc: number;
  /** Whether it takes what is sent to its group. */
  listen(wanted: boolean): void;
  payloadType(type: number): void;
  /**
   * A talk burst starts: the next packet is its first, whatever its numbers at the source. `midway`: it started before, and this
   * stream comes into it; what the next packet has overtaken is no part of it.
   */
  begin(nowMs: number, midway?: boolean): void;
  /**
   * Writes this stream's header over the first 12 bytes of `packet`, which are room before the payload, and returns `packet`:
   * nothing is copied, so send it before another's is written. Undefined when the packet lies before the burst's first.
   */
  write(packet: Uint8Array, numbers: Readonly<row.PacketNumbers>, nowMs: number): Uint8Array | undefined;
  /** What has gone out: packets and bytes of payload, modulo 2^32, and the RTP timestamp of the furthest. */
  sent(): Sent;
  /** The RTP timestamp that stands for `nowMs`. */
  timestampAt(nowMs: number): number;
}

export interface Sent {
  readonly packets: number;
  readonly octets: number;
  readonly timestamp: number;
  /** When the last one went, monotonic ms; 0 before the first. */
  readonly atMs: number;
}

/** The payload of a received packet with 12 bytes of room before it, in place: what `write` takes. `view` is what `readRtp` said of `data`. */
export function relayable(data: Uint8Array, view: RtpView): Uint8Array {
  return data.subarray(view.payloadOffset - rtpHeaderLength, view.payloadOffset + view.payloadLength);
}

/**
 * A stream in row `at` of `table`, from its start. `sequence` and `timestamp` are its first, random (RFC 3550 §5.1); `clockRate` in
 * ticks a second.
 */
export function outgoingStream(
  table: Pick<row.StreamTable, "words" | "times">,
  at: number,
  options: {
    readonly ssrc: number;
    readonly sequence: number;
    readonly timestamp: number;
    readonly clockRate: number;
    readonly payloadType?: number;
  },
): OutgoingStream {
  const { ssrc, clockRate } = options;
  const { words, times } = table;
  const base = at * row.rowWords;
  const sentAt = base / 2 + row.sentAt;
  const frameTicks = clockRate / 50;
  let epochMs: number | undefined;
  words.fill(0, base, base + row.rowWords);
  words[base + row.ssrc] = ssrc;
  words[base + row.highestSequence] = (options.sequence - 1) & 0xffff;
  words[base + row.highestTimestamp] = options.timestamp - frameTicks;
  words[base + row.burstTimestamp] = options.timestamp;
  words[base + row.state] = row.beginning | ((options.payloadType ?? 0) << 8);

  const word = (index: number): number => words[base + index] ?? 0;
  const flag = (bit: number, wanted: boolean): void => {
    words[base] = wanted ? word(row.state) | bit : word(row.state) & ~bit;
  };
  const timestampAt = (nowMs: number): number =>
    (options.timestamp + Math.round(((nowMs - (epochMs ?? nowMs)) * clockRate) / 1000)) >>> 0;

  return {
    ssrc,
    listen: (wanted) => flag(row.listening, wanted),
    payloadType(type) {
      words[base] = (word(row.state) & 0xff) | (type << 8);
    },
    begin(nowMs, midway = false) {
      epochMs ??= nowMs;
      flag(row.beginning, true);
      flag(row.midway, midway);
      // Behind what was sent, where time has not overtaken that.
      const earliest = word(row.highestTimestamp) + frameTicks;
      const now = timestampAt(nowMs);
      words[base + row.burstTimestamp] = timestampDistance(earliest, now) > 0 ? now : earliest;
    },
    write(packet, numbers, nowMs) {
      if (!row.number(words, at, packet, numbers)) return undefined;
      times[sentAt] = nowMs;
      return packet;
    },
    sent: () => ({
      packets: word(row.packets) >>> 0,
      octets: word(row.octets) >>> 0,
      timestamp: word(row.highestTimestamp) >>> 0,
      atMs: times[sentAt] ?? 0,
    }),
    timestampAt,
  };
}
