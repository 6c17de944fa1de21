/**
 * The other gateways of the realm and their users, as told by themselves. It decides which users are shown and which
 * gateways count; the life of each gateway is a machine of its own (peer.ts). It knows no topics and no bytes.
 */
import type { Clock } from "../../hal/clock/port.ts";
import { type Running, run } from "../machine.ts";
import type { RemotePresence } from "./body.ts";
import type { RealmLimits } from "./limits.ts";
import { type PeerEvent, type PeerState, peerMachine, showsUsers, unheard } from "./peer.ts";
import { type Tally, tally } from "./tally.ts";

export interface RealmListener {
  /** A user of another gateway, or undefined when gone. */
  presence(gateway: string, user: string, state: RemotePresence | undefined): void;
  gateway(gateway: string, up: boolean): void;
  /** The live gateways with members changed: in this talkgroup or, undefined, in any. */
  recount(talkgroup: string | undefined): void;
}

export interface GatewayView {
  readonly id: string;
  readonly site: string;
  readonly state: PeerState["in"];
  readonly users: readonly (RemotePresence & { readonly user: string })[];
}

export type PresenceVerdict = "taken" | "stale" | "too-many-users" | "too-many-talkgroups";

export interface Realm {
  status(gateway: string, counter: number, site: string): void;
  gone(gateway: string): void;
  /** A higher boot of it was heard: all that the one before said is void. */
  restarted(gateway: string): void;
  /** `counter`: of the message that said so; older ones lose. Undefined state: the user is no more. */
  presence(gateway: string, user: string, counter: number, state: RemotePresence | undefined): PresenceVerdict;
  openSession(): void;
  loseSession(): void;
  /** Drops what was not heard of again in this session. */
  purge(): void;
  /** Forgets a gateway whose users are not shown; false for any other. */
  forget(gateway: string): boolean;
  /** The live gateways that have members in it, and those where somebody is in it or hears it. */
  gatewaysOf(talkgroup: string): { readonly members: string[]; readonly needing: string[] };
  gateways(): GatewayView[];
  close(): void;
}

interface User {
  readonly counter: number;
  /** The link session in which the user was last heard of. */
  readonly session: number;
  readonly state: RemotePresence;
}

interface Peer {
  readonly life: Running<PeerState, PeerEvent>;
  readonly users: Map<string, User>;
  /** Counters of withdrawn users, so that an older word of them does not bring them back. */
  readonly withdrawn: Map<string, number>;
  readonly talkgroups: Tally;
  /** Those, and what else is heard there. */
  readonly needed: Tally;
  site: string;
}

const mostWithdrawn = 256;

