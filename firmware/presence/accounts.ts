/**
 * Who there is and what each may do. Of passwords only the digest hashes are known, and whoever hands them over may change them
 * at any time. A user may have further identities: accounts of their own rights, which the user's password proves.
 */
import { type DigestAlgorithm, ha1 } from "../sip/digest.ts";
import { scannedFrom, type TerminalSettings, type Terminals } from "./terminal.ts";

export interface Account extends TerminalSettings {
  readonly user: string;
  /** The user whose password proves this identity; absent: this user's own does. */
  readonly owner?: string;
  /** The further identities of this user, by name. */
  readonly identities: readonly string[];
  /** "sip:alice@example.org" */
  readonly aor: string;
  readonly talkgroups: ReadonlySet<string>;
  /** Talkgroups whose session comes with the registration, unasked. */
  readonly standing: readonly string[];
  readonly listenOnly: ReadonlySet<string>;
  /** Talkgroups where the user is a dispatcher: may talk, call others in, and dial out of it. */
  readonly dispatches: ReadonlySet<string>;
  /** Talkgroups where the user waits for the floor, whatever their priority. */
  readonly noPreempt: ReadonlySet<string>;
  /** Talkgroups where the user may call an emergency. */
  readonly raises: ReadonlySet<string>;
  /** Floor priority, 0..255. */
  readonly priority: number;
  /** In the talkgroups where it is another one. */
  readonly priorities: ReadonlyMap<string, number>;
  /** How the user, or the owner of this identity, may prove who they are. */
  readonly digest: readonly DigestAlgorithm[];
}

/** The source of accounts, as those see it who are asked who somebody is; what stands behind it (a file, a directory) is its own matter. */
export interface Accounts {
  /** Undefined for an identity, too, whose owner is nobody. */
  find(user: string): Account | undefined;
  /** H(user:realm:password) in hex, undefined for nobody, for an identity, and for what the user may not use. */
  ha1(user: string, algorithm: DigestAlgorithm): string | undefined;
}

/** An account as its source hands it over. */
export interface AccountRecord {
  readonly user: string;
  /** Absent: the user has a password. An owner is no identity itself. */
  readonly owner?: string;
  readonly priority: number;
  /** H(user:realm:password) in hex, by digest algorithm; those that are not known here count for nothing. */
  readonly hashes: ReadonlyMap<string, string>;
  readonly memberships: readonly Membership[];
}

export interface Membership {
  readonly talkgroup: string;
  /** A dispatcher may talk, as everybody may who does not listen only. */
  readonly role: "talk" | "listen" | "dispatcher";
  /** Absent: the account's. */
  readonly priority?: number;
  /** A higher priority than a talker's takes the floor away. */
  readonly mayPreempt: boolean;
  /** The user may call an emergency there. */
  readonly mayRaise?: true;
  readonly standing: boolean;
}

/** What became of a user: other rights, or another proof, which is as if somebody else came. */
export type AccountChange = "rights" | "proof";

/** Accounts in memory. */
export interface AccountBook extends Accounts {
  put(record: AccountRecord): AccountChange;
  remove(user: string): void;
}

const algorithms: readonly DigestAlgorithm[] = ["SHA-256", "MD5"];

export function accountBook(
  records: readonly AccountRecord[],
  realm: string,
  terminals: Terminals = new Map(),
): AccountBook {
  const book = new Map<string, AccountRecord>();
  /** What comes of the records; an identity with its owner, and an owner with the identities. */
  const accounts = new Map<string, Account>();
  const identities = new Map<string, Set<string>>();

  function compose(user: string): void {
    const record = book.get(user);
    const owner = record?.owner === undefined ? record : book.get(record.owner);
    if (record && owner && owner.owner === undefined)
      accounts.set(user, {
        ...accountOf(record, owner, [...(identities.get(user) ?? [])].sort(), realm),
        ...terminals.get(user),
      });
    else accounts.delete(user);
  }

  /** The user has another record now, or none. */
  function replace(user: string, record: AccountRecord | undefined): void {
    const before = book.get(user);
    if (before?.owner !== undefined) identities.get(before.owner)?.delete(user);
    if (record) book.set(user, record);
    else book.delete(user);
    if (record?.owner !== undefined)
      identities.set(record.owner, (identities.get(record.owner) ?? new Set()).add(user));
    for (const owner of [before?.owner, record?.owner]) if (owner !== undefined) compose(owner);
    compose(user);
    for (const identity of identities.get(user) ?? []) compose(identity);
  }

  function put(record: AccountRecord): AccountChange {
    const before = book.get(record.user);
    replace(record.user, record);
    const proofs = ({ owner, hashes }: AccountRecord) =>
      [owner, ...algorithms.map((algorithm) => hashes.get(algorithm))].join();
    return before && proofs(before) === proofs(record) ? "rights" : "proof";
  }

  for (const record of records) put(record);
  return {
    put,
    remove: (user) => replace(user, undefined),
    find: (user) => accounts.get(user),
    ha1: (user, algorithm) => book.get(user)?.hashes.get(algorithm),
  };
}

