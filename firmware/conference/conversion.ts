/**
 * The transcoding of a talk burst for legs of another codec, once a burst and codec, however many listen. Codecs take a moment to
 * open, so a fresh one of each pair that may be wanted is kept ready. It does not know who listens.
 */
import type { Opus } from "../../hal/opus/port.ts";
import { type CodecName, clockRates } from "../media/codec.ts";
import type { SourceNumbers } from "../media/rewriter.ts";
import { rtpHeaderLength, sequenceDistance } from "../media/rtp.ts";
import { openTranscoder, type Transcoder } from "../media/transcoder.ts";

/** One burst on its way into one codec. */
export interface Conversion {
  /** Takes the packet numbered `sequence` at its source; one that comes too late is passed over. */
  take(payload: Uint8Array, sequence: number): void;
  close(): void;
}

/** `packet` has 12 bytes of room before its payload; valid during the call. */
export type Deliver = (packet: Uint8Array, numbers: SourceNumbers) => void;

export interface Conversions {
  /** Has one ready soon. */
  prepare(from: CodecName, to: CodecName): void;
  /** Undefined when none is ready yet; one is on its way then. */
  begin(from: CodecName, to: CodecName, deliver: Deliver): Conversion | undefined;
  close(): void;
}

/** The longest payload of 20 ms: 1275 bytes of Opus (RFC 6716 §3.4). */
const longestPayload = 1275;
/** A gap is made up to this many packets; a longer one is a source that started afresh. */
const longestGap = 10;

export function openConversions(opus: Opus): Conversions {
  const ready = new Map<string, Transcoder>();
  const opening = new Set<string>();
  let closed = false;

  function prepare(from: CodecName, to: CodecName): void {
    const pair = `${from} ${to}`;
    if (from === to || ready.has(pair) || opening.has(pair)) return;
    opening.add(pair);
    void openTranscoder(opus, from, to).then((transcoder) => {
      opening.delete(pair);
      if (closed) transcoder.close();
      else ready.set(pair, transcoder);
    });
  }

  return {
    prepare,
    begin(from, to, deliver) {
      const pair = `${from} ${to}`;
      const transcoder = ready.get(pair);
      ready.delete(pair);
      prepare(from, to);
      return transcoder && conversion(transcoder, clockRates[to] / 50, deliver);
    },
    close() {
      closed = true;
      for (const transcoder of ready.values()) transcoder.close();
      ready.clear();
    },
  };
}

function conversion(transcoder: Transcoder, frameTicks: number, deliver: Deliver): Conversion {
  const packet = new Uint8Array(rtpHeaderLength + longestPayload);
  const numbers = { sequence: 0, timestamp: 0, marker: true };
  let expected: number | undefined;

  function out(payload: Uint8Array): void {
    packet.set(payload, rtpHeaderLength);
    deliver(packet.subarray(0, rtpHeaderLength + payload.length), numbers);
    numbers.sequence = (numbers.sequence + 1) & 0xffff;
    numbers.timestamp = (numbers.timestamp + frameTicks) >>> 0;
    numbers.marker = false;
  }

  return {
    take(payload, sequence) {
      const gap = expected === undefined ? 0 : sequenceDistance(expected, sequence);
      if (gap < 0 && gap > -longestGap) return;
      if (gap > 0 && gap <= longestGap)
        for (let missing = gap; missing > 0; missing--) transcoder.lost(out, missing === 1 ? payload : undefined);
      expected = (sequence + 1) & 0xffff;
      transcoder.convert(payload, out);
    },
    close: () => transcoder.close(),
  };
}