export function realm(clock: Clock, limits: RealmLimits, listener: RealmListener): Realm {
  const peers = new Map<string, Peer>();
  let session = 0;
  let population = 0;

  const isLive = (peer: Peer): boolean => peer.life.state().in === "live";
  const isShown = (peer: Peer): boolean => showsUsers(peer.life.state());

  function peerOf(gateway: string): Peer {
    const known = peers.get(gateway);
    if (known) return known;
    const life = run(peerMachine, unheard, clock, (effect) => {
      switch (effect.do) {
        case "show-users":
          listener.gateway(gateway, true);
          for (const [user, { state }] of peer.users) listener.presence(gateway, user, state);
          return;
        case "hide-users":
          for (const user of peer.users.keys()) listener.presence(gateway, user, undefined);
          return listener.gateway(gateway, false);
        case "forget-users":
          population -= peer.users.size;
          peer.users.clear();
          peer.withdrawn.clear();
          peer.talkgroups.clear();
          return peer.needed.clear();
        case "recount":
          return listener.recount(undefined);
      }
    });
    const tallies = { talkgroups: tally(), needed: tally() };
    const peer: Peer = { life, users: new Map(), withdrawn: new Map(), ...tallies, site: "" };
    peers.set(gateway, peer);
    return peer;
  }

  /** Puts a user's new state in place, and tells those whom it concerns. */
  function replace(gateway: string, peer: Peer, user: string, after: User | undefined): void {
    const before = peer.users.get(user);
    if (after) peer.users.set(user, after);
    else peer.users.delete(user);
    population += (after ? 1 : 0) - (before ? 1 : 0);
    if (before && after && sameState(before.state, after.state)) return;
    const changed = new Set([
      ...change(peer.talkgroups, before?.state.talkgroups, after?.state.talkgroups),
      ...change(peer.needed, neededBy(before), neededBy(after)),
    ]);
    if (isShown(peer)) listener.presence(gateway, user, after?.state);
    if (isLive(peer)) for (const talkgroup of changed) listener.recount(talkgroup);
  }

  /** The names that are counted for the first time now, or no more. */
  function change(counts: Tally, before: readonly string[] = [], after: readonly string[] = []): string[] {
    const entered = after.filter(counts.add);
    const left = before.filter(counts.remove);
    return [...entered, ...left.filter((name) => !counts.has(name))];
  }

  function withdraw(gateway: string, peer: Peer, user: string, counter: number): void {
    const [oldest] = peer.withdrawn.keys();
    if (oldest !== undefined && peer.withdrawn.size >= mostWithdrawn) peer.withdrawn.delete(oldest);
    peer.withdrawn.set(user, counter);
    if (peer.users.has(user)) replace(gateway, peer, user, undefined);
  }

  function room(peer: Peer, before: User | undefined, state: RemotePresence): PresenceVerdict {
    const further = needed(state).filter((talkgroup) => !peer.needed.has(talkgroup)).length;
    if (peer.needed.size() + further > limits.talkgroups) return "too-many-talkgroups";
    if (before) return "taken";
    const full = peer.users.size >= limits.usersPerGateway || population >= limits.usersPerRealm;
    return full ? "too-many-users" : "taken";
  }

  return {
    status(gateway, counter, site) {
      const peer = peerOf(gateway);
      peer.site = site;
      peer.life.send({ type: "status", counter });
    },
    gone: (gateway) => peerOf(gateway).life.send({ type: "gone" }),
    restarted: (gateway) => peers.get(gateway)?.life.send({ type: "restarted" }),

    presence(gateway, user, counter, state) {
      const peer = peerOf(gateway);
      const before = peer.users.get(user);
      if (counter < (before?.counter ?? 0) || counter <= (peer.withdrawn.get(user) ?? -1)) return "stale";
      if (!state) {
        withdraw(gateway, peer, user, counter);
        return "taken";
      }
      const verdict = room(peer, before, state);
      if (verdict === "taken") replace(gateway, peer, user, { counter, session, state });
      return verdict;
    },

    openSession() {
      session += 1;
    },
    loseSession: () => [...peers.values()].forEach(({ life }) => life.send({ type: "link-lost" })),

    purge() {
      for (const [gateway, peer] of [...peers]) {
        peer.life.send({ type: "grace-over" });
        for (const [user, { session: heard }] of [...peer.users]) {
          if (heard !== session) replace(gateway, peer, user, undefined);
        }
      }
    },

    forget(gateway) {
      const peer = peers.get(gateway);
      if (peer && isShown(peer)) return false;
      population -= peer?.users.size ?? 0;
      peer?.life.close();
      peers.delete(gateway);
      return true;
    },

    gatewaysOf(talkgroup) {
      const needing = [...peers].filter(([, peer]) => isLive(peer) && peer.needed.has(talkgroup));
      const members = needing.filter(([, peer]) => peer.talkgroups.has(talkgroup));
      return { members: members.map(([gateway]) => gateway), needing: needing.map(([gateway]) => gateway) };
    },

    gateways: () =>
      [...peers].map(([id, { life, site, users }]) => ({
        id,
        site,
        state: life.state().in,
        users: [...users].map(([user, { state }]) => ({ user, ...state })),
      })),

    close: () => [...peers.values()].forEach(({ life }) => life.close()),
  };
}

function sameState(one: RemotePresence, other: RemotePresence): boolean {
  const isSame = one.status === other.status && one.detail === other.detail;
  const isAlike = (names: readonly string[] = [], others: readonly string[] = []) =>
    names.join("\0") === others.join("\0");
  return isSame && isAlike(one.talkgroups, other.talkgroups) && isAlike(one.listens, other.listens);
}

const needed = ({ talkgroups, listens = [] }: RemotePresence): readonly string[] => [
  ...new Set([...talkgroups, ...listens]),
];

const neededBy = (user: User | undefined): readonly string[] | undefined => user && needed(user.state);
