/**
 * Numbers that a phone dials to say something of its user: answered with a short tone, and hung up. They count until they are taken
 * back, or the gateway starts anew.
 */
import type { Cancel, Clock } from "../../hal/clock/port.ts";
import type { Log } from "../log.ts";
import type { IncomingInvite } from "../sip/endpoint.ts";
import { ProtocolError } from "../sip/message.ts";
import type { Account } from "./accounts.ts";
import { dialledLeg } from "./dialled-leg.ts";
import { holderIn, type Legs } from "./legs.ts";
import type { Shown } from "./status.ts";

/** As PBXs have them: *78 and *79 turn do not disturb on and off. "*79" takes back each of the others as well. */
const codes: ReadonlyMap<string, Shown | undefined> = new Map([
  ["*76", { status: "busy" }],
  ["*77", { status: "listening-only" }],
  ["*78", { status: "do-not-disturb" }],
  ["*79", undefined],
]);

export interface FeatureCodes {
  isCode(number: string): boolean;
  /** Does what the code says, and answers. Throws ProtocolError for an INVITE whose offer cannot be read. */
  receive(code: string, account: Account, invite: IncomingInvite): void;
  close(): void;
}

const mostOpen = 100;
/** The tone is heard to its end, ms. */
const toneMs = 1_500;

export function featureCodes(
  ports: { readonly clock: Clock; readonly log: Log; readonly legs: Legs },
  choose: (user: string, shown: Shown | undefined) => void,
): FeatureCodes {
  const { clock, log, legs } = ports;
  const open = new Set<() => void>();

  return {
    isCode: (number) => codes.has(number),
    receive(code, account, invite) {
      if (open.size >= mostOpen) throw new ProtocolError(503, `${open.size} feature codes at once`);
      let timer: Cancel | undefined;
      const hangUp = dialledLeg(legs, invite, holderIn(account, code), undefined, {
        onStanding(change, leg) {
          if (change < 0) return;
          legs.tone(leg, "confirm");
          timer = clock.after(toneMs, hangUp);
        },
        onOver() {
          timer?.();
          open.delete(hangUp);
        },
      });
      open.add(hangUp);
      const { user } = account;
      const shown = codes.get(code);
      log.info({ event: "feature-code", user, code, status: shown?.status }, "status chosen by telephone");
      choose(user, shown);
    },
    close() {
      for (const hangUp of [...open]) hangUp();
    },
  };
}
