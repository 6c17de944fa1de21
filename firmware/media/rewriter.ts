/**
 * The outgoing RTP stream of one leg: whoever talks, the listener hears one source whose sequence and timestamps never break
 * (RFC 3550 §5.1). It decides numbers only; it knows neither who may talk nor where packets go.
 */
import { type RtpView, rtpHeaderLength, sequenceDistance, timestampDistance, writeRtpHeader } from "./rtp.ts";

export interface OutgoingStream {
  readonly ssrc: number;
  /**
   * A talk burst starts: the next packet is its first, whatever its numbers at the source. `midway`: it started before, and this
   * stream comes into it; what the next packet has overtaken is no part of it.
   */
  begin(nowMs: number, midway?: boolean): void;
  /**
   * Writes this leg's header over the first 12 bytes of `packet`, which are room before the payload, and returns `packet`:
   * nothing is copied, so send it before the next leg's is written. Numbers keep the distances they have at the source:
   * what is out of order stays so, and what is lost leaves a gap. Undefined when the packet lies before the burst's first.
   */
  write(packet: Uint8Array, source: SourceNumbers, payloadType: number): Uint8Array | undefined;
  /** The RTP timestamp that stands for `nowMs`. */
  timestampAt(nowMs: number): number;
}

/** Of a packet, at its source. An `RtpView` is one. */
export interface SourceNumbers {
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
}

/** A source that leaps further than this has started afresh. */
const largestLeap = 1000;
const largestPauseS = 60;

/** The payload of a received packet with 12 bytes of room before it, in place: what `write` takes. `view` is what `readRtp` said of `data`. */
export function relayable(data: Uint8Array, view: RtpView): Uint8Array {
  return data.subarray(view.payloadOffset - rtpHeaderLength, view.payloadOffset + view.payloadLength);
}

/** `sequence` and `timestamp` are the stream's first, random (RFC 3550 §5.1); `clockRate` in ticks a second. */
export function outgoingStream(options: {
  readonly ssrc: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly clockRate: number;
}): OutgoingStream {
  const { ssrc, clockRate } = options;
  const frameTicks = clockRate / 50;
  const fields = { payloadType: 0, marker: false, sequence: 0, timestamp: 0, ssrc };
  let epochMs: number | undefined;
  /** The furthest sent. */
  let highestSequence = (options.sequence - 1) & 0xffff;
  let highestTimestamp = (options.timestamp - frameTicks) >>> 0;
  /** What the burst's numbers gain on their way out. */
  let sequenceShift = 0;
  let timestampShift = 0;
  /** First of the burst (at most `largestLeap` behind) and furthest, at the source. */
  let firstSequence = 0;
  let furthestSequence = 0;
  let furthestTimestamp = 0;
  let beginning = true;
  let comesMidway = false;
  /** Timestamp that the burst starts at, if time has not been overtaken by what was sent. */
  let burstTimestamp = options.timestamp;

  const timestampAt = (nowMs: number): number =>
    (options.timestamp + Math.round(((nowMs - (epochMs ?? nowMs)) * clockRate) / 1000)) >>> 0;

  function anchor(source: SourceNumbers, timestamp: number): void {
    // An unmarked first packet may have overtaken the marked one: one number is left free for that.
    const room = source.marker || comesMidway ? 0 : 1;
    sequenceShift = highestSequence + 1 + room - source.sequence;
    timestampShift = timestamp - source.timestamp;
    firstSequence = (source.sequence - room) & 0xffff;
    furthestSequence = source.sequence;
    furthestTimestamp = source.timestamp;
  }

  /** Whether a source goes on counting from where it was. */
  function continues(source: SourceNumbers): boolean {
    const distance = sequenceDistance(furthestSequence, source.sequence);
    const ticks = timestampDistance(furthestTimestamp, source.timestamp);
    if (Math.abs(distance) > largestLeap || Math.abs(ticks) > largestPauseS * clockRate) return false;
    return distance <= 0 ? ticks <= 0 : ticks >= 0;
  }

  return {
    ssrc,
    begin(nowMs, midway = false) {
      epochMs ??= nowMs;
      beginning = true;
      comesMidway = midway;
      const earliest = highestTimestamp + frameTicks;
      const now = timestampAt(nowMs);
      burstTimestamp = timestampDistance(earliest, now) > 0 ? now : earliest;
    },
    write(packet, source, payloadType) {
      if (beginning) anchor(source, burstTimestamp);
      else if (!continues(source)) anchor(source, highestTimestamp + frameTicks);
      if (sequenceDistance(firstSequence, source.sequence) < 0) return undefined;
      fields.payloadType = payloadType;
      fields.marker = beginning || source.marker;
      fields.sequence = (source.sequence + sequenceShift) & 0xffff;
      fields.timestamp = (source.timestamp + timestampShift) >>> 0;
      if (sequenceDistance(highestSequence, fields.sequence) > 0) {
        highestSequence = fields.sequence;
        highestTimestamp = fields.timestamp;
        furthestSequence = source.sequence;
        furthestTimestamp = source.timestamp;
        if (sequenceDistance(firstSequence, furthestSequence) > largestLeap)
          firstSequence = (furthestSequence - largestLeap) & 0xffff;
      }
      beginning = false;
      writeRtpHeader(packet, fields);
      return packet;
    },
    timestampAt,
  };
}
