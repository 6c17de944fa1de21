/**
 * A board that exists in memory: a full driver inside, and outside the hands that press, the voice that speaks and
 * the ears that listen. It knows roles and lines; what a press means, it does not.
 */
import { type SimulatedLoudspeaker, type SimulatedMicrophone, simulatedAudio } from "../audio/simulated.ts";
import type { Cancel, Clock } from "../clock/port.ts";
import { DeviceError } from "../error.ts";
import type { LineOptions } from "../gpio/port.ts";
import { levelOf, type SimulatedPins, simulatedGpio } from "../gpio/simulated.ts";
import type { Random } from "../random/port.ts";
import type { BoardDescription } from "./description.ts";
import type { Board } from "./port.ts";

/** The outside of a simulated board, by roles. A role that the board lacks throws DeviceError. Times are monotonic ms. */
export interface SimulatedOutside {
  /** Brings an input to its active level; returns when the first edge was. */
  press(role: string, options?: { readonly bounce?: boolean }): number;
  release(role: string, options?: { readonly bounce?: boolean }): number;
  /** Whether an input or output is active now. */
  active(role: string): boolean;
  /** Tells every edge of an input. */
  onInput(listener: (role: string, active: boolean, at: number) => void): Cancel;
  /** Tells every change of an output. */
  onOutput(listener: (role: string, active: boolean, at: number) => void): Cancel;
  readonly pins: SimulatedPins;
  readonly microphone: SimulatedMicrophone;
  readonly loudspeaker: SimulatedLoudspeaker;
}

type RoleListener = (role: string, active: boolean, at: number) => void;

export function simulatedBoard(
  description: BoardDescription,
  ports: { readonly clock: Clock; readonly random: Random },
): { readonly board: Board; readonly outside: SimulatedOutside } {
  const { clock, random } = ports;
  const inputs = new Map<string, LineOptions>(Object.entries(description.inputs));
  const outputs = new Map<string, LineOptions>(Object.entries(description.outputs));
  const { gpio, pins } = simulatedGpio({ clock, random, lines: description.gpio.lines });
  const audio = simulatedAudio({
    clock,
    driftPpm: {
      microphone: description.audio.microphone.driftPpm,
      loudspeaker: description.audio.loudspeaker.driftPpm,
    },
  });

  function lineOf(roles: Map<string, LineOptions>, kind: string, role: string): LineOptions {
    const line = roles.get(role);
    if (line) return line;
    const known = [...roles.keys()].join(", ");
    throw new DeviceError(
      `board ${description.name}`,
      "ENOENT",
      `it has no ${kind} "${role}", only ${known || "none"}`,
    );
  }

  function change(role: string, pressed: boolean, bounce: boolean): number {
    const line = lineOf(inputs, "input", role);
    const level = levelOf(line, pressed);
    return bounce ? pins.bounce(line.line, level) : pins.drive(line.line, level);
  }

  function isActive(role: string): boolean {
    const line = inputs.get(role) ?? lineOf(outputs, "input or output", role);
    return pins.level(line.line) === levelOf(line, true);
  }

  function watch(roles: Map<string, LineOptions>, listener: RoleListener): Cancel {
    const cancels = [...roles].map(([role, line]) =>
      pins.onChange(line.line, (level, at) => listener(role, level === levelOf(line, true), at)),
    );
    return () => cancels.forEach((cancel) => cancel());
  }

  // Nobody leans on a button or shines a lamp before the board is opened.
  for (const line of [...inputs.values(), ...outputs.values()]) pins.drive(line.line, levelOf(line, false));

  return {
    board: {
      name: description.name,
      inputs: [...inputs.keys()],
      outputs: [...outputs.keys()],
      input: (role, onEdge) => gpio.input(lineOf(inputs, "input", role), onEdge),
      output: (role) => gpio.output(lineOf(outputs, "output", role)),
      microphone: audio.microphone,
      loudspeaker: audio.loudspeaker,
      async close() {
        gpio.close();
        audio.microphone.close();
        audio.loudspeaker.close();
      },
    },
    outside: {
      press: (role, { bounce = false } = {}) => change(role, true, bounce),
      release: (role, { bounce = false } = {}) => change(role, false, bounce),
      active: isActive,
      onInput: (listener) => watch(inputs, listener),
      onOutput: (listener) => watch(outputs, listener),
      pins,
      ...audio.outside,
    },
  };
}
