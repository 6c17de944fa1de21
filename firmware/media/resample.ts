/**
 * 48 kHz to 8 or 16 kHz and back, by polyphase FIR filters that keep their history from frame to frame. Linear phase: a pass in
 * either direction delays by 3.5 ms. Flat up to 3.4 kHz of 8, or 7.4 kHz of 16; 60 dB down from half the lower rate on, so that
 * nothing folds into speech. Between 8 and 16 kHz the way is by 48: two passes.
 */

const top = 48_000;
/** All transitions are 600 Hz wide, so that one length does for both. */
const taps = 336;
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

/** A low-pass at 48 kHz for signals of the lower rate: a sinc in a Kaiser window for 65 dB, of unit gain at 0 Hz. */
function lowPass(lowerRate: number): Float32Array {
  const beta = 6.2;
  const cutoff = (lowerRate / 2 - 300) / top;
  const centre = (taps - 1) / 2;
  const raw = Array.from({ length: taps }, (_, index) => {
    const x = index - centre;
    const window = bessel0(beta * Math.sqrt(1 - (x / centre) ** 2)) / bessel0(beta);
    return (Math.sin(2 * Math.PI * cutoff * x) / (Math.PI * x)) * window;
  });
  const sum = raw.reduce((total, tap) => total + tap, 0);
  return Float32Array.from(raw, (tap) => tap / sum);
}

interface Polyphase {
  readonly factor: number;
  readonly filter: Float32Array;
  /** Tap `j` of phase `p` at `p * taps / factor + j`, newest input last, and the gain that the inserted zeros took. */
  readonly phases: Float32Array;
}

function polyphase(lowerRate: number): Polyphase {
  const factor = top / lowerRate;
  const perPhase = taps / factor;
  const filter = lowPass(lowerRate);
  const phases = Float32Array.from({ length: taps }, (_, index) => {
    const phase = Math.floor(index / perPhase);
    return factor * (filter[phase + factor * (perPhase - 1 - (index % perPhase))] ?? 0);
  });
  return { factor, filter, phases };
}

const narrow = polyphase(8_000);
const wide = polyphase(16_000);
const polyphaseOf = (lowerRate: number): Polyphase => (lowerRate === 8_000 ? narrow : wide);

const clip = (value: number): number => Math.round(Math.max(-32768, Math.min(32767, value)));

/** Sum of products of `length` values of `a` from `i` on and of `b` from `j` on. */
function dot(a: Float32Array, i: number, b: Float32Array, j: number, length: number): number {
  let sum = 0;
  for (let k = 0; k < length; k++) sum += (a[i + k] ?? 0) * (b[j + k] ?? 0);
  return sum;
}

/** Converts the first `length` samples of `from` (at most 120 ms; on the way down a multiple of the ratio) into `into`; returns the samples written. */
export type Resampler = (from: Int16Array, length: number, into: Int16Array) => number;

/** From 48 kHz to 8 or 16. */
export function downsampler(rate: 8_000 | 16_000 = 8_000): Resampler {
  const { factor, filter } = polyphaseOf(rate);
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

/** From 8 or 16 kHz to 48. */
export function upsampler(rate: 8_000 | 16_000 = 8_000): Resampler {
  const { factor, phases } = polyphaseOf(rate);
  const perPhase = taps / factor;
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

/** From one rate to another, of 8, 16 and 48 kHz; undefined where they are the same. */
export function resampler(from: number, to: number): Resampler | undefined {
  if (from === to) return undefined;
  const down = to === top ? undefined : downsampler(lowerRate(to));
  const up = from === top ? undefined : upsampler(lowerRate(from));
  if (!up || !down) return up ?? down;
  const between = new Int16Array(largest);
  return (samples, length, into) => down(between, up(samples, length, between), into);
}

function lowerRate(rate: number): 8_000 | 16_000 {
  if (rate === 8_000 || rate === 16_000) return rate;
  throw new RangeError(`expected 8000, 16000 or 48000 Hz, found ${rate}`);
}
