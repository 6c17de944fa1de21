/** What a telephone sends that nobody presses a key of: a room, and now and then a voice, frame by frame. */
import { type CodecName, openEncoder, sampleRates } from "../../../firmware/media/codec.ts";
import type { VirtualClock } from "../../../hal/clock/virtual.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import type { Terminal } from "../../support/terminal.ts";
import { seeded } from "../media/signals.ts";
import { saidIn } from "./sound.ts";

const opus = await loadOpus();

export interface Mouth {
  /** So many ms of a quiet room. */
  hush(ms: number): Promise<void>;
  /** So many ms of speech, 1,200 at most; `gain` of its loudness. The frames that were sent. */
  speak(ms: number, gain?: number): Promise<void>;
  /** Of this sound, in frames of 20 ms. */
  sound(samples: Int16Array): Promise<void>;
  /** When the last speech began, ms. */
  spokeAt(): number;
}

export async function mouth(clock: VirtualClock, terminal: Terminal, codec: CodecName): Promise<Mouth> {
  const encoder = await openEncoder(opus, codec, 24_000);
  const fraction = seeded(11);
  const frame = sampleRates[codec] / 50;
  let spokeAt = 0;

  async function sound(samples: Int16Array): Promise<void> {
    for (let at = 0; at + frame <= samples.length; at += frame) {
      // -65 dBFS.
      const room = samples.subarray(at, at + frame).map((sample) => sample + 32 * (2 * fraction() - 1));
      terminal.speak(encoder.encode(room).slice());
      await clock.advance(20);
    }
  }

  return {
    sound,
    hush: (ms) => sound(new Int16Array((ms / 20) * frame)),
    speak(ms, gain = 1) {
      spokeAt = clock.now();
      const said = saidIn(codec).subarray(0, (ms / 20) * frame);
      return sound(said.map((sample) => sample * gain));
    },
    spokeAt: () => spokeAt,
  };
}
