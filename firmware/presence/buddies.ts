/**
 * Each user's list of the active subscribers whom this user may talk with, as one subscription to a list (RFC 4662). Who comes, goes or
 * changes is in it within a second; everybody has the same URI for it, and gets the own list and no other.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Random } from "../../hal/random/port.ts";
import type { Body, IncomingSubscribe, Notifier } from "../sip/endpoint.ts";
import { splitList } from "../sip/header.ts";
import { headers } from "../sip/message.ts";
import type { Documents } from "./documents.ts";
import { gather, paced } from "./pace.ts";
import type { People, Person } from "./people.ts";
import { listDocument } from "./rlmi.ts";
import { mayTalk, type Party } from "./rules.ts";
import { sameShown } from "./status.ts";
import type { Terms } from "./terms.ts";

export interface Buddies {
  /** Answers the SUBSCRIBE of a user who proved to be one. */
  accept(subscribe: IncomingSubscribe, user: string): void;
  /** What is shown of the user may be another now, or whom they talk with. */
  changed(user: string): void;
  /** The user has another account now. */
  reconsider(user: string): void;
  /** Whoever has the list of this user has to prove anew who they are. */
  end(user: string): void;
  close(): void;
}

/** The user part of the URI of every list. */
export const buddyList = "buddies";
const eventlist = ["require", "eventlist"] as const;

interface Owner {
  readonly user: string;
  party: Party | undefined;
  readonly buddies: Map<string, Person>;
  readonly subscriptions: Set<Subscription>;
  /** Grows with each change of the buddies. */
  revision: number;
}

interface Subscription {
  readonly owner: Owner;
  readonly notifier: Notifier;
  version: number;
  /** The revision that was told last. */
  told: number;
}

/** Changes within so short a time are told together, ms: each NOTIFY is a whole list. */
const gatherMs = 400;
const portions = { portion: 2, everyMs: 2 };

export function buddies(
  ports: {
    readonly clock: Clock;
    readonly random: Random;
    readonly people: People;
    readonly documents: Documents;
    readonly terms: Terms;
  },
  realm: string,
): Buddies {
  const { clock, random, people, documents, terms } = ports;
  const owners = new Map<string, Owner>();
  const due = paced(clock, portions, (subscription: Subscription) => {
    if (subscription.told !== subscription.owner.revision) tell(subscription);
  });
  const gathering = gather(clock, gatherMs, (user) => {
    for (const subscription of owners.get(user)?.subscriptions ?? []) due.add(subscription);
  });

  /** RFC 4662 §5.1: versions count the documents that were sent. */
  function tell(subscription: Subscription): void {
    subscription.notifier.notify(() => document(subscription));
  }

  function document(subscription: Subscription): Body {
    const { owner } = subscription;
    subscription.version += 1;
    subscription.told = owner.revision;
    return listDocument(
      { uri: documents.entityOf(buddyList), version: subscription.version, boundary: random.token(12), host: realm },
      [...owner.buddies.values()].map((person) => ({
        uri: documents.entityOf(person.user),
        document: documents.of(person).content,
      })),
    );
  }

  function put(owner: Owner, person: Person, party: Party | undefined): void {
    const { user } = person;
    const before = owner.buddies.get(user);
    const isBuddy = user !== owner.user && owner.party && party && mayTalk(owner.party, party);
    if (isBuddy && person.status !== "offline") owner.buddies.set(user, person);
    else owner.buddies.delete(user);
    const after = owner.buddies.get(user);
    if (before === after || (before && after && sameShown(before, after))) return;
    owner.revision += 1;
    gathering.changed(owner.user);
  }

  function fill(owner: Owner): void {
    owner.party = people.party(owner.user);
    for (const person of owner.buddies.values()) put(owner, person, people.party(person.user));
    for (const person of people.present()) put(owner, person, people.party(person.user));
  }

  function forget(subscription: Subscription): void {
    const { owner } = subscription;
    due.remove(subscription);
    terms.over(owner.user);
    owner.subscriptions.delete(subscription);
    if (owner.subscriptions.size === 0) owners.delete(owner.user);
  }

  function endAll({ subscriptions }: Owner, terminated: "rejected" | "deactivated"): void {
    for (const subscription of [...subscriptions]) {
      forget(subscription);
      subscription.notifier.notify(() => document(subscription), { terminated });
    }
  }

  function ownerOf(user: string): Owner {
    const known = owners.get(user);
    if (known) return known;
    const owner: Owner = { user, party: undefined, buddies: new Map(), subscriptions: new Set(), revision: 0 };
    fill(owner);
    return owner;
  }

  return {
    accept(subscribe, user) {
      const { request } = subscribe;
      const tags = [...headers(request, "supported"), ...headers(request, "require")].flatMap(splitList);
      // RFC 4662 §4.2
      if (!tags.includes("eventlist")) return subscribe.respond(421, { headers: [eventlist] });
      const seconds = terms.grant(subscribe, user);
      if (seconds === undefined) return;
      const owner = ownerOf(user);
      const notifier = subscribe.accept(
        seconds,
        {
          onRefresh: () => tell(subscription),
          lastBody: () => document(subscription),
          onEnd: () => forget(subscription),
        },
        [eventlist],
      );
      const subscription: Subscription = { owner, notifier, version: -1, told: -1 };
      owners.set(user, owner);
      owner.subscriptions.add(subscription);
      tell(subscription);
    },
    changed(user) {
      if (owners.size === 0) return;
      const person = people.person(user);
      const party = people.party(user);
      for (const owner of owners.values()) put(owner, person, party);
    },
    reconsider(user) {
      const owner = owners.get(user);
      if (!owner) return;
      fill(owner);
      if (!owner.party) endAll(owner, "rejected");
    },
    end(user) {
      const owner = owners.get(user);
      if (!owner) return;
      // Nobody's list: the last word is for somebody who has to prove anew who they are.
      owner.buddies.clear();
      endAll(owner, "deactivated");
    },
    close() {
      gathering.close();
      due.close();
      owners.clear();
    },
  };
}
