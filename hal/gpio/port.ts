/** One level change of an input line, after the driver's active-low translation. */
export interface Edge {
  readonly active: boolean;
  /** Monotonic ms at the edge itself (kernel timestamp where there is one). */
  readonly at: number;
}

export interface InputLine {
  active(): boolean;
  close(): void;
}

export interface OutputLine {
  set(active: boolean): void;
  /** Drives the line inactive, then lets it go. */
  close(): void;
}

export interface LineOptions {
  /** The line's name ("GPIO17") or "chip-label:offset"; never a global number. */
  readonly line: string;
  readonly activeLow: boolean;
  readonly bias: "pull-up" | "pull-down" | "none";
}

/** GPIO lines as a port. Opening fails with DeviceError (ENOENT, EBUSY, EACCES). */
export interface Gpio {
  input(options: LineOptions, onEdge: (edge: Edge) => void): InputLine;
  /** The line starts inactive. */
  output(options: LineOptions): OutputLine;
  close(): void;
}
