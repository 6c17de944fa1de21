/** Those whom a dispatcher called into a talkgroup: each is there until they hang up. It decides nothing about who may be called. */
import { ProtocolError } from "../sip/message.ts";
import type { Refusal } from "./call-machine.ts";
import type { CallOutcome } from "./calls.ts";
import type { OpenParty, Party } from "./party.ts";

export interface Guests {
  /** Throws ProtocolError 503: there are too many. `outcome`: of the first who comes, or of all who do not. */
  call(talkgroup: string, guests: readonly OpenParty[], outcome: CallOutcome): void;
  close(): void;
}

const most = 200;

export function guestsOf(): Guests {
  const parties = new Set<Party>();

  return {
    call(talkgroup, guests, outcome) {
      if (parties.size + guests.length > most) throw new ProtocolError(503, `${parties.size} guests of talkgroups`);
      let asked = guests.length;
      let stands = false;
      for (const enter of guests) {
        const party = enter(talkgroup, {
          ringing: outcome.ringing,
          there() {
            if (!stands) outcome.stands();
            stands = true;
          },
          gone(refusal: Refusal = { status: 480 }) {
            parties.delete(party);
            asked -= 1;
            if (asked === 0 && !stands) outcome.refused(refusal);
          },
        });
        parties.add(party);
      }
    },
    close() {
      for (const party of parties) party.end({ status: 480 });
      parties.clear();
    },
  };
}
