/**
 * A sound card without hardware, paced by the injected clock through a crystal of its own. The inside is the port;
 * the outside is the air before the microphone and the loudspeaker. It buffers as a sound card does, no more.
 */
import type { Clock } from "../clock/port.ts";
import type { Loudspeaker, Microphone } from "./port.ts";
import { type SimulatedLoudspeaker, simulatedLoudspeaker } from "./simulated-loudspeaker.ts";
import { type SimulatedMicrophone, simulatedMicrophone } from "./simulated-microphone.ts";

export type { SimulatedLoudspeaker } from "./simulated-loudspeaker.ts";
export type { SimulatedMicrophone } from "./simulated-microphone.ts";

export interface SimulatedAudio {
  readonly microphone: Microphone;
  readonly loudspeaker: Loudspeaker;
  readonly outside: { readonly microphone: SimulatedMicrophone; readonly loudspeaker: SimulatedLoudspeaker };
}

/** `driftPpm`: how fast each device runs, in parts per million over the clock. */
export function simulatedAudio(options: {
  readonly clock: Clock;
  readonly driftPpm?: { readonly microphone: number; readonly loudspeaker: number };
}): SimulatedAudio {
  const { clock, driftPpm } = options;
  const capture = simulatedMicrophone({ clock, driftPpm: driftPpm?.microphone ?? 0 });
  const playback = simulatedLoudspeaker({ clock, driftPpm: driftPpm?.loudspeaker ?? 0 });
  return {
    microphone: capture.microphone,
    loudspeaker: playback.loudspeaker,
    outside: { microphone: capture.outside, loudspeaker: playback.outside },
  };
}
