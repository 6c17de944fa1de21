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
/** Speech is what is louder than this, 16-bit RMS (-50 dBFS). */
const audible = 100;
/** A frame is there when it looks like what was said, or is a hiss (of which a codec keeps the level, not the wave) of much the same level. */
const alike = 0.5;
const hissAlike = 0.1;
const sameLevel = 2;
/** Alignment is looked for anew every 100 ms, within 16 ms of where it was: a period of a deep voice. */
const segment = 4_800;
const slack = 768;

export function likeness(speech: Int16Array, recording: Int16Array): Likeness {
  const lags = followLags(speech, recording, coarseLag(speech, recording));
  const lagAt = (at: number): number => lags[Math.min(lags.length - 1, Math.floor(at / segment))] ?? 0;

  const whole = { both: 0, speech: 0, recording: 0 };
  for (let at = 0; at < speech.length; at += segment)
    add(whole, speech, recording, at, Math.min(segment, speech.length - at), lagAt(at));

  const frames: { readonly at: number; readonly there: boolean }[] = [];
  for (let at = 0; at + frame <= speech.length; at += frame) {
    const sums = { both: 0, speech: 0, recording: 0 };
    add(sums, speech, recording, at, frame, lagAt(at));
    if (Math.sqrt(sums.speech / frame) >= audible) frames.push({ at, there: isThere(sums) });
  }
  const first = frames.findIndex(({ there }) => there);
  const last = frames.findLastIndex(({ there }) => there);
  const gone = frames.filter(({ there }) => !there).length;
  return {
    firstLag: lagAt(frames.at(0)?.at ?? 0),
    lastLag: lagAt(frames.at(-1)?.at ?? 0),
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
  const said = thin(speech.subarray(0, 144_000));
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
 * A listener's buffer shortens speech by single periods of the voice to catch up: the lag is followed through it, both ways from
 * the segment that fits best.
 */
function followLags(speech: Int16Array, recording: Int16Array, near: number): number[] {
  const starts = Array.from({ length: Math.ceil(speech.length / segment) }, (_, index) => index * segment);
  const lengthAt = (at: number): number => Math.min(segment, speech.length - at);
  const fits = starts.map((at) => {
    const sums = { both: 0, speech: 0, recording: 0 };
    add(sums, speech, recording, at, lengthAt(at), near);
    return isAudible(speech, at, lengthAt(at)) ? correlationOf(sums) : 0;
  });
  const anchor = fits.indexOf(Math.max(...fits));
  const lags = starts.map(() => near);

  function follow(index: number, from: number): number {
    const at = starts[index] ?? 0;
    const lag = isAudible(speech, at, lengthAt(at)) ? bestLag(speech, recording, at, lengthAt(at), from) : from;
    lags[index] = lag;
    return lag;
  }

  let lag = near;
  for (let index = anchor; index < starts.length; index++) lag = follow(index, lag);
  lag = lags[anchor] ?? near;
  for (let index = anchor - 1; index >= 0; index--) lag = follow(index, lag);
  return lags;
}

function isAudible(speech: Int16Array, from: number, length: number): boolean {
  let sum = 0;
  for (let at = from; at < from + length; at++) sum += (speech[at] ?? 0) ** 2;
  return Math.sqrt(sum / length) >= audible;
}

function bestLag(speech: Int16Array, recording: Int16Array, from: number, length: number, near: number): number {
  let best = near;
  let most = Number.NEGATIVE_INFINITY;
  for (let lag = near - slack; lag <= near + slack; lag++) {
    const sums = { both: 0, speech: 0, recording: 0 };
    add(sums, speech, recording, from, length, lag);
    const fits = correlationOf(sums);
    if (fits <= most) continue;
    most = fits;
    best = lag;
  }
  return best;
}
