/** What a listener gets of what was said: how late, how like it, and what ears trip over: gaps and clicks. Samples at 48 kHz. */
import { frame, type Placed, place } from "./alignment.ts";
import { bandPowers, bandsBelow, logSpectralDistance, window } from "./spectrum.ts";

export interface Hearing {
  /** Delay of the audible frames, ms. */
  readonly delayMs: { readonly p50: number; readonly p95: number; readonly largest: number };
  /** Log-spectral distance of the audible frames from what was said, dB. */
  readonly distanceDb: { readonly mean: number; readonly p95: number };
  /** Share of the audible frames that are too far from what was said to be it. */
  readonly spoilt: number;
  /** Longest time without sound where there was speech, ms. */
  readonly longestGapMs: number;
  readonly clicks: number;
  /** Audible speech before the first frame that is there, and behind the last, ms. */
  readonly missingMs: { readonly start: number; readonly end: number };
}

/** A frame is there whose waveform fits, or whose spectrum is no further away than this, dB, and that is no weaker than by 15 dB. */
const there = 0.5;
const spoiltDb = 9;
const weak = 10 ** -1.5;
/** Of the mean power of the speech, what is not heard beside it: -45 dB. */
const unheard = 10 ** -4.5;
/** 2.5 ms. */
const block = 120;
/** A block of a gap is so much weaker than what was said: -25 dB; there is none where less was said than -20 dB of all. */
const silent = 10 ** -2.5;
const voiced = 10 ** -2;
/** A bend between samples is a click when it is so many times the sharpest within 30 ms of what was said, and no mere ripple. */
const sharp = 4;
const ripple = 400;
const around = 1440;

export interface Conditions {
  /** By how many parts per million the clock of the recording runs fast. */
  readonly driftPpm?: number;
  /** What the codec lets through, Hz: nothing above is missed. */
  readonly topHz?: number;
}

/** Speech and recording begin at one moment. */
export function hearing(
  said: Int16Array,
  recording: Int16Array,
  { driftPpm = 0, topHz = 8_000 }: Conditions = {},
): Hearing {
  const placed = place(said, recording);
  const delayOf = (at: number, heardAt: number): number => heardAt / (48 * (1 + driftPpm / 1e6)) - at / 48;
  const delays = placed.filter(({ fit }) => fit >= there).map(({ at, lag }) => delayOf(at, at + lag));
  const likenesses = compare(said, recording, placed, bandsBelow(topHz));
  const isThere = placed.map(({ fit }, index) => {
    const { distanceDb, level } = likenesses[index] ?? { distanceDb: 0, level: 0 };
    return level > weak && (fit >= there || distanceDb < spoiltDb);
  });
  const distances = likenesses.map(({ distanceDb }) => distanceDb);
  const first = isThere.indexOf(true);
  const last = isThere.lastIndexOf(true);
  return {
    delayMs: { p50: quantile(delays, 0.5), p95: quantile(delays, 0.95), largest: quantile(delays, 1) },
    distanceDb: {
      mean: distances.reduce((sum, one) => sum + one, 0) / Math.max(1, distances.length),
      p95: quantile(distances, 0.95),
    },
    spoilt: isThere.filter((yes) => !yes).length / Math.max(1, isThere.length),
    longestGapMs: longestGap(said, recording, placed) * 2.5,
    clicks: countClicks(said, recording, placed),
    missingMs: {
      start: (first < 0 ? isThere.length : first) * 20,
      end: (last < 0 ? isThere.length : isThere.length - 1 - last) * 20,
    },
  };
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

interface Compared {
  readonly distanceDb: number;
  /** Of the power that was said, what is heard. */
  readonly level: number;
}

function compare(said: Int16Array, recording: Int16Array, placed: readonly Placed[], bands: number): Compared[] {
  const margin = (window - frame) / 2;
  const total = (powers: Float64Array): number => powers.subarray(0, bands).reduce((sum, one) => sum + one, 0);
  const originals = placed.map(({ at }) => bandPowers(said, at - margin));
  const floor = (unheard * originals.reduce((sum, powers) => sum + total(powers), 0)) / Math.max(1, placed.length);
  return placed.map(({ at, lag }, index) => {
    const original = originals[index] ?? new Float64Array(0);
    const heard = bandPowers(recording, at + lag - margin);
    return {
      distanceDb: logSpectralDistance(heard, original, floor, bands),
      level: (total(heard) + floor) / (total(original) + floor),
    };
  });
}

/** Blocks in a row in which nothing is heard of speech. */
function longestGap(said: Int16Array, recording: Int16Array, placed: readonly Placed[]): number {
  const loud = placed.map(({ at }) => power(said, at, frame));
  const threshold = (voiced * loud.reduce((sum, one) => sum + one, 0)) / Math.max(1, loud.length);
  let longest = 0;
  let run = 0;
  let before = -frame;
  for (const [index, { at, lag }] of placed.entries()) {
    if (at !== before + frame) run = 0;
    before = at;
    const here = loud[index] ?? 0;
    for (let from = at; from < at + frame; from += block) {
      const gone = here > threshold && power(recording, from + lag, block) < silent * here;
      run = gone && power(said, from - block, 3 * block) > 0.1 * here ? run + 1 : 0;
      longest = Math.max(longest, run);
    }
  }
  return longest;
}

function countClicks(said: Int16Array, recording: Int16Array, placed: readonly Placed[]): number {
  let clicks = 0;
  for (const { at, lag } of placed) {
    const usual = Math.max(ripple, sharpest(said, at - around, frame + 2 * around));
    if (sharpest(recording, at + lag, frame) > sharp * usual) clicks++;
  }
  return clicks;
}

/** Largest second difference. */
function sharpest(samples: Int16Array, from: number, length: number): number {
  let largest = 0;
  for (let at = Math.max(1, from); at < Math.min(samples.length - 1, from + length); at++) {
    const bend = Math.abs((samples[at - 1] ?? 0) - 2 * (samples[at] ?? 0) + (samples[at + 1] ?? 0));
    if (bend > largest) largest = bend;
  }
  return largest;
}

function power(samples: Int16Array, from: number, length: number): number {
  let sum = 0;
  for (let index = from; index < from + length; index++) sum += (samples[index] ?? 0) ** 2;
  return sum / length;
}
