/**
 * Private and ad hoc calls: performs the life of each (call-machine.ts) with a conference server and its members. It decides nothing
 * about who may call whom.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Log } from "../log.ts";
import { run } from "../machine.ts";
import { ProtocolError } from "../sip/message.ts";
import { type CallInput, callMachine, initialCall, initiator, type MemberId, type Refusal } from "./call-machine.ts";
import type { ConferenceServer } from "./conference-server.ts";
import type { OpenParty, Party } from "./party.ts";

export interface Member {
  /** Of this gateway, who is in a call meanwhile; absent for somebody elsewhere. */
  readonly user?: string;
  readonly open: OpenParty;
}

export interface CallOutcome {
  /** Somebody rings. */
  ringing(): void;
  stands(): void;
  refused(refusal: Refusal): void;
}

export interface Calls {
  /** Throws ProtocolError: 503 there are too many, 486 of the initiator's. */
  start(initiator: Member, others: readonly Member[], outcome?: CallOutcome): void;
  /** Nobody has talked there for too long; what is no call is left alone. */
  quiet(name: string): void;
  count(): number;
  /** The user is out of those that they are in. */
  leave(user: string): void;
  close(): void;
}

const mostCalls = 200;
const mostOfUser = 4;
/** TS 24.380 §11: T1, T2 and T3 as in a talkgroup; a call in which nobody talks ends after T4. */
const times = { endOfMediaMs: 4_000, talkMs: 30_000, talkWarningMs: 5_000, graceMs: 3_000, hangMs: 30_000 };

interface Call {
  readonly has: (user: string) => boolean;
  readonly leave: (user: string) => void;
  readonly end: () => void;
}

export function calls(
  ports: { readonly clock: Clock; readonly log: Log; readonly sessions: ConferenceServer },
  /** The user is in a call more, or less. */
  onBusy: (user: string, change: 1 | -1) => void,
): Calls {
  const { clock, log, sessions } = ports;
  const open = new Map<string, Call>();
  let count = 0;

  function start(first: Member, others: readonly Member[], outcome?: CallOutcome): void {
    if (open.size >= mostCalls) throw new ProtocolError(503, `${mostCalls} calls are open`);
    const { user: caller } = first;
    const own = [...open.values()].filter(({ has }) => caller !== undefined && has(caller)).length;
    if (own >= mostOfUser) throw new ProtocolError(486, `${caller} is in ${own} calls`);
    count += 1;
    // No talkgroup has a slash in its name.
    const name = `call/${count}`;
    const members = [first, ...others];
    const parties = new Map<MemberId, Party>();
    const users = members.flatMap(({ user }) => user ?? []);
    const send = (event: CallInput): void => machine.send(event);

    function leave(member: MemberId): Party | undefined {
      const party = parties.get(member);
      const { user } = members[member] ?? {};
      if (party && parties.delete(member) && user !== undefined) onBusy(user, -1);
      return party;
    }

    const machine = run(callMachine, initialCall(members.length), clock, (deed) => {
      switch (deed.do) {
        case "ring":
          outcome?.ringing();
          return parties.get(initiator)?.ring();
        case "answer":
          log.info({ event: "call", call: name, users }, "call stands");
          outcome?.stands();
          // Whoever is told by it that they are heard, is: the initiator's answer comes last.
          for (const [member, party] of parties) if (member !== initiator) party.answer();
          return parties.get(initiator)?.answer();
        case "refuse":
          log.info({ event: "call-refused", call: name, users, ...deed.refusal }, "call refused");
          outcome?.refused(deed.refusal);
          return leave(initiator)?.end(deed.refusal);
        case "dismiss":
          return leave(deed.member)?.end({ status: 480 });
        case "close":
          open.delete(name);
          machine.close();
          log.info({ event: "call-over", call: name, users }, "call over");
          return sessions.send({ type: "no-talkgroup", talkgroup: name });
      }
    });

    const membersOf = (user: string) => [...parties.keys()].filter((member) => members[member]?.user === user);
    open.set(name, {
      has: (user) => membersOf(user).length > 0,
      leave(user) {
        for (const member of membersOf(user)) {
          leave(member)?.end({ status: 480 });
          send({ type: "gone", member });
        }
      },
      end: () => send({ type: "end" }),
    });
    sessions.send({ type: "talkgroup", settings: { name, ...times, scope: "gateway", duplex: true } });
    members.forEach(({ user, open: enter }, member) => {
      const party = enter(name, {
        ringing: () => send({ type: "ringing" }),
        there: () => send({ type: "there", member }),
        gone(refusal) {
          leave(member);
          send({ type: "gone", member, ...(refusal && { refusal }) });
        },
      });
      parties.set(member, party);
      if (user !== undefined) onBusy(user, 1);
    });
  }

  return {
    start,
    quiet: (name) => open.get(name)?.end(),
    count: () => open.size,
    leave(user) {
      for (const call of [...open.values()]) call.leave(user);
    },
    close() {
      for (const { end } of [...open.values()]) end();
    },
  };
}
