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
const far = 1_200 * 8;
/** Who fits no better than this where its neighbour did is looked for further away; the neighbour's place is kept if nothing is this good. */
const good = 0.75;
const fair = 0.5;
const trusted = 0.65;
/** A search far away is long: for a hiss it is not worth it. */
const patience = 4;
/** A voice is much like itself a period later: another place must be better by this. */
const preference = 0.03;
/** Of the loudness of the whole, what still is speech: -26 dB. */
const audible = 0.05;
/** So many of the frames up to so far to either side lie within 20 ms of where one that is believed does. */
const nearby = 6;
const fewest = 3;
const company = 960;

/** The audible frames of `said`, in order. */
export function place(said: Int16Array, recording: Int16Array): Placed[] {
  const speech = thin(said);
  const heard = thin(recording);
  const frames = Array.from({ length: Math.floor(said.length / frame) }, (_, index) => index * frame);
  const energies = frames.map((at) => energy(speech, at / step, frame / step));
  const threshold = audible ** 2 * mean(energies.filter((value) => value > 0));
  const placed: Placed[] = [];
  let lag: number | undefined;
  /** Frames in a row that fitted nowhere near. */
  let lost = 0;
  for (const [index, at] of frames.entries()) {
    if ((energies[index] ?? 0) < threshold) continue;
    const found = find(speech, heard, startOf(at), lag, lost % patience === patience - 1);
    if (found.fit >= fair) lag = found.lag;
    lost = found.fit >= fair ? 0 : lost + 1;
    placed.push({ at, lag: found.lag * step, fit: found.fit });
  }
  return settle(placed, (at, where) => fitOf(speech, heard, startOf(at), where / step));
}

/**
 * A hiss fits nowhere, and now and then something fits where it is not. Believed is who fits and has company; who is not lies between
 * those who are.
 */
function settle(placed: readonly Placed[], fitAt: (at: number, lag: number) => number): Placed[] {
  const believed = placed.map(({ lag, fit }, index) => {
    if (fit < trusted) return false;
    const around = placed.slice(Math.max(0, index - nearby), index + nearby + 1);
    return around.filter((other) => Math.abs(other.lag - lag) <= company).length > fewest;
  });
  return placed.map((one, index) => {
    if (believed[index]) return one;
    const before = placed[believed.lastIndexOf(true, index)];
    const after = placed[believed.indexOf(true, index)];
    const [from, to] = [before ?? after ?? one, after ?? before ?? one];
    const fits = [from.lag, to.lag].map((lag) => ({ ...one, lag, fit: fitAt(one.at, lag) }));
    const [near] = fits.toSorted((a, b) => b.fit - a.fit);
    if (near && near.fit >= fair) return near;
    const share = to.at === from.at ? 0 : (one.at - from.at) / (to.at - from.at);
    const lag = Math.round((from.lag + share * (to.lag - from.lag)) / step) * step;
    return { ...one, lag, fit: fitAt(one.at, lag) };
  });
}

function find(
  speech: Float32Array,
  heard: Float32Array,
  from: number,
  before: number | undefined,
  widely: boolean,
): { readonly lag: number; readonly fit: number } {
  const fitAt = (lag: number): number => fitOf(speech, heard, from, lag);
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
  const wide = widely ? best(before - far, before + far) : close;
  if (wide.fit >= good) return wide;
  return close.fit > stay.fit + preference && close.fit >= fair ? close : stay;
}

function fitOf(speech: Float32Array, heard: Float32Array, from: number, lag: number): number {
  let both = 0;
  let power = 0;
  let other = 0;
  for (let index = from; index < from + window; index++) {
    const x = speech[index] ?? 0;
    const y = heard[index + lag] ?? 0;
    both += x * y;
    power += x * x;
    other += y * y;
  }
  return power === 0 || other === 0 ? 0 : both / Math.sqrt(power * other);
}

/** Where the window of a frame begins, at 8 kHz. */
const startOf = (at: number): number => Math.max(0, Math.round((at + frame / 2) / step - window / 2));

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
