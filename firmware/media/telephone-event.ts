/**
 * The keys of a telephone in its audio (RFC 4733): each pressed key is an event of several packets, which share the timestamp of its
 * start and come again and again. It says which key was pressed, once; it knows nothing of what keys are for.
 */
import { timestampDistance } from "./rtp.ts";

export interface KeyReader {
  /** A packet of telephone-event: its RTP timestamp and source, and its payload. The key, if it has just been pressed. */
  take(timestamp: number, ssrc: number, payload: Uint8Array): string | undefined;
}

/** By their event numbers (§3.2, table 3). */
const keys = "0123456789*#ABCD";
const payloadBytes = 4;
const endBit = 0x80;
/** §2.5.1.3: of a key that is held longer, each segment is an event that starts where the last one is full. */
const longestSegment = 0xffff;
/** A timestamp further back than this is of a source that started afresh, ticks: 10 s at 48 kHz, a minute at 8 kHz. */
const furthestBack = 480_000;

export function keyReader(): KeyReader {
  let heard = false;
  let source = 0;
  let startedAt = 0;
  let event = 0;
  let ended = false;

  return {
    take(timestamp, ssrc, payload) {
      const number = payload[0] ?? keys.length;
      if (payload.length < payloadBytes || number >= keys.length) return undefined;
      const isEnd = ((payload[1] ?? 0) & endBit) !== 0;
      const ahead = timestampDistance(startedAt, timestamp);
      if (heard && ssrc === source && ahead <= 0 && ahead > -furthestBack) {
        // More of it, its end, a copy; or a straggler of the key before.
        if (ahead === 0 && isEnd) ended = true;
        return undefined;
      }
      const goesOn = heard && ssrc === source && ahead === longestSegment && number === event && !ended;
      heard = true;
      source = ssrc;
      startedAt = timestamp;
      event = number;
      ended = isEnd;
      return goesOn ? undefined : keys[number];
    },
  };
}
