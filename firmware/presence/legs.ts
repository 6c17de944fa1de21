/** Names legs, and hands what the conference server says of a leg to whoever wanted it. */
import { type Account, priorityIn } from "./accounts.ts";
import type { ConferenceServer, SessionEvent } from "./conference-server.ts";

/** Who is at the other end of a leg, and what they may do in its call. */
export interface LegHolder {
  readonly user: string;
  /** "sip:alice@example.org", shown to the others. */
  readonly aor: string;
  readonly mayTalk: boolean;
  /** Floor priority, 0..255. */
  readonly priority: number;
}

export interface LegUser {
  offer(sdp: string): void;
  answer(sdp: string): void;
  ready(): void;
  refused(status: number, reason: string): void;
  lost(): void;
}

export interface Legs {
  /** With `offer`, `answer` follows; without, `offer`. Returns the leg's name. */
  provision(holder: LegHolder, talkgroup: string, user: LegUser, offer?: string): string;
  accept(leg: string, answer: string): void;
  /** Nothing is heard of it any more. */
  release(leg: string): void;
  receive(event: SessionEvent): void;
}

export function holderIn(account: Account, talkgroup: string): LegHolder {
  const { user, aor } = account;
  return { user, aor, mayTalk: !account.listenOnly.has(talkgroup), priority: priorityIn(account, talkgroup) };
}

export function legsAt(conference: ConferenceServer): Legs {
  const users = new Map<string, LegUser>();
  let count = 0;

  return {
    provision({ user: name, aor, ...rights }, talkgroup, user, offer) {
      count += 1;
      const leg = `${count}-${name}`;
      users.set(leg, user);
      const options = { leg, talkgroup, user: aor, ...rights };
      conference.send({ type: "provision", options, ...(offer !== undefined && { offer }) });
      return leg;
    },
    accept: (leg, answer) => conference.send({ type: "accept", leg, answer }),
    release(leg) {
      if (users.delete(leg)) conference.send({ type: "release", leg });
    },
    receive(event) {
      const user = users.get(event.leg);
      if (!user) return;
      switch (event.type) {
        case "offer":
          return user.offer(event.sdp);
        case "answer":
          return user.answer(event.sdp);
        case "ready":
          return user.ready();
        case "refused":
          users.delete(event.leg);
          return user.refused(event.status, event.reason);
        case "lost":
          users.delete(event.leg);
          return user.lost();
      }
    },
  };
}
