/**
 * How late the packets of one RTP source come: against the fastest of them, whose pace is the sender's clock as it is heard here. It
 * does not know sequence numbers, nor what is done about it.
 */
import { timestampDistance } from "./rtp.ts";

export interface Arrivals {
  /** A packet came, `timestamp` as in its header; `afterSilence`: what is known of the way stands, but not how long it takes. */
  packet(timestamp: number, afterSilence: boolean, arrivalMs: number): void;
  /** When a packet of this timestamp comes at the earliest, monotonic ms. */
  earliest(timestamp: number): number;
  /** Nearly all packets come within this of their earliest, ms. */
  jitterMs(): number;
  /** Another source, or another clock. */
  reset(clockRate: number): void;
}

const binMs = 2;
const bins = 128;
/** Of the packets that are waited for. */
const nearly = 0.98;
/** The weight of what was seen halves in some seven seconds of 20 ms packets. */
const memory = 1 / 512;
/** Before anything is known: as if some packets had come so late, ms. */
const presumedMs = 34;
const presumed = 2;
/** What the earliest gains with each packet, ms: 1000 ppm at 20 ms, so that it follows any crystal. */
const leakMs = 0.02;

export function arrivals(rate: number): Arrivals {
  const shares = new Float64Array(bins);
  let clockRate = rate;
  let seen = 0;
  /** The furthest timestamp, and when it was to come. */
  let reference = 0;
  let referenceMs = Number.POSITIVE_INFINITY;
  let jitter = 0;
  forget();

  function forget(): void {
    shares.fill(0);
    shares[presumedMs / binMs - 1] = 1;
    seen = presumed;
    jitter = presumedMs;
  }

  const earliest = (timestamp: number): number =>
    referenceMs + (timestampDistance(reference, timestamp) * 1000) / clockRate;

  function count(excessMs: number): void {
    seen++;
    const weight = Math.max(memory, 1 / seen);
    for (let bin = 0; bin < bins; bin++) shares[bin] = (shares[bin] ?? 0) * (1 - weight);
    const own = Math.min(bins - 1, Math.floor(excessMs / binMs));
    shares[own] = (shares[own] ?? 0) + weight;
    let bin = 0;
    for (let sum = shares[0] ?? 0; sum < nearly && bin < bins - 1; sum += shares[bin] ?? 0) bin++;
    jitter = (bin + 1) * binMs;
  }

  return {
    packet(timestamp, afterSilence, arrivalMs) {
      if (afterSilence || referenceMs === Number.POSITIVE_INFINITY) {
        reference = timestamp;
        referenceMs = arrivalMs;
      }
      const expected = Math.min(earliest(timestamp) + leakMs, arrivalMs);
      count(arrivalMs - expected);
      // One that was overtaken took longer than who overtook it.
      if (timestampDistance(reference, timestamp) < 0) return;
      reference = timestamp;
      referenceMs = expected;
    },
    earliest,
    jitterMs: () => jitter,
    reset(newRate) {
      clockRate = newRate;
      referenceMs = Number.POSITIVE_INFINITY;
      forget();
    },
  };
}
