/**
 * GPIO lines without a chip: the inside is the port, the outside is what is soldered to the lines.
 * It decides levels; what a line is for, it does not know.
 */
import type { Cancel, Clock } from "../clock/port.ts";
import { DeviceError } from "../error.ts";
import type { Random } from "../random/port.ts";
import type { Edge, Gpio, LineOptions } from "./port.ts";

export type Level = "low" | "high";

/** The outside of the lines. Naming a line that the chip lacks is a bug of the caller and throws. */
export interface SimulatedPins {
  /** Connects a line to ground or supply, or lets it float to its bias ("open"). Returns the time of it. */
  drive(line: string, level: Level | "open"): number;
  /** As `drive`, through a contact that bounces: an odd number of level changes within `ms`, the last to `level`. Returns the time of the first. */
  bounce(line: string, level: Level | "open", contact?: { readonly edges?: number; readonly ms?: number }): number;
  level(line: string): Level;
  /** Tells each change of a line's level, whoever caused it. */
  onChange(line: string, listener: (level: Level, at: number) => void): Cancel;
}

interface Line {
  level: Level;
  outside: Level | "open";
  user: { readonly options: LineOptions; readonly onEdge: ((edge: Edge) => void) | undefined } | undefined;
  stopBounce: Cancel;
  readonly listeners: Set<(level: Level, at: number) => void>;
}

export function simulatedGpio(options: {
  readonly clock: Clock;
  readonly random: Random;
  /** The names of the chip's lines. */
  readonly lines: readonly string[];
}): { readonly gpio: Gpio; readonly pins: SimulatedPins } {
  const { clock, random } = options;
  const lines = new Map(options.lines.map((name) => [name, unused()]));

  function claim(wanted: LineOptions, onEdge?: (edge: Edge) => void): Line {
    const device = `gpio line ${wanted.line}`;
    const line = lines.get(wanted.line);
    if (!line) throw new DeviceError(device, "ENOENT", "the chip has no line of this name; correct the board file");
    if (line.user)
      throw new DeviceError(device, "EBUSY", "the line is in use already; give each role a line of its own");
    line.user = { options: wanted, onEdge };
    return line;
  }

  function find(name: string): Line {
    const line = lines.get(name);
    if (!line) throw new RangeError(`the simulated chip has no line "${name}"`);
    return line;
  }

  function setLevel(line: Line, level: Level): void {
    if (line.level === level) return;
    line.level = level;
    const at = clock.now();
    line.listeners.forEach((listener) => listener(level, at));
    line.user?.onEdge?.({ active: isActive(line.user.options, level), at });
  }

  function settleInput(line: Line): void {
    setLevel(line, line.outside === "open" ? biased(line) : line.outside);
  }

  function connect(line: Line, level: Level | "open"): void {
    line.outside = level;
    // What is soldered to an output does not win against it.
    if (!line.user || line.user.onEdge) settleInput(line);
  }

  const gpio: Gpio = {
    input(wanted, onEdge) {
      const line = claim(wanted);
      // The level that the bias brings about is no edge yet.
      settleInput(line);
      line.user = { options: wanted, onEdge };
      return {
        active: () => isActive(wanted, line.level),
        close: () => {
          line.user = undefined;
        },
      };
    },
    output(wanted) {
      const line = claim(wanted);
      const set = (active: boolean): void => setLevel(line, levelOf(wanted, active));
      set(false);
      let open = true;
      return {
        set: (active) => {
          if (open) set(active);
        },
        close: () => {
          if (!open) return;
          set(false);
          open = false;
          line.user = undefined;
        },
      };
    },
    close() {
      for (const line of lines.values()) {
        line.stopBounce();
        if (line.user && !line.user.onEdge) setLevel(line, levelOf(line.user.options, false));
        line.user = undefined;
      }
    },
  };

  const pins: SimulatedPins = {
    drive(name, level) {
      const line = find(name);
      line.stopBounce();
      connect(line, level);
      return clock.now();
    },
    bounce(name, level, { edges = 7, ms = 5 } = {}) {
      const line = find(name);
      line.stopBounce();
      const before = line.outside;
      // The first change comes now; the others in pairs, away and back.
      const later = 2 * Math.floor(Math.max(0, edges - 1) / 2);
      const times = Array.from({ length: later }, () => random.fraction() * ms).sort((a, b) => a - b);
      const start = clock.now();
      // One after the other: timers of the same millisecond may swap, and the last word must be `level`.
      const next = (index: number): void => {
        const time = times[index];
        if (time === undefined) return;
        line.stopBounce = clock.after(start + time - clock.now(), () => {
          connect(line, index % 2 === 0 ? before : level);
          next(index + 1);
        });
      };
      connect(line, level);
      next(0);
      return start;
    },
    level: (name) => find(name).level,
    onChange(name, listener) {
      const { listeners } = find(name);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };

  return { gpio, pins };
}

function unused(): Line {
  return { level: "low", outside: "open", user: undefined, stopBounce() {}, listeners: new Set() };
}

function biased(line: Line): Level {
  switch (line.user?.options.bias) {
    case "pull-up":
      return "high";
    case "pull-down":
      return "low";
    default:
      // A floating line keeps what charge it has.
      return line.level;
  }
}

export function levelOf(options: Pick<LineOptions, "activeLow">, active: boolean): Level {
  return active === options.activeLow ? "low" : "high";
}

function isActive(options: LineOptions, level: Level): boolean {
  return (level === "low") === options.activeLow;
}
