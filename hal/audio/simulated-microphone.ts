import type { Cancel, Clock } from "../clock/port.ts";
import { deviceClock } from "./device-clock.ts";
import { type AudioStatus, frameSamples, type Microphone } from "./port.ts";

/** The outside of a simulated microphone: what is said before it, and what befalls it. */
export interface SimulatedMicrophone {
  /** The samples sound from the next sample on, instead of what sounds now. Returns when that is (monotonic ms). */
  hear(samples: Int16Array): number;
  /** Silence from the next sample on. */
  hush(): number;
  /** What was to be heard has run out; `at` is when its last sample ended. */
  onRunOut(listener: (at: number) => void): Cancel;
  setDrift(ppm: number): void;
  unplug(): void;
  plug(): void;
  /** Frames lost because the program took them more than 200 ms late. */
  overrunFrames(): number;
}

/** Frames that wait for a late program: 200 ms. */
const ringFrames = 10;

interface Sound {
  readonly from: number;
  readonly samples: Int16Array;
  to: number;
}

export function simulatedMicrophone(options: { readonly clock: Clock; readonly driftPpm?: number }): {
  readonly microphone: Microphone;
  readonly outside: SimulatedMicrophone;
} {
  const { clock } = options;
  const device = deviceClock(clock, options.driftPpm ?? 0);
  const frame = new Int16Array(frameSamples);
  const runOutListeners = new Set<(at: number) => void>();
  /** In order of time, without overlap. */
  let sounds: Sound[] = [];
  let plugged = true;
  let overruns = 0;
  /** The next sample to deliver. */
  let next = 0;
  let user: { deliver: (frame: Int16Array, at: number) => void; onStatus: (status: AudioStatus) => void } | undefined;
  let stopTimer: Cancel = () => {};
  let stopRunOut: Cancel = () => {};

  function restart(): void {
    stopTimer();
    next = device.samples();
    if (user && plugged) arm();
  }

  function arm(): void {
    stopTimer = clock.after(device.timeOf(next + frameSamples) - clock.now(), capture);
  }

  function capture(): void {
    const waiting = Math.floor((device.samples() - next) / frameSamples);
    const lost = Math.max(0, waiting - ringFrames);
    overruns += lost;
    next += lost * frameSamples;
    const end = next + (waiting - lost) * frameSamples;
    while (next < end && user && plugged) {
      const first = next;
      next += frameSamples;
      render(first);
      user.deliver(frame, device.timeOf(first));
    }
    stopTimer();
    if (user && plugged) arm();
  }

  function render(first: number): void {
    frame.fill(0);
    for (const sound of sounds) {
      const from = Math.max(first, sound.from);
      const to = Math.min(first + frameSamples, sound.to);
      if (from < to) frame.set(sound.samples.subarray(from - sound.from, to - sound.from), from - first);
    }
    sounds = sounds.filter((sound) => sound.to > next);
  }

  function hush(): number {
    stopRunOut();
    const now = Math.ceil(device.position());
    // Without a user nothing is rendered, and what sounded is gone.
    if (!user) sounds = [];
    for (const sound of sounds) sound.to = Math.min(sound.to, now);
    return now;
  }

  return {
    microphone: {
      start(deliver, onStatus = () => {}) {
        user = { deliver, onStatus };
        restart();
        if (!plugged) onStatus("lost");
      },
      close() {
        user = undefined;
        stopTimer();
        stopRunOut();
      },
    },
    outside: {
      hear(samples) {
        const from = hush();
        const to = from + samples.length;
        sounds.push({ from, samples, to });
        stopRunOut = clock.after(device.timeOf(to) - clock.now(), () => {
          const at = device.timeOf(to);
          runOutListeners.forEach((listener) => listener(at));
        });
        return device.timeOf(from);
      },
      hush: () => device.timeOf(hush()),
      onRunOut(listener) {
        runOutListeners.add(listener);
        return () => runOutListeners.delete(listener);
      },
      setDrift(ppm) {
        device.setDrift(ppm);
        stopTimer();
        if (user && plugged) arm();
      },
      unplug() {
        if (!plugged) return;
        plugged = false;
        stopTimer();
        user?.onStatus("lost");
      },
      plug() {
        if (plugged) return;
        plugged = true;
        restart();
        user?.onStatus("present");
      },
      overrunFrames: () => overruns,
    },
  };
}
