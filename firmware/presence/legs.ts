/** Names legs, and hands what the conference server says of a leg to whoever wanted it. */
import type { Body, Flow } from "../sip/endpoint.ts";
import type { SrtpUse } from "../sip/negotiation.ts";
import { type Account, priorityIn } from "./accounts.ts";
import type { ConferenceServer, SessionEvent, SessionRights, SessionTerminal } from "./conference-server.ts";
import { terminalIn } from "./terminal.ts";

/** Who is at the other end of a leg, and what they may do in its call. */
export interface LegHolder extends SessionRights, SessionTerminal {
  readonly user: string;
  /** "sip:alice@example.org", shown to the others. */
  readonly aor: string;
}

export interface LegUser {
  offer(sdp: string): void;
  answer(sdp: string): void;
  ready(): void;
  refused(status: number, reason: string): void;
  /** To a re-offer: a description, or a status to refuse it with. */
  reanswer?(answer: string | number): void;
  lost(): void;
}

/** Of a gateway: no SRTP; with whoever offers it, and offered where its keys are not sent in clear; nothing else. */
export type SrtpPolicy = "off" | "offered" | "required";

/** What a terminal says inside its session, of the leg. */
export interface InSession {
  onReoffer(sdp: string, reply: (answer: Body | number) => void): void;
  onKey(key: string): void;
}

export interface Legs {
  /**
   * With `offer`, `answer` follows; without, `offer`. `talkgroup`: or a call; undefined: parked. `srtp`: absent, as for a way
   * whose messages others may read. Returns the leg's name.
   */
  provision(holder: LegHolder, talkgroup: string | undefined, user: LegUser, offer?: string, srtp?: SrtpUse): string;
  /** What is offered of SRTP to a terminal that is reached by this way: its keys are in the messages (RFC 4568 §8.2). */
  srtpOver(flow: Flow | undefined): SrtpUse;
  accept(leg: string, answer: string): void;
  /** Into a call, where the terminal is told who called; or, without one, parked. */
  move(leg: string, talkgroup?: string, caller?: string): void;
  tone(leg: string, tone: "confirm" | "deny"): void;
  inSession(leg: string): InSession;
  /** Nothing is heard of it any more. */
  release(leg: string): void;
  receive(event: SessionEvent): void;
  count(): number;
  /** The latest leg of a user in a talkgroup. */
  of(user: string, talkgroup: string): string | undefined;
}

interface Leg {
  readonly user: LegUser;
  readonly name: string;
  talkgroup: string | undefined;
  /** Who offered anew, and waits. */
  reply?: ((answer: Body | number) => void) | undefined;
}

/** Statuses by which a terminal says that it cannot do what it was offered (RFC 3261 §21.4.13, §21.4.26, §21.6.4). */
export const unfit: ReadonlySet<number> = new Set([415, 488, 606]);

export function holderIn(account: Account, talkgroup: string): LegHolder {
  const { user, aor } = account;
  const rightsIn = (where: string): SessionRights => ({
    mayTalk: !account.listenOnly.has(where),
    mayPreempt: !account.noPreempt.has(where),
    ...(account.raises.has(where) && { mayRaise: true }),
    ...(account.dispatches.has(where) && { mayCalm: true }),
    priority: priorityIn(account, where),
  });
  return { user, aor, ...rightsIn(talkgroup), ...terminalIn(account, talkgroup, rightsIn) };
}

export function legsAt(conference: ConferenceServer, policy: SrtpPolicy = "off"): Legs {
  const legs = new Map<string, Leg>();
  let count = 0;

  function srtpOver(flow: Flow | undefined): SrtpUse {
    if (policy !== "offered") return policy;
    return flow?.transport === "tls" ? "offered" : "accepted";
  }

  return {
    srtpOver,
    provision({ user: name, aor, ...rights }, talkgroup, user, offer, srtp = srtpOver(undefined)) {
      count += 1;
      const leg = `${count}-${name}`;
      legs.set(leg, { user, name, talkgroup });
      const place = { leg, ...(talkgroup !== undefined && { talkgroup }), ...(srtp !== "off" && { srtp }) };
      const options = { ...place, user: aor, ...rights };
      conference.send({ type: "provision", options, ...(offer !== undefined && { offer }) });
      return leg;
    },
    accept: (leg, answer) => conference.send({ type: "accept", leg, answer }),
    move(leg, talkgroup, caller) {
      const moved = legs.get(leg);
      if (!moved) return;
      moved.talkgroup = talkgroup;
      const to = { ...(talkgroup !== undefined && { talkgroup }), ...(caller !== undefined && { caller }) };
      conference.send({ type: "move", leg, ...to });
    },
    tone: (leg, tone) => conference.send({ type: "tone", leg, tone }),
    inSession: (name) => ({
      onReoffer(offer, reply) {
        const leg = legs.get(name);
        if (!leg) return reply(481);
        leg.reply = reply;
        conference.send({ type: "reoffer", leg: name, offer });
      },
      onKey(key) {
        if (legs.has(name)) conference.send({ type: "key", leg: name, key });
      },
    }),
    release(leg) {
      if (legs.delete(leg)) conference.send({ type: "release", leg });
    },
    count: () => legs.size,
    of: (user, talkgroup) => [...legs].findLast(([, leg]) => leg.name === user && leg.talkgroup === talkgroup)?.[0],
    receive(event) {
      const leg = legs.get(event.leg);
      if (!leg) return;
      const { user } = leg;
      switch (event.type) {
        case "offer":
          return user.offer(event.sdp);
        case "answer":
          return user.answer(event.sdp);
        case "ready":
          return user.ready();
        case "reanswer": {
          const { reply } = leg;
          leg.reply = undefined;
          return reply?.("sdp" in event ? { type: "application/sdp", content: event.sdp } : event.status);
        }
        case "refused":
          legs.delete(event.leg);
          return user.refused(event.status, event.reason);
        case "lost":
          legs.delete(event.leg);
          return user.lost();
      }
    },
  };
}
