/**
 * What a user sets going by INVITE or REFER (RFC 3261, RFC 3515): a talkgroup, a private call, an ad hoc group, a feature code, or a
 * number outside. It decides who may, before anything is asked of a conference server.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Log } from "../log.ts";
import type { Endpoint, IncomingInvite, IncomingRefer, Referral } from "../sip/endpoint.ts";
import { ProtocolError } from "../sip/message.ts";
import { reasonPhrase } from "../sip/serialize.ts";
import { isIpv4, isIpv6, parseUri } from "../sip/uri.ts";
import type { Account, Accounts } from "./accounts.ts";
import { absenceOf, refusalOf } from "./availability.ts";
import type { Refusal } from "./call-machine.ts";
import { calledParty, type Destination } from "./called-party.ts";
import { type CallOutcome, calls, type Member } from "./calls.ts";
import type { ConferenceServer } from "./conference-server.ts";
import { contactOf } from "./contact.ts";
import { dialledCalls } from "./dialled.ts";
import { direct } from "./direct.ts";
import { exchangeCalls } from "./exchange-calls.ts";
import type { ExchangeCall, OutsideNumber } from "./exchanges.ts";
import { featureCodes } from "./feature-codes.ts";
import { type Guest, guestsOf } from "./guests.ts";
import { holderIn, type LegHolder, type Legs } from "./legs.ts";
import {
  callingParty,
  counted,
  holding,
  type Lend,
  type OpenParty,
  reachedParty,
  reasonOf,
  turnedAway,
} from "./party.ts";
import type { People } from "./people.ts";
import type { Binding } from "./registrar.ts";
import { type LastBurst, replayCode } from "./replay-code.ts";
import { urisIn } from "./resource-list.ts";

export interface ActivationPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly accounts: Accounts;
  readonly sessions: ConferenceServer;
  readonly legs: Legs;
  readonly people: Pick<People, "party" | "person" | "call" | "choose">;
  readonly sip: () => Endpoint;
  /** Throws ProtocolError: 404 no talkgroup, 403 the account is no member of it. */
  readonly talkgroup: (name: string | undefined, account: Account) => string;
  readonly isTalkgroup: (name: string) => boolean;
  /** Contacts of a user that can be reached. */
  readonly reachable: (user: string) => readonly Binding[];
  /** The session of a user with the service of direct calls, for a call of `caller`. */
  readonly lend: (user: string, caller: string) => Lend;
  /** Whether a dialog is a session that was set up for the user before anybody called. */
  readonly isSession: (user: string, callId: string) => boolean;
  /** The user's session with a talkgroup stands, or does no more. */
  readonly onStanding: (user: string, talkgroup: string, change: 1 | -1) => void;
  /** Absent: nothing is recorded. */
  readonly recordings?: LastBurst;
  /** A number that leads out of the realm; undefined for one that does not. Throws ProtocolError: 403, 404, 486. */
  readonly outside: (caller: Account, number: string) => OutsideNumber | undefined;
}

export interface Activation {
  /** Throws ProtocolError. */
  invite(invite: IncomingInvite, account: Account): void;
  /** A call that an exchange brings. Throws ProtocolError. */
  fromOutside(invite: IncomingInvite, call: ExchangeCall): void;
  /** Throws ProtocolError. */
  refer(refer: IncomingRefer, account: Account): void;
  /** Nobody has talked there for too long; what that is to a talkgroup is not decided here. */
  quiet(name: string): void;
  /** Somebody talks in a talkgroup. */
  live(talkgroup: string): void;
  /** Private and ad hoc ones. */
  calls(): number;
  /** Ends what the account allows no more, or otherwise than now; undefined: everything of the user. */
  retain(user: string, account: Account | undefined): void;
  close(): void;
}

