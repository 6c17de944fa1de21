/** On which terms a subscription is taken: for how long, and how many there may be. */
import type { IncomingSubscribe } from "../sip/endpoint.ts";

export interface Terms {
  /** The seconds to grant; the subscription counts until `over`. Undefined: it has been refused. */
  grant(subscribe: Pick<IncomingSubscribe, "expires" | "respond">, user: string): number | undefined;
  over(user: string): void;
}

/** Seconds. */
const usual = 600;
const shortest = 30;
const longest = 3_600;

export function subscriptionTerms(most: { readonly ofAccount: number; readonly inAll: number }): Terms {
  const byAccount = new Map<string, number>();
  let all = 0;

  return {
    grant(subscribe, user) {
      const asked = subscribe.expires ?? usual;
      if (asked > 0 && asked < shortest) {
        subscribe.respond(423, { headers: [["min-expires", `${shortest}`]] });
        return undefined;
      }
      const count = byAccount.get(user) ?? 0;
      // Those of a terminal that died are over before long: a refusal, but not for good.
      if (count >= most.ofAccount || all >= most.inAll) {
        subscribe.respond(503, { headers: [["retry-after", `${shortest}`]] });
        return undefined;
      }
      byAccount.set(user, count + 1);
      all += 1;
      return Math.min(asked, longest);
    },
    over(user) {
      const left = (byAccount.get(user) ?? 1) - 1;
      if (left > 0) byAccount.set(user, left);
      else byAccount.delete(user);
      all -= 1;
    },
  };
}
