import type { SimulatedLoudspeaker } from "./simulated-loudspeaker.ts";
import { createWav } from "./wav.ts";

export interface Recording {
  /** Ends the recording now; resolves when the file is complete. */
  stop(): Promise<{ readonly samples: number }>;
}

/** Ten minutes at 48 kHz. */
const maxSamples = 28_800_000;

/** Records what a simulated loudspeaker plays from now on into a WAV file. */
export async function recordWav(loudspeaker: SimulatedLoudspeaker, path: string): Promise<Recording> {
  const file = await createWav(path);
  const cancel = loudspeaker.listen((block) => file.write(block));
  return {
    async stop() {
      cancel();
      return { samples: await file.close() };
    },
  };
}

/** Collects what a simulated loudspeaker plays from now on, ten minutes at most; `take` ends it. */
export function collectSamples(loudspeaker: SimulatedLoudspeaker): { take(): Int16Array } {
  const blocks: Int16Array[] = [];
  let length = 0;
  const cancel = loudspeaker.listen((block) => {
    if (length >= maxSamples) return;
    blocks.push(new Int16Array(block));
    length += block.length;
  });
  return {
    take() {
      cancel();
      const samples = new Int16Array(length);
      let at = 0;
      for (const block of blocks) {
        samples.set(block, at);
        at += block.length;
      }
      return samples;
    },
  };
}
