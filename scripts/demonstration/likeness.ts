/**
 * How much of what was said before a microphone came out of a loudspeaker: alignment, normalised cross-correlation, and what is
 * missing. Samples at 48 kHz.
 */

export interface Likeness {
  /** Samples by which the speech lies later in the recording: where it begins, and where it ends. */
  readonly firstLag: number;
  readonly lastLag: number;
  /** Normalised cross-correlation of the whole speech with the recording, aligned segment by segment: -1 to 1. */
  readonly correlation: number;
  /** Share of the speech (frames of 20 ms that are loud enough to be heard) that is there, 0 to 1. */
  readonly heard: number;
  /** Speech that is not there, ms: before the first frame that is, and after the last. */
  readonly missingAtStartMs: number;
  readonly missingAtEndMs: number;
}

const frame = 960;
const step = 8;
/** Three seconds tell where the speech lies. */
const beginning = 144_000;
/** Speech is what is louder than this, 16-bit RMS (-50 dBFS). */
const audible = 100;
/** A frame is there when it looks like what was said, or is a hiss (of which a codec keeps the level, not the wave) of much the same level. */
const alike = 0.5;
const hissAlike = 0.1;
const sameLevel = 2;
/**
 * A frame that does not fit where the one before it did is looked for within 25 ms of there, by 40 ms of sound: a late packet delays
 * what follows by 20 ms, and catching up takes out a period of the voice. It must fit well there, or it has not moved but is missing.
 */
const slack = 1_200;
const window = 1_920;
const moved = 0.8;

export function likeness(speech: Int16Array, recording: Int16Array): Likeness {
  const coarse = coarseLag(speech, recording);
  const near = bestLag(speech, recording, 0, Math.min(beginning, speech.length), coarse, step, 0);
  const lags = followLags(speech, recording, near);
  const whole = { both: 0, speech: 0, recording: 0 };
  const frames: { readonly lag: number; readonly there: boolean }[] = [];
  for (const [index, lag] of lags.entries()) {
    const sums = { both: 0, speech: 0, recording: 0 };
    add(sums, speech, recording, index * frame, frame, lag);
    whole.both += sums.both;
    whole.speech += sums.speech;
    whole.recording += sums.recording;
    if (isAudible(sums, frame)) frames.push({ lag, there: isThere(sums) });
  }
  const first = frames.findIndex(({ there }) => there);
  const last = frames.findLastIndex(({ there }) => there);
  const gone = frames.filter(({ there }) => !there).length;
  return {
    firstLag: frames[first]?.lag ?? 0,
    lastLag: frames[last]?.lag ?? 0,
    correlation: correlationOf(whole),
    heard: frames.length === 0 ? 0 : 1 - gone / frames.length,
    missingAtStartMs: (first < 0 ? frames.length : first) * 20,
    missingAtEndMs: (frames.length - 1 - last) * 20,
  };
}

interface Sums {
  both: number;
  speech: number;
  recording: number;
}

function add(sums: Sums, speech: Int16Array, recording: Int16Array, from: number, length: number, lag: number): void {
  for (let at = from; at < from + length; at++) {
    const said = speech[at] ?? 0;
    const heard = recording[at + lag] ?? 0;
    sums.both += said * heard;
    sums.speech += said * said;
    sums.recording += heard * heard;
  }
}

function isThere(sums: Sums): boolean {
  const correlation = correlationOf(sums);
  const level = Math.sqrt(sums.recording / sums.speech);
  return correlation >= alike || (correlation >= hissAlike && level > 1 / sameLevel && level < sameLevel);
}

function correlationOf({ both, speech, recording }: Sums): number {
  return speech === 0 || recording === 0 ? 0 : both / Math.sqrt(speech * recording);
}

/** The lag of the first three seconds, found among every eighth sample of a smoothed copy. */
function coarseLag(speech: Int16Array, recording: Int16Array): number {
  const said = thin(speech.subarray(0, beginning));
  const heard = thin(recording);
  let best = 0;
  let most = Number.NEGATIVE_INFINITY;
  for (let lag = 0; lag < heard.length; lag++) {
    const fits = fit(said, heard, lag);
    if (fits <= most) continue;
    most = fits;
    best = lag;
  }
  return best * step;
}

function fit(said: Float64Array, heard: Float64Array, lag: number): number {
  let both = 0;
  const length = Math.min(said.length, heard.length - lag);
  for (let at = 0; at < length; at++) both += (said[at] ?? 0) * (heard[at + lag] ?? 0);
  return both;
}

function thin(samples: Int16Array): Float64Array {
  return Float64Array.from({ length: Math.floor(samples.length / step) }, (_, index) => {
    let sum = 0;
    for (let at = index * step; at < index * step + step; at++) sum += samples[at] ?? 0;
    return sum / step;
  });
}

/**
 * A listener's buffer delays speech when a packet is late, and catches up: the lag is followed through it from frame to frame, both
 * ways from the one that fits best.
 */
function followLags(speech: Int16Array, recording: Int16Array, near: number): number[] {
  const lags = Array.from({ length: Math.floor(speech.length / frame) }, () => near);
  const fits = lags.map((lag, index) => fitAt(speech, recording, index * frame, window, lag));
  const anchor = fits.indexOf(Math.max(...fits));
  for (let index = anchor; index < lags.length; index++)
    lags[index] = nextLag(speech, recording, index * frame, lags[index - 1] ?? near);
  for (let index = anchor - 1; index >= 0; index--)
    lags[index] = nextLag(speech, recording, index * frame, lags[index + 1] ?? near);
  return lags;
}

function nextLag(speech: Int16Array, recording: Int16Array, at: number, near: number): number {
  if (fitAt(speech, recording, at, window, near) >= alike) return near;
  return bestLag(speech, recording, at, window, near, slack, moved);
}

/** The lag within `reach` of `near` that fits best, if it fits better than `least`; else `near`. */
function bestLag(
  speech: Int16Array,
  recording: Int16Array,
  at: number,
  length: number,
  near: number,
  reach: number,
  least: number,
): number {
  let best = near;
  let most = least;
  for (let lag = near - reach; lag <= near + reach; lag++) {
    const fits = fitAt(speech, recording, at, length, lag);
    if (fits <= most) continue;
    most = fits;
    best = lag;
  }
  return best;
}

/** 0 where there is nothing to hear. */
function fitAt(speech: Int16Array, recording: Int16Array, from: number, length: number, lag: number): number {
  const sums = { both: 0, speech: 0, recording: 0 };
  const there = Math.min(length, speech.length - from);
  add(sums, speech, recording, from, there, lag);
  return isAudible(sums, there) ? correlationOf(sums) : 0;
}

function isAudible({ speech }: Sums, length: number): boolean {
  return Math.sqrt(speech / length) >= audible;
}
