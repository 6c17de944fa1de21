/**
 * What is known of each person, here and at other gateways, and what is shown of them (status.ts). Everything that makes somebody
 * busy or online is kept where it ends: a floor that passes on, a publication that runs out, a terminal or a gateway that
 * is gone. It knows no SIP and no watcher.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Accounts } from "./accounts.ts";
import { type Detail, decodeDetail, encodeDetail } from "./detail.ts";
import { gather } from "./pace.ts";
import type { Place, Presence } from "./roster.ts";
import type { Party, Rules } from "./rules.ts";
import { compose, mostAvailable, type Shown, sameShown, statuses } from "./status.ts";

/** What is shown of somebody; another object as soon as it is something else. */
export interface Person extends Shown {
  readonly user: string;
}

export interface People {
  /** Where a user of this gateway is; undefined: nowhere any more. */
  place(user: string, place: Place | undefined): void;
  /** A user of another gateway; undefined: gone. */
  remote(gateway: string, user: string, state: Presence | undefined): void;
  /** Who holds the floor of a talkgroup. */
  floor(talkgroup: string, talker: string | undefined): void;
  /** The user is in a call more, or less. */
  call(user: string, change: 1 | -1): void;
  /** Chosen by the user, until it is taken back. */
  choose(user: string, shown: Shown | undefined): void;
  /** What the user's terminals publish, the latest last. */
  publish(user: string, published: readonly Shown[]): void;
  /** The user's account or rules are others now. */
  reconsider(user: string): void;

  person(user: string): Person;
  /** Whoever is not offline. */
  present(): Iterable<Person>;
  /** Undefined for somebody without an account here, of whom no other gateway tells. */
  party(user: string): Party | undefined;
  close(): void;
}

export interface PeopleListener {
  /** A user of this gateway is something else for other gateways now; undefined: gone. */
  local(user: string, state: Presence | undefined): void;
  /** What is shown of the user may be another now, or who may see it. */
  changed(user: string): void;
}

interface Known {
  place: Place | undefined;
  calls: number;
  chosen: Shown | undefined;
  published: readonly Shown[];
  /** What comes of these. */
  local: Shown | undefined;
  /** By gateway. */
  readonly remotes: Map<string, Remote>;
  person: Person;
}

interface Remote {
  readonly shown: Shown;
  readonly detail: Detail;
  readonly talkgroups: readonly string[];
}

/** A press that is taken back at once is not worth a word, nor is a phone that says something else all the time, ms. */
const settleMs = 100;

export function people(
  ports: { readonly clock: Clock; readonly accounts: Accounts; readonly rules: Rules },
  listener: PeopleListener,
): People {
  const { accounts, rules } = ports;
  const all = new Map<string, Known>();
  /** By talkgroup. */
  const talkers = new Map<string, string>();
  const settling = gather(ports.clock, settleMs, (user) => {
    if (all.has(user)) update(user);
  });

  const offline = (user: string): Person => ({ user, status: "offline" });

  function here(user: string, known: Known, { terminals, talkgroups }: Place): Shown {
    const listenOnly = accounts.find(user)?.listenOnly;
    return compose({
      ...known,
      terminals,
      talkgroups: talkgroups.length,
      listening: talkgroups.filter((talkgroup) => listenOnly?.has(talkgroup)).length,
      talking: talkgroups.some((talkgroup) => talkers.get(talkgroup) === user),
    });
  }

  /** Something about a user of this gateway is another now. */
  function update(user: string, change: (known: Known) => void = () => {}): void {
    const known = knownOf(user);
    change(known);
    const { place } = known;
    known.local = place && here(user, known, place);
    listener.local(user, place && known.local && tellable(user, known.local, place.talkgroups));
    show(user, known);
  }

  function tellable(user: string, { status, activity, note }: Shown, talkgroups: readonly string[]): Presence {
    const members = [...(accounts.find(user)?.talkgroups ?? [])].filter((talkgroup) => !talkgroups.includes(talkgroup));
    const detail = encodeDetail({ activity, note, members, rules: rules.of(user) }, talkgroups);
    return { status, talkgroups, detail };
  }

  /** Tells when what is shown is another now; true then. */
  function show(user: string, known: Known): boolean {
    const { place, local, chosen, calls, published, remotes } = known;
    const elsewhere = remotesOf(known).map(({ shown }) => shown);
    const shown = mostAvailable(local ? [local, ...elsewhere] : elsewhere) ?? offline(user);
    if (place || chosen || calls > 0 || published.length > 0 || remotes.size > 0) all.set(user, known);
    else all.delete(user);
    if (sameShown(shown, known.person)) return false;
    known.person = { ...shown, user };
    listener.changed(user);
    return true;
  }

  function knownOf(user: string): Known {
    const nothing = {
      place: undefined,
      calls: 0,
      chosen: undefined,
      published: [],
      local: undefined,
      remotes: new Map(),
    };
    return all.get(user) ?? { ...nothing, person: offline(user) };
  }

  return {
    place(user, place) {
      update(user, (known) => {
        known.place = place;
      });
    },
    remote(gateway, user, state) {
      const known = knownOf(user);
      if (state) known.remotes.set(gateway, remoteOf(state));
      else known.remotes.delete(gateway);
      // With the state came the rules that it is shown by.
      if (!show(user, known)) listener.changed(user);
    },
    floor(talkgroup, talker) {
      const before = talkers.get(talkgroup);
      if (talker === before) return;
      if (talker === undefined) talkers.delete(talkgroup);
      else talkers.set(talkgroup, talker);
      for (const user of [before, talker]) if (user !== undefined) settling.changed(user);
    },
    call(user, change) {
      update(user, (known) => {
        known.calls += change;
      });
    },
    choose(user, shown) {
      if (!shown && !all.has(user)) return;
      update(user, (known) => {
        known.chosen = shown;
      });
    },
    publish(user, published) {
      const known = knownOf(user);
      known.published = published;
      all.set(user, known);
      settling.changed(user);
    },
    reconsider(user) {
      if (all.has(user)) update(user);
      listener.changed(user);
    },
    person: (user) => all.get(user)?.person ?? offline(user),
    *present() {
      for (const { person } of all.values()) if (person.status !== "offline") yield person;
    },
    party(user) {
      const account = accounts.find(user);
      // What other gateways say of a user of this one does not open what the account closes.
      if (account) return { user, talkgroups: account.talkgroups, rules: rules.of(user), otherwise: "block" };
      const remotes = remotesOf(all.get(user));
      if (remotes.length === 0) return undefined;
      const isTold = remotes.every(({ detail }) => detail.members);
      return {
        user,
        talkgroups: new Set(remotes.flatMap(({ detail, talkgroups }) => [...talkgroups, ...(detail.members ?? [])])),
        rules: remotes.flatMap(({ detail }) => detail.rules),
        // Who may come into a common talkgroup later is not refused for good.
        otherwise: isTold ? "block" : "polite-block",
      };
    },
    close: settling.close,
  };
}

/** By gateway id, so that every gateway takes them in the same order. */
function remotesOf(known: Known | undefined): readonly Remote[] {
  return [...(known?.remotes ?? [])].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, remote]) => remote);
}

function remoteOf({ status, talkgroups, detail: text }: Presence): Remote {
  const detail = decodeDetail(text);
  const { activity, note } = detail;
  const shown: Shown = {
    // A status of a later version is one of somebody who is there.
    status: statuses.find((known) => known === status) ?? "available",
    ...(activity !== undefined && { activity }),
    ...(note !== undefined && { note }),
  };
  return { shown, detail, talkgroups };
}
