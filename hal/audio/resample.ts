import { sampleRate } from "./port.ts";

/** Input samples under the filter, on both sides together. */
const taps = 32;
/** Of the input's band that passes; the rest is for the filter to fall. */
const passband = 0.94;
const kaiserBeta = 8;

/** Converts samples at `rate` Hz (at most 48 kHz) to 48 kHz by a windowed sinc; the result is as long, to the sample. */
export function toPortRate(samples: Int16Array, rate: number): Int16Array {
  if (rate === sampleRate) return samples;
  const divisor = greatestCommonDivisor(sampleRate, rate);
  const up = sampleRate / divisor;
  const down = rate / divisor;
  const phases = Array.from({ length: up }, (_, phase) => kernel(phase / up));
  const out = new Int16Array(Math.floor((samples.length * up) / down));
  for (let index = 0; index < out.length; index++) {
    const at = index * down;
    out[index] = convolve(samples, Math.floor(at / up), phases[at % up] ?? new Float64Array(taps));
  }
  return out;
}

function convolve(samples: Int16Array, centre: number, weights: Float64Array): number {
  const first = centre - taps / 2 + 1;
  let sum = 0;
  for (let tap = 0; tap < taps; tap++) sum += (samples[first + tap] ?? 0) * (weights[tap] ?? 0);
  return Math.max(-32_768, Math.min(32_767, Math.round(sum)));
}

/** The weights of the input samples around a point `fraction` of a sample past the centre one; they add up to 1. */
function kernel(fraction: number): Float64Array {
  const weights = Float64Array.from({ length: taps }, (_, tap) => {
    const distance = tap - taps / 2 + 1 - fraction;
    return sinc(distance * passband) * kaiser(distance / (taps / 2));
  });
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** The Kaiser window over -1..1. */
function kaiser(x: number): number {
  return Math.abs(x) > 1 ? 0 : bessel(kaiserBeta * Math.sqrt(1 - x * x)) / bessel(kaiserBeta);
}

/** The modified Bessel function of the first kind, order 0. */
function bessel(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
