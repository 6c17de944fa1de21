import { openConference } from "../../firmware/conference/conference.ts";
import type { ConferenceLauncher } from "../../firmware/conference/link.ts";
import type { Clock } from "../../hal/clock/port.ts";
import type { Network } from "../../hal/network/port.ts";
import type { Opus } from "../../hal/opus/port.ts";
import type { Random } from "../../hal/random/port.ts";
import type { Srtp } from "../../hal/srtp/port.ts";

/** A conference server beside its caller, behind the same copying, asynchronous boundary as a worker thread. */
export function launchBeside(ports: {
  clock: Clock;
  network: Network;
  random: Random;
  opus: Opus;
  srtp: Srtp;
}): ConferenceLauncher {
  return async (options, onEvent) => {
    const conference = openConference(ports, options, (event) => {
      const copy = structuredClone(event);
      ports.clock.after(0, () => onEvent(copy));
    });
    let closed = false;
    return {
      send(command) {
        const copy = structuredClone(command);
        ports.clock.after(0, () => {
          if (!closed) conference.receive(copy);
        });
      },
      // Its timers are those of the whole test.
      held: async () => ({ ...conference.held(), timers: 0 }),
      async close() {
        closed = true;
        conference.close();
        // Its last words are heard, as those of a thread are.
        await new Promise<void>((heard) => ports.clock.after(0, heard));
      },
    };
  };
}
