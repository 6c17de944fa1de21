/**
 * From one voice codec to another, once per talk burst and target codec, whoever listens. Whatever the length of the source's
 * packets, the target's are 20 ms each and follow one another without a hole. It does not know sequence numbers: who calls it
 * says what was lost.
 */
import type { Opus } from "../../hal/opus/port.ts";
import { type CodecName, largestPacketSamples, openDecoder, openEncoder } from "./codec.ts";
import { resampler } from "./resample.ts";

/** Nobody reports to it, so it is told at once what makes libopus repair single losses (in-band FEC) at 24 kb/s, percent. */
const expectedLoss = 10;

export interface Transcoder {
  /** Hands over each 20 ms of the target codec that the payload completes: none, one or several. A bad payload counts as lost. The payload handed over is reused. */
  convert(payload: Uint8Array, deliver: (payload: Uint8Array) => void): void;
  /** A packet of 20 ms is lost and is made up; out of `next`, the payload behind it, where that is known and tells. */
  lost(deliver: (payload: Uint8Array) => void, next?: Uint8Array): void;
  close(): void;
}

/** `bitrate` in bit/s, for Opus. Fresh codecs: nothing of an earlier burst is in them. */
export async function openTranscoder(
  opus: Opus,
  from: CodecName,
  to: CodecName,
  options: { readonly bitrate: number } = { bitrate: 24_000 },
): Promise<Transcoder> {
  const decoder = await openDecoder(opus, from);
  const encoder = await openEncoder(opus, to, options.bitrate, expectedLoss);
  const convertRate = resampler(decoder.rate, encoder.rate);
  const decoded = new Int16Array(largestPacketSamples);
  const frameSamples = encoder.rate / 50;
  /** What waits to fill a frame, and room for a whole packet behind it. */
  const pending = new Int16Array(frameSamples + largestPacketSamples);
  const converted = new Int16Array(largestPacketSamples);
  const frame = new Int16Array(frameSamples);
  let waiting = 0;

  function pass(samples: number, deliver: (payload: Uint8Array) => void): void {
    const length = convertRate ? convertRate(decoded, samples, converted) : samples;
    pending.set((convertRate ? converted : decoded).subarray(0, length), waiting);
    waiting += length;
    let start = 0;
    for (; waiting - start >= frameSamples; start += frameSamples) {
      frame.set(pending.subarray(start, start + frameSamples));
      deliver(encoder.encode(frame));
    }
    pending.copyWithin(0, start, waiting);
    waiting -= start;
  }

  return {
    convert(payload, deliver) {
      pass(decoder.decode(payload, decoded) || decoder.conceal(decoded), deliver);
    },
    lost(deliver, next) {
      pass(decoder.conceal(decoded, next), deliver);
    },
    close() {
      decoder.close();
      encoder.close();
    },
  };
}
