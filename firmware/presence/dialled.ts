/** A talkgroup that a terminal calls by itself: its INVITE becomes a leg, as if it had been asked to come. */
import type { IncomingInvite, Session } from "../sip/endpoint.ts";
import { ProtocolError } from "../sip/message.ts";
import { type Account, sameRights } from "./accounts.ts";
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

  function receive(invite: IncomingInvite, account: Account, talkgroup: string): void {
    const offer = invite.offer();
    const open = [...ends.values()].filter((call) => call.account.user === account.user).length;
    if (open >= mostOfAccount) throw new ProtocolError(486, `${account.user} has ${open} calls`);
    let session: Session | undefined;
    let standing = false;

    /** However it ends; nothing is heard of the leg from here on. */
    function over(): void {
      ends.delete(hangUp);
      legs.release(leg);
      if (standing) onStanding(account.user, talkgroup, -1);
    }
    function hangUp(): void {
      over();
      if (session) session.end();
      else invite.respond(480);
    }

    const leg = legs.provision(
      holderIn(account, talkgroup),
      talkgroup,
      {
        offer() {},
        answer(sdp) {
          const handlers = { onConfirmed() {}, onEnd: over, ...legs.inSession(leg) };
          session = invite.accept({ type: "application/sdp", content: sdp }, handlers);
        },
        ready() {
          standing = true;
          onStanding(account.user, talkgroup, 1);
        },
        refused(status) {
          over();
          if (session) session.end();
          else invite.respond(status);
        },
        lost: hangUp,
      },
      offer,
    );
    ends.set(hangUp, { account, talkgroup });
    invite.onCancel = over;
  }

  return {
    receive,
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
