/**
 * Where each piece of speech lies in a recording of what a listener heard: the delay, followed through jitter buffers that stretch
 * and cut. Samples at 48 kHz. It does not know what delayed them.
 */

export interface Placed {
  /** Of the frame of 20 ms in the speech, samples. */
  readonly at: number;
  /** Samples by which it lies later in the recording; fractions of 1/8 ms are not resolved. */
  readonly lag: number;
  /** Normalised cross-correlation there, -1 to 1. */
  readonly fit: number;
}

export const frame = 960;
/** The search works on every sixth sample of a smoothed copy: 8 kHz. */
const step = 6;
/** 60 ms around a frame tell one place from another. */
const window = 480;
/** ms, at 8 kHz: how far a delay moves from one frame to the next, and how far after a stall. */
const near = 40 * 8;
const far = 700 * 8;
/** Who fits no better than this where its neighbour did is looked for further away; the neighbour's place is kept if nothing is this good. */
const good = 0.75;
const fair = 0.5;
/** A voice is much like itself a period later: another place must be better by this. */
const preference = 0.03;
/** Of the loudness of the whole, what still is speech: -26 dB. */
const audible = 0.05;

/** The audible frames of `said`, in order. */
export function place(said: Int16Array, recording: Int16Array): Placed[] {
  const speech = thin(said);
  const heard = thin(recording);
  const frames = Array.from({ length: Math.floor(said.length / frame) }, (_, index) => index * frame);
  const energies = frames.map((at) => energy(speech, at / step, frame / step));
  const threshold = audible ** 2 * mean(energies.filter((value) => value > 0));
  const placed: Placed[] = [];
  let lag: number | undefined;
  for (const [index, at] of frames.entries()) {
    if ((energies[index] ?? 0) < threshold) continue;
    const from = Math.max(0, Math.round((at + frame / 2) / step - window / 2));
    const found = find(speech, heard, from, lag);
    if (found.fit >= fair) lag = found.lag;
    placed.push({ at, lag: found.lag * step, fit: found.fit });
  }
  return settle(placed);
}

/** Before the first frame that fits well nothing is known of the delay but by looking back from there. */
function settle(placed: readonly Placed[]): Placed[] {
  const first = placed.findIndex(({ fit }) => fit >= good);
  return placed.map((one, index) => (index < first && one.fit < fair ? { ...one, lag: placed[first]?.lag ?? 0 } : one));
}

function find(
  speech: Float32Array,
  heard: Float32Array,
  from: number,
  before: number | undefined,
): { readonly lag: number; readonly fit: number } {
  const power = energy(speech, from, window);
  const fitAt = (lag: number): number => {
    let both = 0;
    let other = 0;
    for (let index = 0; index < window; index++) {
      const value = heard[from + lag + index] ?? 0;
      both += (speech[from + index] ?? 0) * value;
      other += value * value;
    }
    return power === 0 || other === 0 ? 0 : both / Math.sqrt(power * other);
  };
  const best = (low: number, high: number): { lag: number; fit: number } => {
    let found = { lag: Math.max(0, low), fit: -1 };
    for (let lag = Math.max(0, low); lag <= high; lag++) {
      const fit = fitAt(lag);
      if (fit > found.fit) found = { lag, fit };
    }
    return found;
  };
  if (before === undefined) return best(0, far);
  const stay = { lag: before, fit: fitAt(before) };
  if (stay.fit >= 1 - preference) return stay;
  const close = best(before - near, before + near);
  if (close.fit >= good) return close.fit > stay.fit + preference ? close : stay;
  const wide = best(before - far, before + far);
  if (wide.fit >= good) return wide;
  return close.fit > stay.fit + preference && close.fit >= fair ? close : stay;
}

function thin(samples: Int16Array): Float32Array {
  const smooth = new Float32Array(Math.floor(samples.length / step));
  for (let index = 0; index < smooth.length; index++) {
    let sum = 0;
    // A triangle of twice the step: what lies above 4 kHz folds back 20 dB weaker.
    for (let tap = 1 - step; tap < step; tap++) sum += (samples[index * step + tap] ?? 0) * (step - Math.abs(tap));
    smooth[index] = sum / (step * step);
  }
  return smooth;
}

function energy(samples: ArrayLike<number>, from: number, length: number): number {
  let sum = 0;
  for (let index = from; index < from + length; index++) sum += (samples[index] ?? 0) ** 2;
  return sum;
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
