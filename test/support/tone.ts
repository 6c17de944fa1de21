/** A voice that cannot be mistaken: a tone, and how much of what was heard is that tone. */
import { createWav } from "../../hal/audio/wav.ts";

/** Ten seconds of it at 48 kHz. */
export async function writeTone(path: string, hertz: number): Promise<void> {
  const wav = await createWav(path);
  const phase = (2 * Math.PI * hertz) / 48_000;
  wav.write(Int16Array.from({ length: 480_000 }, (_, index) => 8_000 * Math.sin(phase * index)));
  await wav.close();
}

/** The share of the loudest second's power that lies at that frequency, 0..1; at 48 kHz. */
export function toneIn(samples: Int16Array, hertz: number): number {
  const second = 48_000;
  const phase = (2 * Math.PI * hertz) / 48_000;
  let most = 0;
  for (let at = 0; at + second <= samples.length; at += second) {
    let [sine, cosine, power] = [0, 0, 1];
    for (let index = 0; index < second; index++) {
      const sample = samples[at + index] ?? 0;
      sine += sample * Math.sin(phase * index);
      cosine += sample * Math.cos(phase * index);
      power += sample * sample;
    }
    most = Math.max(most, (2 * (sine ** 2 + cosine ** 2)) / (second * power));
  }
  return most;
}
