/**
 * Subscriptions to the presence of one person each (RFC 3856). A watcher is told what the person's rules allow and nothing else: who
 * is blocked politely gets the very document of somebody who is offline, and no NOTIFY when something changes behind it.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Body, IncomingSubscribe, Notifier } from "../sip/endpoint.ts";
import { ProtocolError } from "../sip/message.ts";
import type { Documents } from "./documents.ts";
import { gather, paced } from "./pace.ts";
import type { People } from "./people.ts";
import { type Party, ruling } from "./rules.ts";
import type { Terms } from "./terms.ts";

export interface Watchers {
  /** Answers the SUBSCRIBE of a watcher who proved to be one. Throws ProtocolError 403. */
  accept(subscribe: IncomingSubscribe, watcher: string, user: string): void;
  /** What is shown of the user may be another now, or who may see it. */
  changed(user: string): void;
  /** The user is another watcher now, with another account. */
  reconsider(watcher: string): void;
  /** Whoever watches by this name has to prove anew who they are. */
  end(watcher: string): void;
  close(): void;
}

interface Watching {
  readonly watched: Watched;
  readonly watcher: string;
  party: Party | undefined;
  readonly notifier: Notifier;
  /** The last that the watcher was told, or will be. */
  told: Body;
}

interface Watched {
  readonly user: string;
  /** The document of somebody who is offline. */
  readonly offline: Body;
  party: Party | undefined;
  readonly by: Set<Watching>;
}

/** Changes within so short a time are told together, ms. */
const gatherMs = 200;
/** 8,000 in a second at most. */
const portions = { portion: 16, everyMs: 2 };

export function watchers(ports: {
  readonly clock: Clock;
  readonly people: People;
  readonly documents: Documents;
  readonly terms: Terms;
}): Watchers {
  const { clock, people, documents, terms } = ports;
  const all = new Map<string, Watched>();
  const due = paced(clock, portions, tell);
  const gathering = gather(clock, gatherMs, (user) => {
    const watched = all.get(user);
    if (!watched) return;
    watched.party = people.party(user);
    for (const watching of watched.by) due.add(watching);
  });

  /** Undefined: nothing, not even that. */
  function view({ user, offline, party }: Watched, watcher: Party | undefined): Body | undefined {
    if (!watcher) return undefined;
    const action = party ? ruling(party, watcher) : "allow";
    if (action === "block") return undefined;
    const person = people.person(user);
    return action === "allow" && person.status !== "offline" ? documents.of(person) : offline;
  }

  function tell(watching: Watching, always = false): void {
    const body = view(watching.watched, watching.party);
    if (!body) {
      forget(watching);
      return watching.notifier.notify(watching.watched.offline, { terminated: "rejected" });
    }
    if (!always && body.content === watching.told.content) return;
    watching.told = body;
    watching.notifier.notify(body);
  }

  function watchedBy(user: string): Watched {
    return { user, offline: documents.of({ user, status: "offline" }), party: undefined, by: new Set() };
  }

  function allOf(watcher: string): Watching[] {
    return [...all.values()].flatMap(({ by }) => [...by]).filter((watching) => watching.watcher === watcher);
  }

  function forget(watching: Watching): void {
    const { watched, watcher } = watching;
    due.remove(watching);
    terms.over(watcher);
    watched.by.delete(watching);
    if (watched.by.size === 0) all.delete(watched.user);
  }

  return {
    accept(subscribe, watcher, user) {
      const watched = all.get(user) ?? watchedBy(user);
      const party = people.party(watcher);
      watched.party = people.party(user);
      const told = view(watched, party);
      if (!told) throw new ProtocolError(403, `${watcher} may not watch ${user}`);
      const seconds = terms.grant(subscribe, watcher);
      if (seconds === undefined) return;
      const notifier = subscribe.accept(seconds, {
        onRefresh: () => tell(watching, true),
        lastBody: () => view(watched, watching.party),
        onEnd: () => forget(watching),
      });
      const watching: Watching = { watched, watcher, party, notifier, told };
      watched.by.add(watching);
      all.set(user, watched);
      notifier.notify(told);
    },
    changed(user) {
      if (all.has(user)) gathering.changed(user);
    },
    reconsider(watcher) {
      const party = people.party(watcher);
      for (const watching of allOf(watcher)) {
        watching.party = party;
        due.add(watching);
      }
    },
    end(watcher) {
      for (const watching of allOf(watcher)) {
        forget(watching);
        watching.notifier.notify(watching.watched.offline, { terminated: "deactivated" });
      }
    },
    close() {
      gathering.close();
      due.close();
      all.clear();
    },
  };
}
