export type Cancel = () => void;

/** Time as a port: the firmware never reads another clock, so that a whole gateway runs on a virtual one. */
export interface Clock {
  /** Monotonic time in ms with a fraction (CLOCK_MONOTONIC): comparable between the processes of one machine and with kernel edge timestamps. */
  now(): number;
  /** Unix time in ms. */
  wall(): number;
  /** Calls back once, `ms` from now or later. */
  after(ms: number, callback: () => void): Cancel;
  /** Calls back on the grid now + k * periodMs. A slot that was missed is skipped, never bunched: `skipped` counts them. */
  every(periodMs: number, callback: (skipped: number) => void): Cancel;
}
