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
/** Frames around a change of the lag in which it may have happened. */
const nearCut = 3;
/**
 * A frame that does not fit where the one before it did is looked for within 25 ms of there, by 40 ms of sound: a late packet delays
 * what follows by 20 ms, and catching up takes out a period of the voice. Then further away, by more of it: a machine that was held
 * up stalls for longer. It must fit well there, or it has not moved but is missing.
 */
const near = { reach: 1_200, window: 1_920 };
const far = { reach: 9_600, window: 9_600 };
const moved = 0.8;
/** Frames in the longer of the windows. */
const farthest = 10;

export function likeness(speech: Int16Array, recording: Int16Array): Likeness {
  const lags = followLags(
    { speech, recording },
    // Every eighth sample of a smoothed copy: enough to tell where to look.
    { speech: thin(speech), recording: thin(recording) },
  );
  const whole = { both: 0, speech: 0, recording: 0 };
  const frames: { readonly lag: number; readonly there: boolean }[] = [];
  for (const [index, lag] of lags.entries()) {
    const sums = { both: 0, speech: 0, recording: 0 };
    add(sums, { speech, recording }, index * frame, frame, lag);
    whole.both += sums.both;
    whole.speech += sums.speech;
    whole.recording += sums.recording;
    if (!isAudible(sums, frame)) continue;
    const around = lags.slice(Math.max(0, index - nearCut), index + nearCut + 1);
    const cut = around.some((other) => other !== lag) && isOfLevel(sums);
    const there = isThere(sums) || cut || isThereInHalves({ speech, recording }, index * frame, around);
    frames.push({ lag, there });
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

interface Pair {
  readonly speech: ArrayLike<number>;
  readonly recording: ArrayLike<number>;
}

function add(sums: Sums, { speech, recording }: Pair, from: number, length: number, lag: number): void {
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

/** Where a period of the voice was taken out, what is before and behind it was blended: of that the level tells. */
function isOfLevel({ speech, recording }: Sums): boolean {
  const level = Math.sqrt(recording / speech);
  return level > 1 / sameLevel && level < sameLevel;
}

/** A period that was taken out, or a stall, lies within the frame: each half is there beside one of its neighbours. */
function isThereInHalves(pair: Pair, from: number, lags: readonly number[]): boolean {
  const half = frame / 2;
  return [from, from + half].every((at) =>
    lags.some((lag) => {
      const sums = { both: 0, speech: 0, recording: 0 };
      add(sums, pair, at, half, lag);
      return isThere(sums);
    }),
  );
}

function correlationOf({ both, speech, recording }: Sums): number {
  return speech === 0 || recording === 0 ? 0 : both / Math.sqrt(speech * recording);
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
function followLags(fine: Pair, coarse: Pair): number[] {
  const start = startLag(fine, coarse);
  const lags = Array.from({ length: Math.floor(fine.speech.length / frame) }, () => start);
  const fits = lags.map((lag, index) => fitAt(fine, index * frame, near.window, lag));
  const anchor = fits.indexOf(Math.max(...fits));
  for (let index = anchor; index < lags.length; index++)
    lags[index] = nextLag(fine, coarse, index * frame, lags[index - 1] ?? start);
  for (let index = anchor - 1; index >= 0; index--)
    lags[index] = nextLag(fine, coarse, index * frame, lags[index + 1] ?? start);
  return placed(fine, lags);
}

/** A change is seen where most of a window has moved: it belongs where the frames themselves fit better on its other side. */
function placed(pair: Pair, followed: readonly number[]): number[] {
  const lags = [...followed];
  const fits = (index: number, lag: number): number => fitAt(pair, index * frame, frame, lag);
  const isBetter = (index: number, lag: number): boolean => fits(index, lag) > fits(index, lags[index] ?? lag);
  for (const [index, after] of followed.entries()) {
    const before = followed[index - 1] ?? after;
    if (after === before) continue;
    for (let at = index - 1; at >= index - farthest && isBetter(at, after); at--) lags[at] = after;
    for (let at = index; at < index + farthest && isBetter(at, before); at++) lags[at] = before;
  }
  return lags;
}

/** The lag at which the beginning of the speech fits best. */
function startLag(fine: Pair, coarse: Pair): number {
  const length = Math.min(beginning, fine.speech.length);
  const half = Math.floor(coarse.recording.length / 2);
  const found = bestLag(coarse, { at: 0, length: Math.floor(length / step), around: half, reach: half, least: 0 }) ?? 0;
  return bestLag(fine, { at: 0, length, around: found * step, reach: step, least: 0 }) ?? found * step;
}

function nextLag(fine: Pair, coarse: Pair, at: number, lag: number): number {
  if (fitAt(fine, at, near.window, lag) >= alike) return lag;
  const close = bestLag(fine, { at, length: near.window, around: lag, reach: near.reach, least: moved });
  if (close !== undefined) return close;
  const wide = bestLag(coarse, {
    at: Math.floor(at / step),
    length: far.window / step,
    around: Math.round(lag / step),
    reach: far.reach / step,
    least: moved,
  });
  if (wide === undefined) return lag;
  return bestLag(fine, { at, length: far.window, around: wide * step, reach: step, least: 0 }) ?? lag;
}

/** The lag within `reach` of `around` that fits best; undefined where none fits better than `least`. */
function bestLag(
  pair: Pair,
  search: {
    readonly at: number;
    readonly length: number;
    readonly around: number;
    readonly reach: number;
    readonly least: number;
  },
): number | undefined {
  const { at, length, around, reach, least } = search;
  let best: number | undefined;
  let most = least;
  for (let lag = around - reach; lag <= around + reach; lag++) {
    const fits = fitAt(pair, at, length, lag);
    if (fits <= most) continue;
    most = fits;
    best = lag;
  }
  return best;
}

/** 0 where there is nothing to hear. */
function fitAt(pair: Pair, from: number, length: number, lag: number): number {
  const sums = { both: 0, speech: 0, recording: 0 };
  const there = Math.min(length, pair.speech.length - from);
  add(sums, pair, from, there, lag);
  return isAudible(sums, there) ? correlationOf(sums) : 0;
}

function isAudible({ speech }: Sums, length: number): boolean {
  return Math.sqrt(speech / length) >= audible;
}
