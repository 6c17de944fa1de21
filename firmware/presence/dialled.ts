/** A talkgroup that a terminal calls by itself: its INVITE becomes a leg, as if it had been asked to come. */
import type { IncomingInvite } from "../sip/endpoint.ts";
import { ProtocolError } from "../sip/message.ts";
import { type Account, sameRights } from "./accounts.ts";
import { dialledLeg } from "./dialled-leg.ts";
import { holderIn, type Legs } from "./legs.ts";

export interface Dialled {
  /** Answers an INVITE that is authorised. Throws ProtocolError. */
  receive(invite: IncomingInvite, account: Account, talkgroup: string): void;
  /** Hangs up those of a user that the account allows no more, or otherwise than now; undefined: every one. */
  retain(user: string, account: Account | undefined): void;
  close(): void;
}

const mostOfAccount = 10;

export function dialledCalls(
  legs: Legs,
  /** The account's session with the talkgroup stands, or does no more. */
  onStanding: (user: string, talkgroup: string, change: 1 | -1) => void,
): Dialled {
  const ends = new Map<() => void, { readonly account: Account; readonly talkgroup: string }>();

  return {
    receive(invite, account, talkgroup) {
      const { user } = account;
      const open = [...ends.values()].filter((call) => call.account.user === user).length;
      if (open >= mostOfAccount) throw new ProtocolError(486, `${user} has ${open} calls`);
      const hangUp = dialledLeg(legs, invite, holderIn(account, talkgroup), talkgroup, {
        onStanding: (change) => onStanding(user, talkgroup, change),
        onOver: () => ends.delete(hangUp),
      });
      ends.set(hangUp, { account, talkgroup });
    },
    retain(user, account) {
      for (const [hangUp, call] of [...ends]) {
        if (call.account.user !== user) continue;
        if (!account?.talkgroups.has(call.talkgroup) || !sameRights(call.account, account, call.talkgroup)) hangUp();
      }
    },
    close() {
      for (const hangUp of [...ends.keys()]) hangUp();
    },
  };
}
