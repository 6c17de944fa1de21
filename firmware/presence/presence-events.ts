/**
 * The event package "presence" (RFC 3856): who may ask for whose state, and how it is told. Also the buddy list, whose URI is the same
 * for everybody: sip:buddies@realm.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Random } from "../../hal/random/port.ts";
import type { IncomingSubscribe } from "../sip/endpoint.ts";
import { splitList } from "../sip/header.ts";
import { headers, ProtocolError, type SipRequest } from "../sip/message.ts";
import { parseUri } from "../sip/uri.ts";
import { buddies, buddyList } from "./buddies.ts";
import { documents } from "./documents.ts";
import type { People } from "./people.ts";
import { pidfType } from "./pidf.ts";
import { subscriptionTerms } from "./terms.ts";
import { watchers } from "./watchers.ts";

export interface PresenceEvents {
  /** Answers a SUBSCRIBE of a user who proved to be one. Throws ProtocolError. */
  accept(subscribe: IncomingSubscribe, user: string): void;
  /** What is shown of the user may be another now, or who may see it. */
  changed(user: string): void;
  /** The user has another account or other rules now: as somebody who watches, and as somebody who is watched. */
  reconsider(user: string): void;
  /** The user is somebody else now, or nobody: what they watched ends. */
  end(user: string): void;
  close(): void;
}

const most = { ofAccount: 128, inAll: 10_000 };
/** Characters: no account has a longer name, here or anywhere in the realm. */
const longestUser = 128;

export function presenceEvents(
  ports: { readonly clock: Clock; readonly random: Random; readonly people: People },
  options: { readonly realm: string; readonly talkgroups: ReadonlySet<string> },
): PresenceEvents {
  const shared = { ...ports, documents: documents(options.realm), terms: subscriptionTerms(most) };
  const single = watchers(shared);
  const lists = buddies(shared, options.realm);

  return {
    accept(subscribe, watcher) {
      const { user = "" } = parseUri(subscribe.request.uri);
      if (!takesPidf(subscribe.request)) throw new ProtocolError(406, `a watcher that takes no ${pidfType}`);
      if (user === buddyList) return lists.accept(subscribe, watcher);
      // Whoever is not known here may be a user of another gateway: offline until that one tells.
      if (user === "" || user.length > longestUser || options.talkgroups.has(user))
        throw new ProtocolError(404, "nobody who has presence");
      single.accept(subscribe, watcher, user);
    },
    changed(user) {
      single.changed(user);
      lists.changed(user);
    },
    reconsider(user) {
      single.reconsider(user);
      lists.reconsider(user);
    },
    end(user) {
      single.end(user);
      lists.end(user);
    },
    close() {
      single.close();
      lists.close();
    },
  };
}

/** RFC 3856 §6.7: who does not say what they take, takes this. */
function takesPidf(request: SipRequest): boolean {
  const types = headers(request, "accept")
    .flatMap(splitList)
    .map((value) => value.split(";")[0]?.trim().toLowerCase());
  return types.length === 0 || [pidfType, "application/*", "*/*"].some((type) => types.includes(type));
}
