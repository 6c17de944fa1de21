import { frameSamples } from "../../hal/audio/port.ts";
import type { Tones } from "../media/tones.ts";

/** Speech is this much lower while a tone sounds: the tone is heard, and the sum of both needs no clipping. */
const ducked = 0.5;
/** Of the gain a sample: the way down or up takes 5 ms, so that nothing clicks. */
const step = (1 - ducked) / 240;

/** Lays the tone that sounds over a frame of 960 samples. */
export function overlay(tones: Tones): (frame: Int16Array) => void {
  const sound = new Int16Array(frameSamples);
  let gain = 1;

  return (frame) => {
    sound.fill(0);
    const sounds = tones.mix(sound);
    if (!sounds && gain === 1) return;
    for (let index = 0; index < frameSamples; index++) {
      gain = sounds ? Math.max(ducked, gain - step) : Math.min(1, gain + step);
      frame[index] = (frame[index] ?? 0) * gain + (sound[index] ?? 0);
    }
  };
}
