/** Those whom a dispatcher called into a talkgroup: each is there until they hang up. It decides nothing about who may be called. */
import { ProtocolError } from "../sip/message.ts";
import { type Account, sameRights } from "./accounts.ts";
import type { Refusal } from "./call-machine.ts";
import type { CallOutcome } from "./calls.ts";
import type { OpenParty, Party } from "./party.ts";

export interface Guest {
  /** Absent: somebody outside. */
  readonly account?: Account;
  readonly enter: OpenParty;
}

export interface Guests {
  /** Throws ProtocolError 503: there are too many. `outcome`: of the first who comes, or of all who do not. */
  call(talkgroup: string, guests: readonly Guest[], outcome: CallOutcome): void;
  /** The user is called there, or is there. */
  has(user: string, talkgroup: string): boolean;
  /** Ends those of a user that the account allows no more, or otherwise than now; undefined: every one. */
  retain(user: string, account: Account | undefined): void;
  close(): void;
}

const most = 200;

export function guestsOf(): Guests {
  const parties = new Map<
    Party,
    { readonly account?: Account; readonly talkgroup: string; readonly end: () => void }
  >();

  return {
    call(talkgroup, guests, outcome) {
      if (parties.size + guests.length > most) throw new ProtocolError(503, `${parties.size} guests of talkgroups`);
      let asked = guests.length;
      let stands = false;
      function gone(party: Party, refusal: Refusal = { status: 480 }): void {
        if (!parties.delete(party)) return;
        asked -= 1;
        if (asked === 0 && !stands) outcome.refused(refusal);
      }
      for (const { account, enter } of guests) {
        const party = enter(talkgroup, {
          ringing: outcome.ringing,
          there() {
            if (!stands) outcome.stands();
            stands = true;
          },
          gone: (refusal) => gone(party, refusal),
        });
        const end = (): void => {
          party.end({ status: 480 });
          gone(party);
        };
        parties.set(party, { ...(account && { account }), talkgroup, end });
      }
    },
    has: (user, talkgroup) =>
      [...parties.values()].some((guest) => guest.account?.user === user && guest.talkgroup === talkgroup),
    retain(user, account) {
      for (const { account: before, talkgroup, end } of [...parties.values()]) {
        if (before?.user !== user) continue;
        if (!account?.talkgroups.has(talkgroup) || !sameRights(before, account, talkgroup)) end();
      }
    },
    close() {
      for (const { end } of [...parties.values()]) end();
    },
  };
}
