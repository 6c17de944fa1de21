import { periodAtEnd } from "./pitch.ts";

/** Hides losses of a codec that has no concealment of its own: repeats the last period of the voice, ever more quietly. For speech at 8 kHz. */
export interface Concealer {
  /** The first `length` samples of `frame` were received. The start of the first frame after a loss is blended with what was made up. */
  heard(frame: Int16Array, length: number): void;
  /** Makes up `length` samples. */
  conceal(into: Int16Array, length: number): void;
}

/** 40 ms: two of the longest periods, and a window to compare. */
const memory = 320;
/** Full for 10 ms, then down to nothing at 60 ms. */
const holdSamples = 80;
const fadeSamples = 400;
/** 4 ms from made up to received. */
const blendSamples = 32;
/** The step at the seam is spread over 2 ms. */
const seamSamples = 16;

export function concealer(): Concealer {
  const past = new Int16Array(memory);
  const cycle = new Int16Array(120);
  const repetition = { lag: 0, likeness: 0 };
  /** Samples made up since the last one received. */
  let madeUp = 0;
  let seam = 0;

  function remember(frame: Int16Array, length: number): void {
    const kept = Math.min(length, memory);
    past.copyWithin(0, kept);
    past.set(frame.subarray(length - kept, length), memory - kept);
  }

  /** Takes the last period, bent at its end so that it can follow itself. */
  function prepare(): void {
    periodAtEnd(past, repetition);
    const { lag } = repetition;
    const bend = lag >> 2;
    for (let index = 0; index < lag; index++) {
      const weight = Math.max(0, (index - (lag - bend)) / bend);
      const at = memory - lag + index;
      cycle[index] = (past[at] ?? 0) * (1 - weight) + (past[at - lag] ?? 0) * weight;
    }
    seam = (past[memory - 1] ?? 0) - (past[memory - 1 - lag] ?? 0);
  }

  function next(): number {
    const gain = Math.min(1, Math.max(0, 1 - (madeUp - holdSamples) / fadeSamples));
    const spread = seam * Math.max(0, 1 - madeUp / seamSamples);
    const sample = gain * ((cycle[madeUp % repetition.lag] ?? 0) + spread);
    madeUp++;
    return Math.max(-32768, Math.min(32767, sample));
  }

  return {
    heard(frame, length) {
      if (madeUp > 0)
        for (let index = 0; index < Math.min(blendSamples, length); index++) {
          const weight = (index + 1) / blendSamples;
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
