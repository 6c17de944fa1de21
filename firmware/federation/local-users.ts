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
  /** Whether somebody here is in it or hears it. */
  needs(talkgroup: string): boolean;
  /** Those that are needed. */
  talkgroups(): Iterable<string>;
}

interface LocalUser {
  readonly body: Uint8Array;
  readonly talkgroups: readonly string[];
  /** Those, and what else the user hears. */
  readonly needed: readonly string[];
}

/**
 * The users of this gateway. `enter` and `leave` tell of the first here who is in a talkgroup or hears it, and of the last; `turn`
 * that whoever hears it is joined by its first member, or left by its last.
 */
export function localUsers(
  limits: RealmLimits,
  tell: { enter(talkgroup: string): void; leave(talkgroup: string): void; turn(talkgroup: string): void },
): LocalUsers {
  const users = new Map<string, LocalUser>();
  const members = tally();
  const needed = tally();

  function replace(user: string, after: LocalUser | undefined): void {
    const before = users.get(user);
    if (after) users.set(user, after);
    else users.delete(user);
    const joined = (after?.talkgroups ?? []).filter((talkgroup) => members.add(talkgroup));
    const quit = (before?.talkgroups ?? []).filter((talkgroup) => members.remove(talkgroup));
    const entered = (after?.needed ?? []).filter((talkgroup) => needed.add(talkgroup));
    const left = (before?.needed ?? []).filter((talkgroup) => needed.remove(talkgroup));
    entered.forEach(tell.enter);
    for (const talkgroup of [...joined, ...quit])
      if (!entered.includes(talkgroup) && !left.includes(talkgroup)) tell.turn(talkgroup);
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
      const { listens = [] } = state;
      const body = encodePresence({ ...state, talkgroups });
      if (!body || !fitsTopic(user)) return "refused";
      if (before && Buffer.compare(before.body, body) === 0) return "same";
      const all = [...new Set([...talkgroups, ...listens])];
      const further = all.filter((talkgroup) => !needed.has(talkgroup)).length;
      if (needed.size() + further > limits.talkgroups) return "refused";
      if (!before && users.size >= limits.usersPerGateway) return "refused";
      replace(user, { body, talkgroups, needed: all });
      return "changed";
    },
    bodyOf: (user) => users.get(user)?.body,
    names: () => users.keys(),
    hasMembers: members.has,
    needs: needed.has,
    talkgroups: needed.names,
  };
}
