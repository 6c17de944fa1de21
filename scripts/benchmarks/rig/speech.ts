/** What a speaker of a benchmark says: frames of real speech in Opus, over and over, on time. */
import { join } from "node:path";
import { frameSamples } from "../../../hal/audio/port.ts";
import { readWav } from "../../../hal/audio/wav.ts";
import { monotonicClock } from "../../../hal/clock/monotonic.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";

const clock = monotonicClock();
export const frameMs = 20;
/** 60 bytes a frame. */
const bitrate = 24_000;
const file = join(import.meta.dirname, "../../speech/north.wav");

export async function speechFrames(): Promise<readonly Uint8Array[]> {
  const samples = await readWav(file);
  const encoder = await (await loadOpus()).encoder({ bitrate });
  const frames: Uint8Array[] = [];
  for (let at = 0; at + frameSamples <= samples.length; at += frameSamples)
    frames.push(encoder.encode(samples.subarray(at, at + frameSamples)).slice());
  encoder.close();
  return frames;
}

/** Hands each frame to `send` when its time has come, until `over`. Resolves with how many there were. */
export function speak(
  frames: readonly Uint8Array[],
  seconds: number,
  send: (frame: Uint8Array) => void,
  over: () => boolean = () => false,
): Promise<number> {
  const total = Math.round((seconds * 1_000) / frameMs);
  let sent = 0;
  return new Promise((resolve) => {
    const cancel = clock.every(frameMs, (skipped) => {
      // What this process was late for is still said: the count is what matters.
      for (let due = Math.min(skipped + 1, total - sent); due > 0; due--) {
        send(frames[sent % frames.length] ?? new Uint8Array(1));
        sent += 1;
      }
      if (sent < total && !over()) return;
      cancel();
      resolve(sent);
    });
  });
}
