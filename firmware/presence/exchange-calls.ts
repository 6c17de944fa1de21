/** Calls that exchanges bring to talkgroups: each caller is a member there, by their own address, until somebody hangs up. */
import type { IncomingInvite } from "../sip/endpoint.ts";
import { dialledLeg } from "./dialled-leg.ts";
import type { ExchangeCall } from "./exchanges.ts";
import type { Legs } from "./legs.ts";

export interface ExchangeCalls {
  /** Answers an INVITE that was admitted. Throws ProtocolError for one without an offer. */
  receive(invite: IncomingInvite, call: ExchangeCall): void;
  close(): void;
}

export function exchangeCalls(
  legs: Legs,
  /** The caller is in the talkgroup, or is no more. */
  onStanding: (aor: string, talkgroup: string, change: 1 | -1) => void,
): ExchangeCalls {
  const ends = new Set<() => void>();

  return {
    receive(invite, { caller, target, seize }) {
      let giveBack = (): void => {};
      const hangUp = dialledLeg(legs, invite, caller, target, {
        onStanding: (change) => onStanding(caller.aor, target, change),
        onOver() {
          ends.delete(hangUp);
          giveBack();
        },
      });
      ends.add(hangUp);
      giveBack = seize();
    },
    close() {
      for (const hangUp of [...ends]) hangUp();
    },
  };
}
