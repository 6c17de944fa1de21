/**
 * The door of the presence server: authenticates, registers, takes subscriptions to talkgroups and has a session provisioned for
 * each before anybody calls; shows each user to those who may see them. It decides who may be in which talkgroup; it trusts
 * the conference server for who is heard and who talks. It knows no media and no MQTT.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Random } from "../../hal/random/port.ts";
import type { Log } from "../log.ts";
import type { DigestAlgorithm } from "../sip/digest.ts";
import type { Endpoint, Flow, Handlers, Incoming, IncomingSubscribe } from "../sip/endpoint.ts";
import { parseEvent } from "../sip/header.ts";
import { ProtocolError } from "../sip/message.ts";
import { parseUri } from "../sip/uri.ts";
import type { Account, AccountChange, Accounts } from "./accounts.ts";
import { activation } from "./activation.ts";
import { authentication, type RefusedCounts } from "./authentication.ts";
import { type BindingStore, forgetful } from "./binding-store.ts";
import type { ConferenceServer, SessionEvent } from "./conference-server.ts";
import { contactOf } from "./contact.ts";
import { direct } from "./direct.ts";
import type { ExchangeSettings } from "./exchange.ts";
import { type ExchangeState, exchanges } from "./exchanges.ts";
import { terminalOf } from "./identities.ts";
import { legsAt, type SrtpPolicy } from "./legs.ts";
import { people } from "./people.ts";
import { presenceEvents } from "./presence-events.ts";
import { publisher } from "./publications.ts";
import { registrar } from "./registrar.ts";
import type { LastBurst } from "./replay-code.ts";
import { revival } from "./revival.ts";
import { type Presence, roster } from "./roster.ts";
import type { Rules } from "./rules.ts";
import { openSession } from "./session.ts";
import { type Reason, sessionsBy } from "./sessions.ts";
import { standingSessions } from "./standing.ts";
import type { Shown } from "./status.ts";
import { subscriptions } from "./subscriptions.ts";

export interface PresencePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly accounts: Accounts;
  /** Absent: registrations end with the process. */
  readonly bindings?: BindingStore;
  readonly rules: Rules;
  /** Absent: nothing is recorded. */
  readonly recordings?: LastBurst;
  readonly sessions: ConferenceServer;
  /** The endpoint whose handlers these are; it exists by the time that the first request arrives. */
  readonly sip: () => Endpoint;
}

export interface PresenceOptions {
  readonly realm: string;
  /** What a user without an account is asked for. */
  readonly digest: readonly DigestAlgorithm[];
  readonly talkgroups: readonly { readonly name: string }[];
  /** Absent: "off". */
  readonly srtp?: SrtpPolicy;
  /** Absent: none. */
  readonly exchanges?: readonly ExchangeSettings[];
}

export interface PresenceServer {
  readonly handlers: Handlers;
  /** What the conference server says. */
  session(event: SessionEvent): void;
  /** Requests that were refused for want of a proof, as running counts. */
  readonly refused: Readonly<RefusedCounts>;
  /** A user of another gateway, or undefined when gone. */
  remote(gateway: string, user: string, state: Presence | undefined): void;
  /** How many there are now: terminals that are registered, legs at the conference server, private calls. */
  inUse(): { readonly terminals: number; readonly legs: number; readonly calls: number };
  /** The session of a user with a talkgroup, as the conference server names it. */
  legIn(user: string, talkgroup: string): string | undefined;
  /** What is known of the exchanges now. */
  exchanges(): readonly ExchangeState[];
  /** Takes up the registrations that outlived a restart, and registers at the exchanges; the endpoint is open. */
  restore(): void;
  /** The account of a user is another one now, or there is none any more. */
  account(user: string, change: AccountChange): void;
  /** There is a talkgroup of this name, or there is none any more. */
  talkgroup(name: string, isThere: boolean): void;
  /** Who holds the floor of a talkgroup, as an address of record; undefined: nobody. */
  floor(talkgroup: string, talker: string | undefined): void;
  /** Nobody has talked in a talkgroup or a call for so long that it is un-bridged. */
  quiet(name: string): void;
  /** What a user chose at a panel or by a feature code, until it is taken back (undefined) or this gateway starts anew. */
  setStatus(user: string, chosen: Shown | undefined): void;
  /** A user's account or rules were changed. */
  reconsider(user: string): void;
  /** Ends every session, and stops every timer. The endpoint is closed before it. */
  close(): void;
}

