import type { Loudspeaker, Microphone } from "../audio/port.ts";
import type { Edge, InputLine, OutputLine } from "../gpio/port.ts";

/** A board as the firmware sees it: roles, never pins. What a board does not have is absent. */
export interface Board {
  readonly name: string;
  /** Roles of this board's inputs ("ptt", "emergency", "replay", "do-not-disturb") and outputs ("transmit-lamp", "ready-lamp", "call-lamp", …). */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Opens the input of a role. Throws DeviceError when the board has none of that role. */
  input(role: string, onEdge: (edge: Edge) => void): InputLine;
  output(role: string): OutputLine;
  readonly microphone: Microphone;
  readonly loudspeaker: Loudspeaker;
  /** Drives every output inactive and closes every device. */
  close(): Promise<void>;
}
