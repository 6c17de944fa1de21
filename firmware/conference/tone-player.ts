/**
 * Plays tones into the audio of one leg, a frame every 20 ms. While one sounds, speech has to wait outside: a leg's stream is one
 * source, and what is encoded cannot be mixed. Whatever plays in the stream is numbered on by it.
 */
import type { Cancel, Clock } from "../../hal/clock/port.ts";
import type { SourceNumbers } from "../media/rewriter.ts";
import type { ToneFrames } from "../media/tone-frames.ts";

export interface TonePlayer {
  sounding(): boolean;
  /** In place of one that sounds. `frameTicks`: 20 ms by the clock of the codec. */
  play(frames: ToneFrames, frameTicks: number): void;
  stop(): void;
}

const frameMs = 20;

export function tonePlayer(
  clock: Clock,
  handlers: {
    /** A tone begins or is over: what is sent next begins anew. */
    readonly onTurn: () => void;
    /** `frame` is shared, with room for a header; it is sent before anything else is. */
    readonly send: (frame: Uint8Array, numbers: SourceNumbers) => void;
  },
): TonePlayer {
  let next: Cancel | undefined;

  function stop(): void {
    next?.();
    next = undefined;
  }

  return {
    sounding: () => next !== undefined,
    play(frames, frameTicks) {
      stop();
      const numbers = { sequence: 0, timestamp: 0, marker: true };
      function step(): void {
        const frame = frames[numbers.sequence];
        if (!frame) {
          stop();
          return handlers.onTurn();
        }
        handlers.send(frame, numbers);
        numbers.sequence += 1;
        numbers.timestamp += frameTicks;
        numbers.marker = false;
      }
      next = clock.every(frameMs, step);
      handlers.onTurn();
      step();
    },
    stop,
  };
}
