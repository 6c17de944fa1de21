/**
 * Keeps speech as late as the jitter buffer asks for: cuts a period of the voice out where it is later, and repeats one where too
 * little is left before the next packet. It decides when and how fast, so that nobody hears it; it does not know packets.
 */
import type { JitterBuffer } from "./jitter-buffer.ts";
import { loudness } from "./level.ts";
import { lengthen, longestPeriod, overlap, periodAtStart, shorten, shortestPeriod } from "./pitch.ts";

export interface Pace {
  /** Cuts or stretches the first `length` samples of `speech` at 48 kHz, which has room for a period more; returns their number then. */
  adjust(speech: Int16Array, length: number): number;
}

/** 16-bit RMS. In silence nobody hears how much is repeated or cut; who is in a hurry does not spare a faint consonant either. */
const silent = 40;
const faint = 150;

interface Haste {
  /** How well the voice must repeat itself, -1 to 1. */
  readonly likeness: number;
  /** ms that are cut, or added, out of each that is played. */
  readonly share: number;
}
/** To be a frame too late is nothing; what a stall or a late grant has left is worked off within two or three seconds of speech. */
const lateMs = 30;
const veryLateMs = 60;
const unhurried: Haste = { likeness: 0.9, share: 0.08 };
const hurried: Haste = { likeness: 0.6, share: 0.15 };
const pressing: Haste = { likeness: 0.4, share: 0.28 };
/** The next packet would come too late: what is repeated now is not missing then. */
const stretching: Haste = { likeness: 0.6, share: 0.1 };

const samplesPerMs = 48;

export function pace(buffer: Pick<JitterBuffer, "surplus" | "deficit" | "stretched">): Pace {
  const repetition = { lag: 0, likeness: 0 };
  /** ms that are still to be played as they are. */
  let restMs = 0;

  /** The period that may be cut or repeated now; 0 for none. */
  function period(speech: Int16Array, length: number, most: number, haste: Haste): number {
    const level = loudness(speech, length);
    const free = level < (haste === unhurried ? silent : faint);
    const longest = Math.min(longestPeriod, length - overlap, most);
    if (longest < shortestPeriod || (restMs > 0 && !free)) return 0;
    if (level < silent) return longest;
    periodAtStart(speech, longest, repetition);
    if (repetition.likeness < haste.likeness && !free) return 0;
    restMs = repetition.lag / samplesPerMs / haste.share;
    return repetition.lag;
  }

  function cut(speech: Int16Array, length: number, surplusMs: number): number {
    const haste = surplusMs > veryLateMs ? pressing : surplusMs > lateMs ? hurried : unhurried;
    const lag = period(speech, length, surplusMs * samplesPerMs, haste);
    if (lag === 0) return length;
    buffer.stretched(-lag / samplesPerMs);
    return shorten(speech, length, lag);
  }

  function stretch(speech: Int16Array, length: number): number {
    const lag = period(speech, length, speech.length - length, stretching);
    if (lag === 0) return length;
    buffer.stretched(lag / samplesPerMs);
    return lengthen(speech, length, lag);
  }

  return {
    adjust(speech, length) {
      restMs -= length / samplesPerMs;
      const surplusMs = buffer.surplus();
      if (surplusMs > 0) return cut(speech, length, surplusMs);
      return buffer.deficit() > 0 ? stretch(speech, length) : length;
    },
  };
}
