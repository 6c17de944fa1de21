import type { Cancel, Clock } from "../clock/port.ts";
import { deviceClock } from "./device-clock.ts";
import { type AudioStatus, frameSamples, type Loudspeaker } from "./port.ts";
import { soundDetector } from "./sound-detector.ts";

/** The outside of a simulated loudspeaker: what comes out of it, and what befalls it. */
export interface SimulatedLoudspeaker {
  /** Every sample from the next on, as it sounds; silence where nothing plays. The block is the device's; copy what you keep. */
  listen(listener: (block: Int16Array, at: number) => void): Cancel;
  /** Sound begins after at least 200 ms of silence. */
  onSound(listener: (at: number) => void): Cancel;
  /** It has been silent for 200 ms; `at` is when the silence began. */
  onQuiet(listener: (at: number) => void): Cancel;
  /** Brings listeners up to now. */
  sync(): void;
  setDrift(ppm: number): void;
  unplug(): void;
  plug(): void;
  /** Times that the program was too late with a frame. */
  underruns(): number;
}

/** Frames kept ahead of the sound, at most. */
const aheadFrames = 2;

export function simulatedLoudspeaker(options: { readonly clock: Clock; readonly driftPpm?: number }): {
  readonly loudspeaker: Loudspeaker;
  readonly outside: SimulatedLoudspeaker;
} {
  const { clock } = options;
  const device = deviceClock(clock, options.driftPpm ?? 0);
  const detector = soundDetector((sample) => device.timeOf(sample));
  const listeners = new Set<(block: Int16Array, at: number) => void>();
  const frames = Array.from({ length: aheadFrames }, () => new Int16Array(frameSamples));
  const silence = new Int16Array(frameSamples);
  /** Where the frames that wait begin, oldest first; a frame's buffer is its place among all frames modulo `aheadFrames`. */
  const queue: { readonly from: number; readonly samples: Int16Array }[] = [];
  let filled = 0;
  /** The sample after the last one that waits. */
  let written = 0;
  /** The sample after the last one that sounded. */
  let sounded = 0;
  let plugged = true;
  let underruns = 0;
  let user: { fill: (frame: Int16Array, at: number) => void; onStatus: (status: AudioStatus) => void } | undefined;
  let stopTimer: Cancel = () => {};

  function restart(): void {
    sync();
    queue.length = 0;
    written = sounded;
    if (user) refill();
  }

  function refill(): void {
    stopTimer();
    sync();
    if (plugged && written < sounded) underruns++;
    written = Math.max(written, sounded);
    while (user && plugged && written - sounded <= (aheadFrames - 1) * frameSamples) fill(user.fill);
    stopTimer();
    if (user) arm();
  }

  function fill(program: (frame: Int16Array, at: number) => void): void {
    const samples = frames[filled++ % aheadFrames] ?? new Int16Array(frameSamples);
    const from = written;
    written += frameSamples;
    program(samples, device.timeOf(from));
    queue.push({ from, samples });
  }

  function arm(): void {
    // Unplugged, it only keeps its listeners up to date.
    const next = plugged ? written - (aheadFrames - 1) * frameSamples : sounded + frameSamples;
    stopTimer = clock.after(device.timeOf(next) - clock.now(), refill);
  }

  function sync(): void {
    const now = device.samples();
    for (let frame = queue[0]; frame && sounded < now; frame = queue[0]) {
      quiet(Math.min(now, frame.from));
      const to = Math.min(now, frame.from + frameSamples);
      if (sounded < to) emit(frame.samples.subarray(sounded - frame.from, to - frame.from));
      if (to < frame.from + frameSamples) return;
      queue.shift();
    }
    quiet(now);
  }

  function quiet(until: number): void {
    while (sounded < until) emit(silence.subarray(0, Math.min(frameSamples, until - sounded)));
  }

  function emit(block: Int16Array): void {
    const from = sounded;
    sounded += block.length;
    const at = device.timeOf(from);
    listeners.forEach((listener) => listener(block, at));
    detector.hear(block, from);
  }

  return {
    loudspeaker: {
      start(fill, onStatus = () => {}) {
        user = { fill, onStatus };
        restart();
        if (!plugged) onStatus("lost");
      },
      close() {
        user = undefined;
        restart();
        stopTimer();
      },
    },
    outside: {
      listen(listener) {
        sync();
        listeners.add(listener);
        return () => {
          sync();
          listeners.delete(listener);
        };
      },
      onSound: detector.onSound,
      onQuiet: detector.onQuiet,
      sync,
      setDrift(ppm) {
        sync();
        device.setDrift(ppm);
        stopTimer();
        if (user) arm();
      },
      unplug() {
        if (!plugged) return;
        plugged = false;
        restart();
        user?.onStatus("lost");
      },
      plug() {
        if (plugged) return;
        plugged = true;
        restart();
        user?.onStatus("present");
      },
      underruns: () => underruns,
    },
  };
}
