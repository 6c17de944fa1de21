/** Subscriptions to talkgroups (RFC 6665, event "conference" of RFC 4575): each is told who is there, at once and at each change. */
import type { Cancel, Clock } from "../../hal/clock/port.ts";
import type { IncomingSubscribe, Notifier } from "../sip/endpoint.ts";
import { ProtocolError } from "../sip/message.ts";
import type { Account } from "./accounts.ts";
import { conferenceInfo } from "./conference-info.ts";

export interface Subscriptions {
  /** Answers a subscription that is authorised; true when it was accepted: `onEnd` is then called once, when it is over. Throws ProtocolError. */
  accept(subscribe: IncomingSubscribe, account: Account, talkgroup: string, onEnd: () => void): boolean;
  /** The members of a talkgroup changed. */
  changed(talkgroup: string): void;
  close(): void;
}

interface Subscription {
  readonly notifier: Notifier;
  version: number;
}

/** Seconds. */
const usual = 600;
const shortest = 30;
const longest = 3_600;
const mostOfAccount = 32;
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
  const byAccount = new Map<string, number>();
  const gathering = new Map<string, Cancel>();

  const state = (subscription: Subscription, talkgroup: string) => {
    subscription.version += 1;
    return conferenceInfo(ask.entityOf(talkgroup), ask.membersOf(talkgroup), subscription.version);
  };

  function tell(talkgroup: string): void {
    gathering.delete(talkgroup);
    for (const subscription of byTalkgroup.get(talkgroup) ?? [])
      subscription.notifier.notify(state(subscription, talkgroup));
  }

  return {
    accept(subscribe, { user }, talkgroup, onEnd) {
      const asked = subscribe.expires ?? usual;
      if (asked > 0 && asked < shortest) {
        subscribe.respond(423, { headers: [["min-expires", `${shortest}`]] });
        return false;
      }
      const count = byAccount.get(user) ?? 0;
      if (count >= mostOfAccount) throw new ProtocolError(403, `more than ${mostOfAccount} subscriptions of ${user}`);
      byAccount.set(user, count + 1);
      const notifier = subscribe.accept(Math.min(asked, longest), {
        onRefresh: () => notifier.notify(state(subscription, talkgroup)),
        lastBody: () => state(subscription, talkgroup),
        onEnd() {
          byAccount.set(user, (byAccount.get(user) ?? 1) - 1);
          all.delete(subscription);
          onEnd();
        },
      });
      const subscription: Subscription = { notifier, version: -1 };
      const all = byTalkgroup.get(talkgroup) ?? new Set();
      byTalkgroup.set(talkgroup, all.add(subscription));
      notifier.notify(state(subscription, talkgroup));
      return true;
    },
    changed(talkgroup) {
      if (gathering.has(talkgroup) || !byTalkgroup.get(talkgroup)?.size) return;
      gathering.set(
        talkgroup,
        clock.after(gatherMs, () => tell(talkgroup)),
      );
    },
    close() {
      for (const cancel of gathering.values()) cancel();
      gathering.clear();
    },
  };
}
