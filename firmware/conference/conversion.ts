/**
 * A talk burst on its way into another codec, once a burst and codec, however many listen. Its codecs take a moment to open; what
 * is said meanwhile waits. It does not know who listens.
 */
import type { Opus } from "../../hal/opus/port.ts";
import { type CodecName, clockRates } from "../media/codec.ts";
import type { SourceNumbers } from "../media/rewriter.ts";
import { rtpHeaderLength, sequenceDistance, timestampDistance } from "../media/rtp.ts";
import { openTranscoder, type Transcoder } from "../media/transcoder.ts";

export interface Conversion {
  readonly from: CodecName;
  /** Takes a payload, valid during the call, and its numbers at the source; one that comes too late is passed over. */
  take(payload: Uint8Array, source: SourceNumbers): void;
  close(): void;
}

/** `packet` has 12 bytes of room before its payload; valid during the call. */
export type Deliver = (packet: Uint8Array, numbers: SourceNumbers) => void;

/** The longest payload of 20 ms: 1275 bytes of Opus (RFC 6716 §3.4). */
const longestPayload = 1275;
/** A gap is made up to this many packets; a longer one is a pause. */
const longestGap = 10;
/** A packet that lags further than this is of a source that started afresh (RFC 3550 A.1, MAX_MISORDER). */
const largestLag = 100;
/** Where the source's timestamps run so far ahead of what was said, it was silent in between; further, it started afresh, s. */
const shortestPause = 0.1;
const longestPause = 60;
/** Two seconds. */
const mostWaiting = 100;

export function openConversion(opus: Opus, from: CodecName, to: CodecName, deliver: Deliver): Conversion {
  const rate = clockRates[to];
  const ticks = rate / clockRates[from];
  const packet = new Uint8Array(rtpHeaderLength + longestPayload);
  /** Of the next packet out; the burst starts at 0. */
  const numbers = { sequence: 0, timestamp: 0, marker: true };
  let waiting: { readonly payload: Uint8Array; readonly source: SourceNumbers }[] = [];
  let transcoder: Transcoder | undefined;
  let closed = false;
  let expected: number | undefined;
  /** The source's timestamp that stands for 0. */
  let origin = 0;

  void openTranscoder(opus, from, to).then((opened) => {
    if (closed) return opened.close();
    transcoder = opened;
    for (const { payload, source } of waiting) convert(opened, payload, source);
    waiting = [];
  });

  function out(payload: Uint8Array): void {
    packet.set(payload, rtpHeaderLength);
    deliver(packet.subarray(0, rtpHeaderLength + payload.length), numbers);
    numbers.sequence = (numbers.sequence + 1) & 0xffff;
    numbers.timestamp = (numbers.timestamp + rate / 50) >>> 0;
    numbers.marker = false;
  }

  /** A pause of the talker is one for the listener: time goes on, and a talkspurt begins (RFC 3551 §4.1). */
  function pause(timestamp: number): void {
    const ahead = Math.round(timestampDistance(origin, timestamp) * ticks) - numbers.timestamp;
    if (Math.abs(ahead) < shortestPause * rate) return;
    if (ahead < 0 || ahead > longestPause * rate) origin = (timestamp - Math.round(numbers.timestamp / ticks)) >>> 0;
    else numbers.timestamp += ahead;
    numbers.marker = true;
  }

  function convert(into: Transcoder, payload: Uint8Array, { sequence, timestamp }: SourceNumbers): void {
    if (expected === undefined) origin = timestamp;
    const gap = expected === undefined ? 0 : sequenceDistance(expected, sequence);
    if (gap < 0 && gap > -largestLag) return;
    if (gap > 0 && gap <= longestGap)
      for (let missing = gap; missing > 0; missing--) into.lost(out, missing === 1 ? payload : undefined);
    expected = (sequence + 1) & 0xffff;
    pause(timestamp);
    into.convert(payload, out);
  }

  return {
    from,
    take(payload, source) {
      if (transcoder) return convert(transcoder, payload, source);
      if (waiting.length < mostWaiting) waiting.push({ payload: payload.slice(), source: { ...source } });
    },
    close() {
      closed = true;
      transcoder?.close();
    },
  };
}
