/**
 * Sums of voices: of all, of all but one, and of those that are spoken here. Of more voices than anybody can follow only the loudest
 * are heard; one that gives way fades within a frame. Sums are 32 bits wide: how they fit into 16 is the listener's matter.
 */

/** One who speaks. Frames are 20 ms. */
export interface MixerInput {
  readonly frame: Int16Array;
  /** Writes the next frame. "over": nothing more comes. */
  fill(nowMs: number): "sound" | "silence" | "over";
  /** RMS of late. */
  level(): number;
}

export interface Mixer<Key> {
  readonly size: number;
  /** `here`: it counts among those that are spoken here. */
  add(key: Key, input: MixerInput, here: boolean): void;
  has(key: Key): boolean;
  /** The one that is the least loud, and how loud it is. */
  quietest(): { readonly key: Key; readonly level: number } | undefined;
  remove(key: Key): void;
  /** Takes 20 ms of everybody; those that are over are handed over and gone. */
  next(nowMs: number, over: (key: Key) => void): void;
  /** The last 20 ms; undefined where there is nothing in them. Valid until the next call of any of these. */
  all(): Int32Array | undefined;
  without(key: Key): Int32Array | undefined;
  spokenHere(): Int32Array | undefined;
  clear(): void;
}

interface Voice<Key> {
  readonly key: Key;
  readonly input: MixerInput;
  readonly here: boolean;
  sounds: boolean;
  /** Undefined until it was heard or not heard for the first time. */
  gain: number | undefined;
}

/** Who is heard already gives way only to one that is louder by so much: 6 dB. */
const loyalty = 2;

/** Adds `input` to `sum`, or takes it off. */
function accumulate(sum: Int32Array, input: Int16Array, sign: 1 | -1): void {
  for (let index = 0; index < sum.length; index++) sum[index] = (sum[index] ?? 0) + sign * (input[index] ?? 0);
}

function fade(frame: Int16Array, from: number, to: number): void {
  const step = (to - from) / frame.length;
  for (let index = 0; index < frame.length; index++) frame[index] = (frame[index] ?? 0) * (from + step * (index + 1));
}

/** `most` are heard at once. */
export function mixer<Key>(frameSamples: number, most: number): Mixer<Key> {
  const voices = new Map<Key, Voice<Key>>();
  const total = new Int32Array(frameSamples);
  const other = new Int32Array(frameSamples);
  /** How many of all, and of those that are spoken elsewhere, are in the total. */
  let sounding = 0;
  let elsewhere = 0;

  const rank = ({ input, gain }: Voice<Key>): number => input.level() * (gain ? loyalty : 1);

  /** What a voice must be as loud as to be heard. */
  function bar(): number {
    const sounds = [...voices.values()].filter((voice) => voice.sounds);
    if (sounds.length <= most) return 0;
    return sounds.map(rank).sort((a, b) => b - a)[most - 1] ?? 0;
  }

  /** Brings a voice's frame to the level that it is heard at; false when that is none. */
  function shape(voice: Voice<Key>, wanted: number): boolean {
    const gain = voice.gain ?? wanted;
    voice.gain = wanted;
    if (gain !== wanted) fade(voice.input.frame, gain, wanted);
    return gain > 0 || wanted > 0;
  }

  return {
    get size() {
      return voices.size;
    },
    add(key, input, here) {
      voices.set(key, { key, input, here, sounds: false, gain: undefined });
    },
    has: (key) => voices.has(key),
    quietest() {
      let found: { key: Key; level: number } | undefined;
      for (const { key, input } of voices.values()) {
        const level = input.level();
        if (!found || level < found.level) found = { key, level };
      }
      return found;
    },
    remove: (key) => void voices.delete(key),
    next(nowMs, over) {
      for (const voice of [...voices.values()]) {
        const said = voice.input.fill(nowMs);
        voice.sounds = said === "sound";
        if (said !== "over") continue;
        voices.delete(voice.key);
        over(voice.key);
      }
      const least = bar();
      total.fill(0);
      sounding = 0;
      elsewhere = 0;
      for (const voice of voices.values()) {
        if (!voice.sounds) continue;
        voice.sounds = shape(voice, rank(voice) >= least ? 1 : 0);
        if (!voice.sounds) continue;
        accumulate(total, voice.input.frame, 1);
        sounding++;
        if (!voice.here) elsewhere++;
      }
    },
    all: () => (sounding > 0 ? total : undefined),
    without(key) {
      const voice = voices.get(key);
      if (!voice?.sounds) return sounding > 0 ? total : undefined;
      if (sounding === 1) return undefined;
      other.set(total);
      accumulate(other, voice.input.frame, -1);
      return other;
    },
    spokenHere() {
      if (sounding === elsewhere) return undefined;
      if (elsewhere === 0) return total;
      other.set(total);
      for (const voice of voices.values()) if (voice.sounds && !voice.here) accumulate(other, voice.input.frame, -1);
      return other;
    },
    clear() {
      voices.clear();
      sounding = 0;
      elsewhere = 0;
    },
  };
}