export function activation(ports: ActivationPorts, realm: string): Activation {
  const { clock, log, legs, people } = ports;
  const dialled = dialledCalls(legs, ports.onStanding);
  const fromExchanges = exchangeCalls(legs, ports.onStanding);
  const codes = featureCodes(ports, people.choose);
  const again = replayCode(ports);
  const guests = guestsOf();
  const open = calls(ports, people.call);
  const directUri = `sip:${direct}@${realm}`;

  /** Somebody to be called by `caller`, or why not. */
  function called(caller: Account, user: string): Member | Refusal {
    const way = wayOutside(caller, user);
    if (way) return "status" in way ? way : { open: outsideParty(way) };
    return refusalOf(people, caller.user, user) ?? memberHere(user, caller.aor);
  }

  function memberHere(user: string, caller: string): Member | Refusal {
    const callee = ports.accounts.find(user);
    if (!callee) return { status: 480, words: "at another site" };
    const enter = calledParty(ports, holderOfCall(callee), destinationsOf(callee, caller));
    return { user, open: reachedParty(clock, ports.lend(user, caller), enter) };
  }

  function wayOutside(caller: Account, number: string): OutsideNumber | Refusal | undefined {
    try {
      return ports.outside(caller, number);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { status: error.status };
    }
  }

  function outsideParty(way: OutsideNumber): OpenParty {
    return holding(calledParty(ports, holderOutside(way), [way]), way.seize, turnedAway(clock, { status: 486 }));
  }

  function destinationsOf({ user, aor }: Account, from: string): Destination[] {
    return ports.reachable(user).map(({ contact: uri, flow: via, q = 1 }) => ({ uri, via, from, to: aor, q }));
  }

  function call(invite: IncomingInvite, caller: Account, user: string): void {
    const member = called(caller, user);
    if ("status" in member) {
      log.info({ event: "call-refused", users: [caller.user, user], ...member }, "call refused");
      return invite.respond(member.status, { headers: reasonOf(member) });
    }
    open.start({ user: caller.user, open: callingParty(legs, invite, holderOfCall(caller)) }, [member]);
  }

  /** The terminal that asked is called itself, unless a session of its user is at hand. */
  function referrer(refer: IncomingRefer, caller: Account, others: readonly string[]): Member {
    const from = others.length === 1 ? `sip:${others[0]}@${realm}` : directUri;
    const way = { uri: contactOf(refer.request), via: refer.flow, from, to: caller.aor, q: 1 };
    const enter = calledParty(ports, holderOfCall(caller), [way]);
    return { user: caller.user, open: reachedParty(clock, ports.lend(caller.user, caller.aor), enter) };
  }

  /** Whoever can be called, and why the first who cannot is not. */
  function allCalled(caller: Account, users: readonly string[]): { members: Member[]; refusal: Refusal } {
    const all = users.map((user) => called(caller, user));
    const refused = all.filter((each) => "status" in each);
    return { members: all.filter((each) => "open" in each), refusal: refused[0] ?? { status: 404 } };
  }

  function talkTo(refer: IncomingRefer, caller: Account, users: readonly string[]): void {
    const { members, refusal } = allCalled(caller, users);
    if (members.length === 0) return refer.respond(refusal.status, { headers: reasonOf(refusal) });
    const first = referrer(refer, caller, users);
    const { outcome, follow } = told();
    open.start(first, members, outcome);
    follow(refer.accept());
  }

  /** A dispatcher calls people into a talkgroup. */
  function callInto(refer: IncomingRefer, dispatcher: Account, talkgroup: string, users: readonly string[]): void {
    if (!dispatcher.dispatches.has(talkgroup))
      throw new ProtocolError(403, `${dispatcher.user} is no dispatcher of ${talkgroup}`);
    const group = `sip:${talkgroup}@${realm}`;
    const ways = users.map((user) => intoTalkgroup(dispatcher, user, talkgroup, group));
    const called = ways.filter((way) => "enter" in way);
    const [refusal = { status: 404 }] = ways.filter((way) => "status" in way);
    if (called.length === 0) return refer.respond(refusal.status, { headers: reasonOf(refusal) });
    const { outcome, follow } = told();
    guests.call(talkgroup, called, outcome);
    follow(refer.accept());
  }

  function intoTalkgroup(dispatcher: Account, user: string, talkgroup: string, group: string): Guest | Refusal {
    const way = wayOutside(dispatcher, user);
    if (way && "status" in way) return way;
    if (way) return { enter: counted(outsideParty(way), (change) => ports.onStanding(way.to, talkgroup, change)) };
    const callee = ports.accounts.find(user);
    if (!callee) return { status: 404 };
    if (!callee.talkgroups.has(talkgroup)) return { status: 403 };
    const refusal = refusalOf(people, dispatcher.user, user);
    if (refusal) return refusal;
    if (guests.has(user, talkgroup)) return { status: 486 };
    const enter = calledParty(ports, holderIn(callee, talkgroup), destinationsOf(callee, group));
    return { account: callee, enter: counted(enter, (change) => ports.onStanding(user, talkgroup, change)) };
  }

  return {
    invite(invite, account) {
      const { user } = parseUri(invite.request.uri);
      if (user === undefined) throw new ProtocolError(404, "nobody is named");
      if (ports.isTalkgroup(user)) return dialled.receive(invite, account, ports.talkgroup(user, account));
      if (codes.isCode(user)) return codes.receive(user, account, invite);
      if (again.isCode(user)) return again.receive(account, invite);
      call(invite, account, user);
    },
    fromOutside(invite, call) {
      const { caller, target, seize } = call;
      if (ports.isTalkgroup(target)) return fromExchanges.receive(invite, call);
      const member = absenceOf(people, target) ?? memberHere(target, caller.aor);
      if ("status" in member) return invite.respond(member.status, { headers: reasonOf(member) });
      open.start({ open: holding(callingParty(legs, invite, caller), seize) }, [member]);
    },
    refer(refer, account) {
      // Inside a call it would hand the other one over to a third (RFC 5589), which nobody has asked whether they may talk.
      if (refer.session !== undefined && !ports.isSession(account.user, refer.session))
        throw new ProtocolError(403, "a call is not transferred");
      const { user: at } = parseUri(refer.request.uri);
      const uris = refer.list === undefined ? [refer.target()] : urisIn(refer.list);
      const users = [...new Set(uris.map(userIn))];
      if (at !== undefined && ports.isTalkgroup(at))
        return callInto(refer, account, ports.talkgroup(at, account), users);
      // What is asked of somebody else is not done in their place (RFC 3515 §2.4.2).
      if (at !== undefined && at !== direct) throw new ProtocolError(404, "REFER to what is no talkgroup");
      talkTo(
        refer,
        account,
        users.filter((user) => user !== account.user),
      );
    },
    quiet: open.quiet,
    live: again.live,
    calls: open.count,
    retain(user, account) {
      dialled.retain(user, account);
      guests.retain(user, account);
      again.leave(user);
      if (!account) open.leave(user);
    },
    close() {
      dialled.close();
      fromExchanges.close();
      codes.close();
      again.close();
      guests.close();
      open.close();
    },
  };

  /** Of this realm, or of a number that stands for it. Throws ProtocolError 404. */
  function userIn(uri: string): string {
    const { user, host } = parseUri(uri);
    if (user === undefined || (host !== realm && !isIpv4(host) && !isIpv6(host)))
      throw new ProtocolError(404, `nobody here is ${uri.slice(0, 100)}`);
    return user;
  }
}

function holderOfCall({ user, aor, priority }: Account): LegHolder {
  return { user, aor, mayTalk: true, mayPreempt: true, priority };
}

function holderOutside({ to }: Destination): LegHolder {
  return { user: "outside", aor: to, mayTalk: true, mayPreempt: false, priority: 0 };
}

/** Tells a referral of what comes of it; nothing does before it is followed. */
function told(): { readonly outcome: CallOutcome; readonly follow: (referral: Referral) => void } {
  let referral: Referral | undefined;
  return {
    outcome: {
      ringing: () => referral?.progress(180, "Ringing"),
      stands: () => referral?.progress(200, "OK"),
      refused: ({ status, words = reasonPhrase(status) }) => referral?.progress(status, words),
    },
    follow(accepted) {
      referral = accepted;
    },
  };
}
