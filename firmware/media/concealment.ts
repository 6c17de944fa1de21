import { periodAtEnd } from "./pitch.ts";

/** Hides losses of a codec that has no concealment of its own: repeats the last period of the voice, ever more quietly. */
export interface Concealer {
  /** The first `length` samples of `frame` were received. The start of the first frame after a loss is blended with what was made up. */
  heard(frame: Int16Array, length: number): void;
  /** Makes up `length` samples. */
  conceal(into: Int16Array, length: number): void;
}

/** In samples at 8 kHz. 40 ms: two of the longest periods, and a window to compare. */
const memory = 320;
const longestPeriod = 120;
/** Full for 10 ms, then down to nothing at 60 ms. */
const holdSamples = 80;
const fadeSamples = 400;
/** 4 ms from made up to received. */
const blendSamples = 32;
/** The step at the seam is spread over 2 ms. */
const seamSamples = 16;

/** `rate`: 8000 Hz, or a multiple. */
export function concealer(rate = 8_000): Concealer {
  const scale = rate / 8_000;
  const kept = memory * scale;
  const [hold, fade] = [holdSamples * scale, fadeSamples * scale];
  const [blend, seamLength] = [blendSamples * scale, seamSamples * scale];
  const past = new Int16Array(kept);
  const cycle = new Int16Array(longestPeriod * scale);
  const repetition = { lag: 0, likeness: 0 };
  /** Samples made up since the last one received. */
  let madeUp = 0;
  let seam = 0;

  function remember(frame: Int16Array, length: number): void {
    const newer = Math.min(length, kept);
    past.copyWithin(0, newer);
    past.set(frame.subarray(length - newer, length), kept - newer);
  }

  /** Takes the last period, bent at its end so that it can follow itself. */
  function prepare(): void {
    periodAtEnd(past, repetition, scale);
    const { lag } = repetition;
    const bend = lag >> 2;
    for (let index = 0; index < lag; index++) {
      const weight = Math.max(0, (index - (lag - bend)) / bend);
      const at = kept - lag + index;
      cycle[index] = (past[at] ?? 0) * (1 - weight) + (past[at - lag] ?? 0) * weight;
    }
    seam = (past[kept - 1] ?? 0) - (past[kept - 1 - lag] ?? 0);
  }

  function next(): number {
    const gain = Math.min(1, Math.max(0, 1 - (madeUp - hold) / fade));
    const spread = seam * Math.max(0, 1 - madeUp / seamLength);
    const sample = gain * ((cycle[madeUp % repetition.lag] ?? 0) + spread);
    madeUp++;
    return Math.max(-32768, Math.min(32767, sample));
  }

  return {
    heard(frame, length) {
      if (madeUp > 0)
        for (let index = 0; index < Math.min(blend, length); index++) {
          const weight = (index + 1) / blend;
          frame[index] = next() * (1 - weight) + (frame[index] ?? 0) * weight;
        }
      madeUp = 0;
      remember(frame, length);
    },
    conceal(into, length) {
      if (madeUp === 0) prepare();
      for (let index = 0; index < length; index++) into[index] = next();
    },
  };
}
