import type { Clock } from "../clock/port.ts";
import { sampleRate } from "./port.ts";

/** The sample counter of a sound device, whose crystal is never quite the machine's. */
export interface DeviceClock {
  /** Samples since the device was made, with a fraction. */
  position(): number;
  /** Whole samples since the device was made. */
  samples(): number;
  /** Monotonic ms of a sample, as the present drift has it. */
  timeOf(sample: number): number;
  /** Parts per million that the device runs fast. */
  setDrift(ppm: number): void;
}

/** Times are rounded in the 17th digit: a sample is reached when this share of it is missing. */
const rounding = 0.01;

export function deviceClock(clock: Clock, driftPpm: number): DeviceClock {
  let atMs = clock.now();
  let atSample = 0;
  let perMs = rate(driftPpm);

  const position = (): number => atSample + (clock.now() - atMs) * perMs;

  return {
    position,
    samples: () => Math.floor(position() + rounding),
    timeOf: (sample) => atMs + (sample - atSample) / perMs,
    setDrift(ppm) {
      atSample = position();
      atMs = clock.now();
      perMs = rate(ppm);
    },
  };
}

function rate(ppm: number): number {
  return (sampleRate / 1_000) * (1 + ppm / 1_000_000);
}
