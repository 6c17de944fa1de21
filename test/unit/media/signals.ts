/** Sounds and measures that the media tests share. */

/** A generator of [0, 1) that is the same on each run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function sine(hertz: number, rate: number, samples: number, amplitude = 10_000): Int16Array {
  return Int16Array.from({ length: samples }, (_, index) => amplitude * Math.sin((2 * Math.PI * hertz * index) / rate));
}

/** A gliding voice in syllables of a third of a second. No fundamental, as from a handset: Opus turns the phase of what is that low. */
export function voice(rate: number, samples: number): Int16Array {
  let phase = 0;
  return Int16Array.from({ length: samples }, (_, index) => {
    const t = index / rate;
    phase += (2 * Math.PI * (130 + 25 * Math.sin(2 * Math.PI * 0.7 * t))) / rate;
    let sum = 0;
    for (let harmonic = 2; harmonic <= 12; harmonic++) sum += Math.sin(harmonic * phase) / harmonic;
    return 6000 * (0.55 + 0.45 * Math.sin(2 * Math.PI * 3 * t)) * sum;
  });
}

export function rms(samples: ArrayLike<number>, from = 0, to = samples.length): number {
  let sum = 0;
  for (let index = from; index < to; index++) sum += (samples[index] ?? 0) ** 2;
  return Math.sqrt(sum / (to - from));
}

/** The best correlation of `heard`, which lags by up to `largestLag` samples, with `said`. Sounds up to 2 kHz: the lag is found in steps of 4 first. */
export function correlation(said: Int16Array, heard: Int16Array, largestLag: number): { value: number; lag: number } {
  const length = Math.min(said.length, heard.length) - largestLag;

  function at(lag: number, stride: number): number {
    let cross = 0;
    let a = 0;
    let b = 0;
    for (let index = 0; index < length; index += stride) {
      const x = said[index] ?? 0;
      const y = heard[index + lag] ?? 0;
      cross += x * y;
      a += x * x;
      b += y * y;
    }
    return cross / Math.sqrt(a * b || 1);
  }
  function best(from: number, to: number, step: number, stride: number): { value: number; lag: number } {
    let found = { value: -1, lag: 0 };
    for (let lag = Math.max(0, from); lag <= Math.min(largestLag, to); lag += step) {
      const value = at(lag, stride);
      if (value > found.value) found = { value, lag };
    }
    return found;
  }
  const { lag } = best(0, largestLag, largestLag > 200 ? 4 : 1, 13);
  return best(lag - 4, lag + 4, 1, 1);
}

/** The largest step from a sample to the next. */
export function largestStep(samples: Int16Array): number {
  let largest = 0;
  for (let index = 1; index < samples.length; index++)
    largest = Math.max(largest, Math.abs((samples[index] ?? 0) - (samples[index - 1] ?? 0)));
  return largest;
}
