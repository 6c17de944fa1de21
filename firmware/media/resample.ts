/**
 * 48 kHz to 8 kHz and back, by polyphase FIR filters that keep their history from frame to frame. Linear phase: a pass in
 * either direction delays by 3.5 ms. Flat up to 3.4 kHz; 60 dB down from 4 kHz on, so that nothing folds into speech.
 */

const factor = 6;
const taps = 336;
const perPhase = taps / factor;
/** Samples of 120 ms at 48 kHz: the longest that one call takes. */
const largest = 5760;

/** Modified Bessel function of the first kind, order 0. */
function bessel0(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > 1e-12 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/** A low-pass at 3.7 kHz of 48 kHz: a sinc in a Kaiser window for 65 dB, of unit gain at 0 Hz. */
function lowPass(): Float32Array {
  const beta = 6.2;
  const cutoff = 3700 / 48_000;
  const centre = (taps - 1) / 2;
  const raw = Array.from({ length: taps }, (_, index) => {
    const x = index - centre;
    const window = bessel0(beta * Math.sqrt(1 - (x / centre) ** 2)) / bessel0(beta);
    return (Math.sin(2 * Math.PI * cutoff * x) / (Math.PI * x)) * window;
  });
  const sum = raw.reduce((total, tap) => total + tap, 0);
  return Float32Array.from(raw, (tap) => tap / sum);
}

const filter = lowPass();
/** Tap `j` of phase `p` at `p * perPhase + j`, newest input last, and the gain that the inserted zeros took. */
const phases = Float32Array.from({ length: taps }, (_, index) => {
  const phase = Math.floor(index / perPhase);
  return factor * (filter[phase + factor * (perPhase - 1 - (index % perPhase))] ?? 0);
});

const clip = (value: number): number => Math.round(Math.max(-32768, Math.min(32767, value)));

/** Sum of products of `length` values of `a` from `i` on and of `b` from `j` on. */
function dot(a: Float32Array, i: number, b: Float32Array, j: number, length: number): number {
  let sum = 0;
  for (let k = 0; k < length; k++) sum += (a[i + k] ?? 0) * (b[j + k] ?? 0);
  return sum;
}

/** Converts the first `length` samples of `from` (at most 120 ms; a multiple of 6 on the way down) into `into`; returns the samples written. */
export type Resampler = (from: Int16Array, length: number, into: Int16Array) => number;

export function downsampler(): Resampler {
  const history = taps - factor;
  const line = new Float32Array(history + largest);
  return (from, length, into) => {
    const out = length / factor;
    for (let index = 0; index < length; index++) line[history + index] = from[index] ?? 0;
    for (let index = 0; index < out; index++) into[index] = clip(dot(line, index * factor, filter, 0, taps));
    line.copyWithin(0, length, length + history);
    return out;
  };
}

export function upsampler(): Resampler {
  const history = perPhase - 1;
  const line = new Float32Array(history + largest / factor);
  return (from, length, into) => {
    for (let index = 0; index < length; index++) line[history + index] = from[index] ?? 0;
    for (let index = 0; index < length; index++)
      for (let phase = 0; phase < factor; phase++)
        into[index * factor + phase] = clip(dot(line, index, phases, phase * perPhase, perPhase));
    line.copyWithin(0, length, length + history);
    return length * factor;
  };
}
