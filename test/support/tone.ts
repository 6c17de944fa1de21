/** A voice that cannot be mistaken: a tone, and how much of what was heard is that tone. */
import { createWav } from "../../hal/audio/wav.ts";

/** So much of it at 48 kHz. It `swells` three times a second, as speech does: what is steady is an engine. */
export async function writeTone(
  path: string,
  hertz: number,
  { seconds = 10, swells = false }: { readonly seconds?: number; readonly swells?: boolean } = {},
): Promise<void> {
  const wav = await createWav(path);
  const phase = (2 * Math.PI * hertz) / 48_000;
  const swell = (2 * Math.PI * 3) / 48_000;
  const gain = (index: number): number => (swells ? 0.5 + 0.45 * Math.sin(swell * index) : 1);
  wav.write(Int16Array.from({ length: 48_000 * seconds }, (_, index) => 8_000 * gain(index) * Math.sin(phase * index)));
  await wav.close();
}

/**
 * The share of the loudest second's power that lies at that frequency, 0..1; at 48 kHz. Looked at in windows of so many ms: what is
 * shorter lets a tone go on after a cut, what is longer tells it better from speech.
 */
export function toneIn(samples: Int16Array, hertz: number, windowMs = 1_000): number {
  const [second, window] = [48_000, windowMs * 48];
  const phase = (2 * Math.PI * hertz) / 48_000;
  let most = 0;
  for (let at = 0; at + second <= samples.length; at += second) {
    let [tone, power] = [0, 1];
    for (let from = at; from + window <= at + second; from += window) {
      let [sine, cosine] = [0, 0];
      for (let index = from; index < from + window; index++) {
        const sample = samples[index] ?? 0;
        sine += sample * Math.sin(phase * index);
        cosine += sample * Math.cos(phase * index);
        power += sample * sample;
      }
      tone += (2 * (sine ** 2 + cosine ** 2)) / window;
    }
    most = Math.max(most, tone / power);
  }
  return most;
}
