/** Subscriptions to talkgroups (RFC 6665, event "conference" of RFC 4575): each is told who is there, at once and at each change. */
import type { Clock } from "../../hal/clock/port.ts";
import type { Flow, IncomingSubscribe, Notifier } from "../sip/endpoint.ts";
import type { Account } from "./accounts.ts";
import { conferenceInfo } from "./conference-info.ts";
import { direct } from "./direct.ts";
import { gather } from "./pace.ts";
import { subscriptionTerms } from "./terms.ts";

export interface Subscriptions {
  /** Answers a subscription that is authorised; true when it was accepted. */
  accept(subscribe: IncomingSubscribe, account: Account, talkgroup: string, handlers: SubscriptionHandlers): boolean;
  /** The members of a talkgroup changed. */
  changed(talkgroup: string): void;
  /** Ends those of a user that the account allows no more; undefined: every one. */
  retain(user: string, account: Account | undefined): void;
  close(): void;
}

export interface SubscriptionHandlers {
  /** The terminal refreshed it, by this flow. */
  onRefresh(flow: Flow): void;
  /** It is over; called once, but not for `close`. */
  onEnd(): void;
}

interface Subscription {
  readonly user: string;
  readonly notifier: Notifier;
  /** Nothing is heard of it any more. */
  readonly over: () => void;
  version: number;
}

const most = { ofAccount: 32, inAll: 10_000 };
/** Changes within so short a time are told together, ms. */
const gatherMs = 100;

export function subscriptions(
  clock: Clock,
  ask: {
    /** "sip:ops@example.org" */
    readonly entityOf: (talkgroup: string) => string;
    /** Addresses of record. */
    readonly membersOf: (talkgroup: string) => readonly string[];
  },
): Subscriptions {
  const byTalkgroup = new Map<string, Set<Subscription>>();
  const terms = subscriptionTerms(most);
  const gathering = gather(clock, gatherMs, tell);

  const state = (subscription: Subscription, talkgroup: string) => {
    subscription.version += 1;
    return conferenceInfo(ask.entityOf(talkgroup), ask.membersOf(talkgroup), subscription.version);
  };

  function tell(talkgroup: string): void {
    for (const subscription of byTalkgroup.get(talkgroup) ?? [])
      subscription.notifier.notify(state(subscription, talkgroup));
  }

  return {
    accept(subscribe, { user }, talkgroup, handlers) {
      const seconds = terms.grant(subscribe, user);
      if (seconds === undefined) return false;
      const notifier = subscribe.accept(seconds, {
        onRefresh(flow) {
          handlers.onRefresh(flow);
          notifier.notify(state(subscription, talkgroup));
        },
        lastBody: () => state(subscription, talkgroup),
        onEnd: over,
      });
      function over(): void {
        terms.over(user);
        all.delete(subscription);
        handlers.onEnd();
      }
      const subscription: Subscription = { user, notifier, over, version: -1 };
      const all = byTalkgroup.get(talkgroup) ?? new Set();
      byTalkgroup.set(talkgroup, all.add(subscription));
      notifier.notify(state(subscription, talkgroup));
      return true;
    },
    changed(talkgroup) {
      if (byTalkgroup.get(talkgroup)?.size) gathering.changed(talkgroup);
    },
    retain(user, account) {
      for (const [talkgroup, all] of byTalkgroup) {
        if (account && (talkgroup === direct || account.talkgroups.has(talkgroup))) continue;
        for (const { user: owner, notifier, over } of [...all]) {
          if (owner !== user) continue;
          // RFC 6665 §4.1.3: "rejected" is for good; after "deactivated" the terminal may ask again, and prove anew who it is.
          notifier.notify(undefined, { terminated: account ? "rejected" : "deactivated" });
          over();
        }
      }
    },
    close() {
      gathering.close();
      byTalkgroup.clear();
    },
  };
}
