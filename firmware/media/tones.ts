/**
 * The tones that a person at a button hears. There they are mixed over speech, never in place of it, and last less than a second.
 * Each was built once, in full, with ramps of 4 ms, so that mixing is an addition.
 */
import { sampleRate } from "../../hal/audio/port.ts";

/**
 * queued: not now, but hold on. emergency: somebody in the talkgroup calls for help. permit: speak now. deny: not now. revoke: the burst was cut; let go. warning: it soon will be. lost-server: nobody hears you.
 * unkeyed: what you said has gone out, and you are not heard any more.
 * recording: what is said here is recorded.
 * call: a private call is connected, and the button speaks to it. call-over: the button speaks to the talkgroup again.
 */
export type ToneName =
  | "queued"
  | "emergency"
  | "permit"
  | "deny"
  | "revoke"
  | "warning"
  | "lost-server"
  | "unkeyed"
  | "recording"
  | "call"
  | "call-over";

/** A sounding part in Hz, or a pause at 0 Hz. */
type Part = readonly [hertz: number, ms: number];

const melodies: Readonly<Record<ToneName, readonly Part[]>> = {
  permit: [
    [910, 30],
    [0, 25],
    [910, 30],
    [0, 25],
    [910, 30],
  ],
  deny: [[330, 350]],
  queued: [
    [520, 60],
    [0, 80],
    [520, 60],
  ],
  emergency: [
    [1550, 120],
    [980, 120],
    [1550, 120],
    [980, 120],
    [1550, 120],
    [980, 120],
  ],
  revoke: [
    [620, 110],
    [0, 30],
    [480, 110],
    [0, 30],
    [620, 110],
    [0, 30],
    [480, 110],
  ],
  warning: [
    [1400, 60],
    [0, 60],
    [1400, 60],
  ],
  "lost-server": [
    [700, 150],
    [0, 60],
    [520, 150],
    [0, 60],
    [350, 250],
  ],
  unkeyed: [[780, 70]],
  recording: [[1400, 200]],
  call: [
    [1050, 110],
    [0, 20],
    [1320, 180],
  ],
  "call-over": [
    [1320, 110],
    [0, 20],
    [1050, 180],
  ],
};

const amplitude = 7000;
const rampMs = 4;

const samplesIn = (ms: number): number => Math.round((ms * sampleRate) / 1000);

function render(melody: readonly Part[]): Int16Array {
  const total = melody.reduce((sum, [, ms]) => sum + samplesIn(ms), 0);
  const out = new Int16Array(total);
  const ramp = samplesIn(rampMs);
  let start = 0;
  for (const [hertz, ms] of melody) {
    const length = samplesIn(ms);
    for (let index = 0; index < length && hertz > 0; index++) {
      const edge = Math.min(index, length - index, ramp) / ramp;
      const gain = amplitude * 0.5 * (1 - Math.cos(Math.PI * edge));
      out[start + index] = gain * Math.sin((2 * Math.PI * hertz * index) / sampleRate);
    }
    start += length;
  }
  return out;
}

const rendered: Readonly<Record<ToneName, Int16Array>> = {
  permit: render(melodies.permit),
  deny: render(melodies.deny),
  queued: render(melodies.queued),
  emergency: render(melodies.emergency),
  revoke: render(melodies.revoke),
  warning: render(melodies.warning),
  "lost-server": render(melodies["lost-server"]),
  unkeyed: render(melodies.unkeyed),
  recording: render(melodies.recording),
  call: render(melodies.call),
  "call-over": render(melodies["call-over"]),
};

/** All of a tone, at 48 kHz. */
export const samplesOf = (tone: ToneName): Int16Array => rendered[tone];

/** Adds `source` from `offset` on to `target`, clipped to 16 bits; returns the samples added. */
export function mixInto(target: Int16Array, source: Int16Array, offset = 0): number {
  const length = Math.min(target.length, source.length - offset);
  for (let index = 0; index < length; index++) {
    const sum = (target[index] ?? 0) + (source[offset + index] ?? 0);
    target[index] = Math.max(-32768, Math.min(32767, sum));
  }
  return length;
}

export interface Tones {
  /** Starts a tone with the next frame, in place of one that sounds. */
  start(name: ToneName): void;
  /** Starts a tone behind the one that sounds, or now. Only the last that is said so waits. */
  follow(name: ToneName): void;
  stop(): void;
  /** Adds what sounds now to a frame at 48 kHz; false, and the frame untouched, when nothing does. */
  mix(frame: Int16Array): boolean;
}

export function tones(): Tones {
  let sounding: Int16Array | undefined;
  let position = 0;
  let waiting: Int16Array | undefined;

  function sound(tone: Int16Array | undefined): void {
    sounding = tone;
    position = 0;
    waiting = undefined;
  }

  return {
    start: (name) => sound(rendered[name]),
    follow(name) {
      if (sounding) waiting = rendered[name];
      else sound(rendered[name]);
    },
    stop: () => sound(undefined),
    mix(frame) {
      if (!sounding) return false;
      position += mixInto(frame, sounding, position);
      if (position >= sounding.length) sound(waiting);
      return true;
    },
  };
}
