import { sampleRate } from "./port.ts";

/** A sine tone at the port's rate; `amplitude` is 0..1 of full scale. */
export function sine(hz: number, ms: number, amplitude = 0.5): Int16Array {
  const step = (2 * Math.PI * hz) / sampleRate;
  const peak = 32_767 * amplitude;
  return Int16Array.from({ length: Math.round((ms * sampleRate) / 1_000) }, (_, index) => {
    return Math.round(peak * Math.sin(step * index));
  });
}
