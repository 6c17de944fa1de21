/** Names legs, and hands what the conference server says of a leg to whoever wanted it. */
import { type Account, priorityIn } from "./accounts.ts";
import type { ConferenceServer, SessionEvent } from "./conference-server.ts";

export interface LegUser {
  offer(sdp: string): void;
  answer(sdp: string): void;
  ready(): void;
  refused(status: number, reason: string): void;
  /** To a re-offer: a description, or a status to refuse it with. */
  reanswer?(answer: string | number): void;
  lost(): void;
}

export interface Legs {
  /** With `offer`, `answer` follows; without, `offer`. Returns the leg's name. */
  provision(account: Account, talkgroup: string, user: LegUser, offer?: string): string;
  accept(leg: string, answer: string): void;
  /** Nothing is heard of it any more. */
  release(leg: string): void;
  receive(event: SessionEvent): void;
}

export function legsAt(conference: ConferenceServer): Legs {
  const users = new Map<string, LegUser>();
  let count = 0;

  return {
    provision(account, talkgroup, user, offer) {
      count += 1;
      const leg = `${count}-${account.user}`;
      users.set(leg, user);
      const options = {
        leg,
        talkgroup,
        user: account.aor,
        mayTalk: !account.listenOnly.has(talkgroup),
        priority: priorityIn(account, talkgroup),
        mayPreempt: true,
      };
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
        case "reanswer":
          return user.reanswer?.("sdp" in event ? event.sdp : event.status);
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
