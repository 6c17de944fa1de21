/** Likeness of speech with itself a little later: what concealment repeats by, and what playout catches up by. */

/** Normalised correlation of the `window` samples from `a` on with those from `b` on, every `stride`-th; 1 when they are alike, 0 in silence. */
function likeness(samples: Int16Array, a: number, b: number, window: number, stride: number): number {
  let cross = 0;
  let powerA = 0;
  let powerB = 0;
  for (let index = 0; index < window; index += stride) {
    const x = samples[a + index] ?? 0;
    const y = samples[b + index] ?? 0;
    cross += x * y;
    powerA += x * x;
    powerB += y * y;
  }
  return powerA === 0 || powerB === 0 ? 0 : cross / Math.sqrt(powerA * powerB);
}

export interface Repetition {
  /** Samples. */
  lag: number;
  /** -1 to 1. */
  likeness: number;
}

/** Finds the lag at which the window at `a(lag)` is most like the one `lag` later. Writes to `found`. */
function search(
  samples: Int16Array,
  lags: { readonly from: number; readonly to: number; readonly step: number },
  window: number,
  start: (lag: number) => number,
  found: Repetition,
): void {
  found.lag = lags.from;
  found.likeness = -1;
  for (let lag = lags.from; lag <= lags.to; lag += lags.step) {
    const a = start(lag);
    const alike = likeness(samples, a, a + lag, window, lags.step);
    if (alike > found.likeness) {
      found.likeness = alike;
      found.lag = lag;
    }
  }
}

/** The period at the end of `samples` (at least 25 ms of 8 kHz times `scale`): 2.5 to 15 ms. */
export function periodAtEnd(samples: Int16Array, found: Repetition, scale = 1): void {
  const window = 80 * scale;
  const start = (lag: number): number => samples.length - window - lag;
  search(samples, { from: 20 * scale, to: 120 * scale, step: scale }, window, start, found);
  if (scale === 1) return;
  const from = Math.max(20 * scale, found.lag - scale + 1);
  const to = Math.min(120 * scale, found.lag + scale - 1);
  search(samples, { from, to, step: 1 }, window, start, found);
}

/** Samples at 48 kHz over which a shortened or lengthened frame passes from one place to the other. */
export const overlap = 240;
/** What is cut or repeated: 2.5 to 15 ms. */
export const shortestPeriod = 120;
export const longestPeriod = 720;

/** What can be cut or repeated at the start of a frame at 48 kHz of at least 5 ms more than `longest` samples. */
export function periodAtStart(samples: Int16Array, longest: number, found: Repetition): void {
  search(samples, { from: shortestPeriod, to: longest, step: 6 }, overlap, () => 0, found);
}

/** Cuts `lag` samples out of the first `length`, passing over smoothly; returns the length that is left. */
export function shorten(samples: Int16Array, length: number, lag: number): number {
  for (let index = 0; index < overlap; index++) {
    const weight = index / overlap;
    samples[index] = (samples[index] ?? 0) * (1 - weight) + (samples[index + lag] ?? 0) * weight;
  }
  samples.copyWithin(overlap, overlap + lag, length);
  return length - lag;
}

/** Repeats the first `lag` samples of the first `length`, passing over smoothly; returns the length that there is then. */
export function lengthen(samples: Int16Array, length: number, lag: number): number {
  samples.copyWithin(lag + overlap, overlap, length);
  // From the end on: what is written is read no more.
  for (let index = overlap - 1; index >= 0; index--) {
    const weight = index / overlap;
    samples[lag + index] = (samples[lag + index] ?? 0) * (1 - weight) + (samples[index] ?? 0) * weight;
  }
  return length + lag;
}
