/**
 * Picks the drivers of a board: with speech.ts the one place that knows which file drives what.
 * It does not know what the board is used for.
 */
import type { BoardDescription } from "./board/description.ts";
import type { Board } from "./board/port.ts";
import { type SimulatedOutside, simulatedBoard } from "./board/simulated.ts";
import type { Clock } from "./clock/port.ts";
import type { Random } from "./random/port.ts";

/** Opens a board. `outside` comes with a board that is simulated. Rejects with DeviceError when a device is not to be had. */
export async function openBoard(
  description: BoardDescription,
  ports: { readonly clock: Clock; readonly random: Random },
): Promise<{ readonly board: Board; readonly outside?: SimulatedOutside }> {
  switch (description.driver) {
    case "simulated":
      return simulatedBoard(description, ports);
  }
}
