import type { Flow } from "../sip/endpoint.ts";
import { parseUri } from "../sip/uri.ts";
import { type Account, sameRights } from "./accounts.ts";
import type { Loan, SessionPlace, StandingSession } from "./session.ts";

/** The sessions that this gateway keeps up: one for a terminal and talkgroup, however many reasons there are for it. */
export interface Sessions {
  /** Opens the session unless it is there. */
  hold(place: SessionPlace): Reason;
  /** A terminal has registered: `fresh` when it may have started anew, and know nothing of what stood. */
  registered(user: string, terminal: string, flow: Flow, fresh: boolean): void;
  /** A connection is gone, and with it the way to whoever was reached by it. */
  cut(connection: Flow): void;
  /** Lends the leg of a session that the user has with a service and that is not lent; undefined: there is none. */
  lend(user: string, service: string, call: string, caller: string, onGone: () => void): Loan | undefined;
  /** Whether a session of the user is the dialog of this Call-ID. */
  has(user: string, callId: string): boolean;
  /** The account has other rights now: sessions that stand with others are set up anew. Those it may not have are given up by their reasons. */
  changed(account: Account): void;
  close(): void;
}

/** Why a session is kept up. */
export interface Reason {
  /** The terminal is reached by this flow from now on. */
  move(flow: Flow): void;
  /** The session ends with its last reason. Called once. */
  giveUp(): void;
}

interface Held {
  place: SessionPlace;
  session: StandingSession;
  readonly reasons: Set<{ readonly contact: string }>;
}

function move(entry: Held, flow: Flow): void {
  entry.place = { ...entry.place, flow };
  entry.session.move(flow);
}

/**
 * A terminal that has several identities may name itself by a contact for each. The session is with the one that has the identity's
 * own name, else with the one that was there first, for as long as it is.
 */
function contactFor({ place, reasons }: Held): string {
  const contacts = [...reasons].map(({ contact }) => contact);
  const named = contacts.find((contact) => parseUri(contact).user === place.account.user);
  return named ?? (contacts.includes(place.contact) ? place.contact : (contacts[0] ?? place.contact));
}

export function sessionsBy(open: (place: SessionPlace) => StandingSession): Sessions {
  const held = new Map<string, Held>();

  function settle(entry: Held): void {
    const contact = contactFor(entry);
    if (contact === entry.place.contact) return;
    entry.place = { ...entry.place, contact };
    entry.session.end();
    entry.session = open(entry.place);
  }

  return {
    hold(place) {
      const key = `${place.account.user} ${place.terminal} ${place.talkgroup}`;
      const known = held.get(key);
      if (known) move(known, place.flow);
      const entry = known ?? { place, session: open(place), reasons: new Set() };
      held.set(key, entry);
      const reason = { contact: place.contact };
      entry.reasons.add(reason);
      settle(entry);
      return {
        move: (flow) => move(entry, flow),
        giveUp() {
          entry.reasons.delete(reason);
          if (entry.reasons.size > 0) return settle(entry);
          held.delete(key);
          entry.session.end();
        },
      };
    },
    registered(user, terminal, flow, fresh) {
      for (const entry of held.values()) {
        const { place, session } = entry;
        if (place.account.user !== user || place.terminal !== terminal) continue;
        move(entry, flow);
        if (fresh) session.renew(flow);
      }
    },
    lend(user, service, call, caller, onGone) {
      for (const { place, session } of held.values()) {
        if (place.account.user !== user || place.talkgroup !== service) continue;
        const loan = session.lend(call, caller, onGone);
        if (loan) return loan;
      }
      return undefined;
    },
    has(user, callId) {
      for (const { place, session } of held.values())
        if (place.account.user === user && session.is(callId)) return true;
      return false;
    },
    changed(account) {
      for (const entry of held.values()) {
        const { place, session } = entry;
        const { talkgroup } = place;
        if (place.account.user !== account.user || !account.talkgroups.has(talkgroup)) continue;
        entry.place = { ...place, account };
        if (sameRights(place.account, account, talkgroup)) continue;
        session.end();
        entry.session = open(entry.place);
      }
    },
    cut(connection) {
      for (const { session } of held.values()) session.cut(connection);
    },
    close() {
      for (const { session } of held.values()) session.end();
      held.clear();
    },
  };
}