function accountOf(
  { user, owner, priority, memberships }: AccountRecord,
  prover: AccountRecord,
  identities: readonly string[],
  realm: string,
): Account {
  const named = (wanted: (membership: Membership) => boolean): string[] =>
    memberships.filter(wanted).map(({ talkgroup }) => talkgroup);
  return {
    user,
    ...(owner !== undefined && { owner }),
    identities,
    aor: `sip:${user}@${realm}`,
    talkgroups: new Set(named(() => true)),
    standing: named(({ standing }) => standing),
    listenOnly: new Set(named(({ role }) => role === "listen")),
    dispatches: new Set(named(({ role }) => role === "dispatcher")),
    noPreempt: new Set(named(({ mayPreempt }) => !mayPreempt)),
    raises: new Set(named(({ mayRaise }) => mayRaise === true)),
    priority,
    priorities: new Map(
      memberships.flatMap((each) => (each.priority === undefined ? [] : [[each.talkgroup, each.priority] as const])),
    ),
    digest: algorithms.filter((algorithm) => prover.hashes.has(algorithm)),
  };
}

/** Floor priority in a talkgroup, 0..255. */
export function priorityIn(account: Account, talkgroup: string): number {
  return account.priorities.get(talkgroup) ?? account.priority;
}

/** What a leg in this talkgroup is provisioned with, but for the ending of emergencies: who becomes a dispatcher keeps the session, and can from the next on. */
export function sameRights(one: Account, other: Account, talkgroup: string): boolean {
  if (!sameThere(one, other, talkgroup)) return false;
  const [scanned, others] = [scannedFrom(one, talkgroup), scannedFrom(other, talkgroup)];
  return scanned.join() === others.join() && scanned.every((group) => sameThere(one, other, group));
}

function sameThere(one: Account, other: Account, talkgroup: string): boolean {
  const isSame = (["listenOnly", "noPreempt", "raises"] as const).every(
    (right) => one[right].has(talkgroup) === other[right].has(talkgroup),
  );
  return isSame && priorityIn(one, talkgroup) === priorityIn(other, talkgroup);
}

/** An account as the configuration has it. */
export interface AccountEntry {
  readonly user: string;
  /** One of these two. */
  readonly password?: string;
  readonly identityOf?: string;
  readonly talkgroups: readonly string[];
  readonly standing: readonly string[];
  readonly listenOnly: readonly string[];
  readonly dispatcher: readonly string[];
  readonly noPreempt: readonly string[];
  readonly emergency?: readonly string[];
  readonly priority: number;
  readonly digest: readonly DigestAlgorithm[];
}

export function recordOf(entry: AccountEntry, realm: string): AccountRecord {
  const {
    user,
    password,
    identityOf: owner,
    talkgroups,
    standing,
    listenOnly,
    dispatcher,
    noPreempt,
    emergency,
  } = entry;
  return {
    user,
    ...(owner !== undefined && { owner }),
    priority: entry.priority,
    hashes: password === undefined ? new Map() : hashesOf({ user, realm, password }, entry.digest),
    memberships: talkgroups.map((talkgroup) => ({
      talkgroup,
      role: listenOnly.includes(talkgroup) ? "listen" : dispatcher.includes(talkgroup) ? "dispatcher" : "talk",
      mayPreempt: !noPreempt.includes(talkgroup),
      ...(emergency?.includes(talkgroup) && { mayRaise: true }),
      standing: standing.includes(talkgroup),
    })),
  };
}

/** All that is kept of a password. */
export function hashesOf(
  of: { readonly user: string; readonly realm: string; readonly password: string },
  digest: readonly DigestAlgorithm[],
): ReadonlyMap<string, string> {
  return new Map(digest.map((algorithm) => [algorithm, ha1(of.user, of.realm, of.password, algorithm)]));
}

export function accountsFrom(entries: readonly AccountEntry[], realm: string): AccountBook {
  return accountBook(
    entries.map((entry) => recordOf(entry, realm)),
    realm,
  );
}
