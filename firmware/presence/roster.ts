/**
 * Who is where, here and at other gateways, and who is in which talkgroup. A user of this gateway is in a talkgroup while a
 * session of theirs with it stands. It knows no SIP, and nothing of what people say of themselves.
 */

/** What gateways tell each other of a user. */
export interface Presence {
  readonly status: string;
  /** That a session of the user stands with. */
  readonly talkgroups: readonly string[];
  /** What else is shown of the user, and to whom (detail.ts). */
  readonly detail?: string;
}

/** Where a user of this gateway is. */
export interface Place {
  /** Registered ones. */
  readonly terminals: number;
  /** That a session stands with. */
  readonly talkgroups: readonly string[];
}

export interface RosterListener {
  /** A user of this gateway is elsewhere; undefined: nowhere any more. */
  place(user: string, place: Place | undefined): void;
  /** The members of a talkgroup changed. */
  members(talkgroup: string): void;
}

export interface Roster {
  /** A terminal of the user registered, or is no more. */
  registered(user: string, change: 1 | -1): void;
  /** A session of the user with a talkgroup stands, or does no more. */
  session(user: string, talkgroup: string, change: 1 | -1): void;
  /** A user of another gateway. */
  remote(gateway: string, user: string, state: Presence | undefined): void;
  /** User names, each once. */
  members(talkgroup: string): readonly string[];
}

interface Local {
  terminals: number;
  readonly sessions: Map<string, number>;
}

export function roster(listener: RosterListener): Roster {
  const locals = new Map<string, Local>();
  const remotes = new Map<string, readonly string[]>();
  /** By talkgroup, then by user: at how many places. */
  const talkgroups = new Map<string, Map<string, number>>();

  function enter(talkgroup: string, user: string, change: 1 | -1): void {
    const members = talkgroups.get(talkgroup) ?? new Map<string, number>();
    const count = (members.get(user) ?? 0) + change;
    if (count > 0) members.set(user, count);
    else members.delete(user);
    if (members.size > 0) talkgroups.set(talkgroup, members);
    else talkgroups.delete(talkgroup);
  }

  function localOf(user: string): Local {
    const local = locals.get(user) ?? { terminals: 0, sessions: new Map<string, number>() };
    locals.set(user, local);
    return local;
  }

  function tell(user: string, local: Local): void {
    const isThere = local.terminals > 0 || local.sessions.size > 0;
    if (!isThere) locals.delete(user);
    const place = { terminals: local.terminals, talkgroups: [...local.sessions.keys()] };
    listener.place(user, isThere ? place : undefined);
  }

  return {
    registered(user, change) {
      const local = localOf(user);
      local.terminals += change;
      tell(user, local);
    },
    session(user, talkgroup, change) {
      const local = localOf(user);
      const count = (local.sessions.get(talkgroup) ?? 0) + change;
      if (count > 0) local.sessions.set(talkgroup, count);
      else local.sessions.delete(talkgroup);
      enter(talkgroup, user, change);
      tell(user, local);
      listener.members(talkgroup);
    },
    remote(gateway, user, state) {
      const key = `${gateway}/${user}`;
      const before = remotes.get(key) ?? [];
      const after = state?.talkgroups ?? [];
      for (const talkgroup of before) enter(talkgroup, user, -1);
      for (const talkgroup of after) enter(talkgroup, user, 1);
      if (state) remotes.set(key, after);
      else remotes.delete(key);
      for (const talkgroup of new Set([...before, ...after]))
        if (before.includes(talkgroup) !== after.includes(talkgroup)) listener.members(talkgroup);
    },
    members: (talkgroup) => [...(talkgroups.get(talkgroup)?.keys() ?? [])],
  };
}
