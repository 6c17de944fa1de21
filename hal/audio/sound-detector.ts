import type { Cancel } from "../clock/port.ts";
import { sampleRate } from "./port.ts";

type Listener = (at: number) => void;

/** About -60 dBFS: above it a sample is sound. */
const audible = 32;
/** Silence this long (200 ms) ends a sound. */
const pauseSamples = sampleRate / 5;

/** Tells when blocks of samples become sound, and when they fall silent. Blocks follow one another, each shorter than the pause. */
export function soundDetector(timeOf: (sample: number) => number) {
  const soundListeners = new Set<Listener>();
  const quietListeners = new Set<Listener>();
  /** The sample after the last that was heard; undefined while it is quiet. */
  let soundEnd: number | undefined;

  function tell(listeners: Set<Listener>, sample: number): void {
    const at = timeOf(sample);
    listeners.forEach((listener) => listener(at));
  }

  return {
    /** `from`: the position of the block's first sample. */
    hear(block: Int16Array, from: number): void {
      const last = block.findLastIndex(isAudible);
      if (last >= 0) {
        if (soundEnd === undefined) tell(soundListeners, from + block.findIndex(isAudible));
        soundEnd = from + last + 1;
      }
      if (soundEnd === undefined || from + block.length - soundEnd < pauseSamples) return;
      const end = soundEnd;
      soundEnd = undefined;
      tell(quietListeners, end);
    },
    onSound: (listener: Listener): Cancel => add(soundListeners, listener),
    onQuiet: (listener: Listener): Cancel => add(quietListeners, listener),
  };
}

function isAudible(sample: number): boolean {
  return sample > audible || sample < -audible;
}

function add(listeners: Set<Listener>, listener: Listener): Cancel {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
