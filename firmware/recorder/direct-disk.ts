import type { Clock } from "../../hal/clock/port.ts";
import type { Random } from "../../hal/random/port.ts";
import { openKeeper } from "./keeper.ts";
import type { DiskLauncher } from "./keeping.ts";

/** A disk beside its caller, that is as quick as a thread can be: what comes of anything is told a moment later. */
export const directDisk =
  (ports: { readonly clock: Clock; readonly random: Random }): DiskLauncher =>
  (limits, { onOutcome, onAnswer }) => {
    const keeper = openKeeper(ports, limits);
    let closed = false;
    const later = (tell: () => void): void => {
      ports.clock.after(0, () => {
        if (!closed) tell();
      });
    };

    return {
      write(pieces) {
        const outcome = keeper.write(pieces);
        later(() => onOutcome(outcome));
      },
      ask(number, question) {
        const answer = keeper.answer(question);
        later(() => onAnswer(number, answer));
      },
      async close() {
        keeper.close();
        closed = true;
      },
    };
  };
