/** Samples a second at the audio port, mono, signed 16 bit. */
export const sampleRate = 48_000;
/** Samples in a frame of 20 ms. */
export const frameSamples = 960;
export const frameMs = 20;

/** A device tells when it is unplugged ("lost") and when it is back ("present"). */
export type AudioStatus = "present" | "lost";

export interface Microphone {
  /** Delivers one frame every 20 ms of device time. `at`: monotonic ms when its first sample was captured. The frame is the driver's; copy what you keep. */
  start(deliver: (frame: Int16Array, at: number) => void, onStatus?: (status: AudioStatus) => void): void;
  close(): void;
}

export interface Loudspeaker {
  /**
   * Pulls one frame at a time, ahead of its need; `fill` writes all samples (silence too).
   * `at`: monotonic ms when the frame's first sample leaves the loudspeaker.
   */
  start(fill: (frame: Int16Array, at: number) => void, onStatus?: (status: AudioStatus) => void): void;
  close(): void;
}
