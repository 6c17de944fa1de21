import { encodePresence, type RemotePresence } from "./body.ts";
import type { RealmLimits } from "./limits.ts";
import { tally } from "./tally.ts";
import { fitsTopic } from "./topic.ts";

export interface LocalUsers {
  /** "refused": beyond the limits of the realm, and then the user is as before. */
  set(user: string, state: RemotePresence | undefined): "changed" | "same" | "refused";
  /** The body that the realm should have of a user. */
  bodyOf(user: string): Uint8Array | undefined;
  names(): IterableIterator<string>;
  hasMembers(talkgroup: string): boolean;
  talkgroups(): Iterable<string>;
}

interface LocalUser {
  readonly body: Uint8Array;
  readonly talkgroups: readonly string[];
}

/** The users of this gateway. `enter` and `leave` tell of a talkgroup's first and last member here. */
export function localUsers(
  limits: RealmLimits,
  tell: { enter(talkgroup: string): void; leave(talkgroup: string): void },
): LocalUsers {
  const users = new Map<string, LocalUser>();
  const members = tally();

  function replace(user: string, after: LocalUser | undefined): void {
    const before = users.get(user);
    if (after) users.set(user, after);
    else users.delete(user);
    const entered = (after?.talkgroups ?? []).filter((talkgroup) => members.add(talkgroup));
    const left = (before?.talkgroups ?? []).filter((talkgroup) => members.remove(talkgroup));
    entered.forEach(tell.enter);
    left.forEach(tell.leave);
  }

  return {
    set(user, state) {
      const before = users.get(user);
      if (!state) {
        if (!before) return "same";
        replace(user, undefined);
        return "changed";
      }
      const talkgroups = [...new Set(state.talkgroups)];
      const body = encodePresence({ ...state, talkgroups });
      if (!body || !fitsTopic(user)) return "refused";
      if (before && Buffer.compare(before.body, body) === 0) return "same";
      const further = talkgroups.filter((talkgroup) => !members.has(talkgroup)).length;
      if (members.size() + further > limits.talkgroups) return "refused";
      if (!before && users.size >= limits.usersPerGateway) return "refused";
      replace(user, { body, talkgroups });
      return "changed";
    },
    bodyOf: (user) => users.get(user)?.body,
    names: () => users.keys(),
    hasMembers: members.has,
    talkgroups: members.names,
  };
}