export function presence(
  ports: PresencePorts,
  options: PresenceOptions,
  listener: {
    /** A user of this gateway, or somebody outside who is in talkgroups here: status, and the talkgroups that a session of theirs stands with; undefined when gone. */
    readonly onPresence: (user: string, state: Presence | undefined) => void;
  },
): PresenceServer {
  const { clock, log } = ports;
  const { realm } = options;
  const talkgroups = new Set(options.talkgroups.map(({ name }) => name));
  const guard = authentication(ports, options);
  const legs = legsAt(ports.sessions, options.srtp);
  const persons = people(ports, {
    local: listener.onPresence,
    changed: (user) => events.changed(user),
  });
  const events = presenceEvents({ ...ports, people: persons }, { realm, talkgroups });
  const publications = publisher(ports, persons.publish);
  const members = roster({
    place(name, place) {
      if (!isAddress(name)) return persons.place(name, place);
      listener.onPresence(name, place && { status: "available", talkgroups: place.talkgroups });
    },
    members: (talkgroup) => watchers.changed(talkgroup),
  });
  /** `name`: of a user, or the address of somebody outside. */
  function attend(name: string, talkgroup: string, change: 1 | -1): void {
    const [event, said] = change > 0 ? ["joined", "in the talkgroup"] : ["left", "no more in the talkgroup"];
    log.info({ event, user: name, talkgroup }, said);
    members.session(name, talkgroup, change);
  }
  const groupUri = (talkgroup: string): string => `sip:${talkgroup}@${realm}`;
  const watchers = subscriptions(clock, {
    entityOf: groupUri,
    membersOf: (talkgroup) =>
      members.members(talkgroup).map((name) => (isAddress(name) ? name : `sip:${name}@${realm}`)),
  });
  const outside = exchanges(ports, {
    realm,
    exchanges: options.exchanges ?? [],
    isHere: (name) => talkgroups.has(name) || ports.accounts.find(name) !== undefined,
  });
  const sessions = sessionsBy((place) =>
    openSession({ ...ports, legs }, place, (standing) => {
      if (place.talkgroup !== direct) attend(place.account.user, place.talkgroup, standing ? 1 : -1);
    }),
  );
  const standing = standingSessions(({ account, contact, flow }, talkgroup) => hold(account, talkgroup, contact, flow));
  const bindings = registrar(
    { ...ports, bindings: ports.bindings ?? forgetful },
    {
      bound(binding, fresh) {
        const { account, contact, flow } = binding;
        sessions.registered(account.user, terminalOf(ports.accounts, account, contact), flow, fresh);
        if (!standing.bound(binding)) return;
        const { transport, remote: from } = flow;
        log.info({ event: "registered", user: account.user, from, transport }, "terminal registered");
      },
      unbound(binding) {
        log.info({ event: "unregistered", user: binding.account.user }, "terminal gone");
        standing.unbound(binding);
      },
      reach: ({ user }, change) => members.registered(user, change),
    },
  );
  const active = activation(
    {
      ...ports,
      legs,
      people: persons,
      isTalkgroup: (name) => talkgroups.has(name),
      talkgroup: talkgroupOf,
      reachable: bindings.reachable,
      lend: (user, caller) => (call, onGone) => sessions.lend(user, direct, call, caller, onGone),
      isSession: sessions.has,
      onStanding: attend,
      outside: outside.route,
    },
    realm,
  );
  const restored = revival(ports, `sip:${realm}`, { waits: bindings.isAsleep, alive: bindings.wake });

  const requests = new Map<string, (account: Account, incoming: Incoming) => void>([
    ["REGISTER", bindings.register],
    ["PUBLISH", (account, incoming) => publications.receive(incoming, account)],
  ]);

  function hold(account: Account, talkgroup: string, contact: string, flow: Flow): Reason {
    const terminal = terminalOf(ports.accounts, account, contact);
    return sessions.hold({ account, talkgroup, group: groupUri(talkgroup), terminal, contact, flow });
  }

  /** The talkgroup of this name, if the account may be there. Throws ProtocolError 404, 403. */
  function talkgroupOf(user: string | undefined, account: Account): string {
    if (user === undefined || !talkgroups.has(user)) throw new ProtocolError(404, "no such talkgroup");
    if (!account.talkgroups.has(user)) throw new ProtocolError(403, `${account.user} is no member of ${user}`);
    return user;
  }

  function onSubscribe(subscribe: IncomingSubscribe): void {
    const account = guard.admit(subscribe);
    if (!account) return;
    switch (parseEvent(subscribe.event).package) {
      case "conference":
        return subscribeToTalkgroup(subscribe, account);
      case "presence":
        return events.accept(subscribe, account.user);
      default:
        return subscribe.respond(489, { headers: [["allow-events", "conference, presence"]] });
    }
  }

  function subscribeToTalkgroup(subscribe: IncomingSubscribe, account: Account): void {
    const { user } = parseUri(subscribe.request.uri);
    const talkgroup = user === direct ? direct : talkgroupOf(user, account);
    let reason: Reason | undefined;
    const accepted = watchers.accept(subscribe, account, talkgroup, {
      onRefresh: (flow) => reason?.move(flow),
      onEnd: () => reason?.giveUp(),
    });
    // A poll asks who is there, and wants no session.
    if (accepted && subscribe.expires !== 0)
      reason = hold(account, talkgroup, contactOf(subscribe.request), subscribe.flow);
  }

  /** What proves a user proves the user's identities. */
  function account(user: string, change: AccountChange): void {
    const identities = change === "proof" ? (ports.accounts.find(user)?.identities ?? []) : [];
    for (const each of [user, ...identities]) accountOf(each, change);
  }

  /** Another proof is taken for another person: what the one before had going ends. */
  function accountOf(user: string, change: AccountChange): void {
    const now = change === "proof" ? undefined : ports.accounts.find(user);
    active.retain(user, now);
    watchers.retain(user, now);
    bindings.retain(user, now);
    if (!now) {
      publications.end(user);
      events.end(user);
      persons.choose(user, undefined);
    } else {
      sessions.changed(now);
      standing.changed(now);
    }
    reconsider(user);
  }

  function reconsider(user: string): void {
    persons.reconsider(user);
    events.reconsider(user);
  }

  return {
    handlers: {
      onInvite(invite) {
        const call = outside.admit(invite);
        if (call) return active.fromOutside(invite, call);
        const account = guard.admit(invite);
        if (account) active.invite(invite, account);
      },
      onRefer(refer) {
        const account = guard.admit(refer);
        if (account) active.refer(refer, account);
      },
      onSubscribe,
      onRequest(incoming) {
        const receive = requests.get(incoming.request.method);
        if (!receive) return incoming.respond(405);
        const account = guard.admit(incoming);
        if (account) receive(account, incoming);
      },
      onClosed(flow) {
        sessions.cut(flow);
        bindings.cut(flow);
      },
    },
    session: legs.receive,
    refused: guard.refused,
    remote(gateway, user, state) {
      members.remote(gateway, user, state);
      if (!isAddress(user)) persons.remote(gateway, user, state);
    },
    floor(talkgroup, talker) {
      if (!talkgroups.has(talkgroup)) return;
      if (talker !== undefined) active.live(talkgroup);
      persons.floor(talkgroup, talker === undefined ? undefined : userOf(talker, realm));
    },
    quiet: active.quiet,
    setStatus(user, chosen) {
      if (ports.accounts.find(user)) persons.choose(user, chosen);
    },
    reconsider,
    inUse: () => ({ terminals: bindings.count(), legs: legs.count(), calls: active.calls() }),
    legIn: legs.of,
    exchanges: outside.states,
    restore() {
      outside.start();
      const asleep = bindings.restore();
      if (asleep.length > 0) log.info({ event: "restored", terminals: asleep.length }, "registrations taken up");
      restored.ask(asleep);
    },
    account,
    talkgroup(name, isThere) {
      if (isThere) talkgroups.add(name);
      else talkgroups.delete(name);
    },
    close() {
      guard.close();
      active.close();
      outside.close();
      sessions.close();
      watchers.close();
      events.close();
      publications.close();
      persons.close();
      bindings.close();
      restored.close();
    },
  };
}

/** Members of talkgroups are users of the realm, by name, or others, by address. */
function isAddress(member: string): boolean {
  return member.startsWith("sip:");
}

/** Undefined for an address that no user of the realm has. */
function userOf(aor: string, realm: string): string | undefined {
  try {
    const { user, host } = parseUri(aor);
    return host === realm ? user : undefined;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return undefined;
  }
}
