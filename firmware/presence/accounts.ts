/** Who there is and what each may do. Of passwords only the digest hashes are known, and whoever hands them over may change them at any time. */
import { type DigestAlgorithm, ha1 } from "../sip/digest.ts";

export interface Account {
  readonly user: string;
  /** "sip:alice@example.org" */
  readonly aor: string;
  readonly talkgroups: ReadonlySet<string>;
  /** Talkgroups whose session comes with the registration, unasked. */
  readonly standing: readonly string[];
  readonly listenOnly: ReadonlySet<string>;
  /** Talkgroups that the user dispatches. */
  readonly dispatches: ReadonlySet<string>;
  /** Floor priority, 0..255. */
  readonly priority: number;
  /** In the talkgroups where it is another one. */
  readonly priorities: ReadonlyMap<string, number>;
  /** How the user may prove who they are. */
  readonly digest: readonly DigestAlgorithm[];
}

/** The source of accounts, as those see it who are asked who somebody is; what stands behind it (a file, a directory) is its own matter. */
export interface Accounts {
  find(user: string): Account | undefined;
  /** H(user:realm:password) in hex, undefined for nobody and for what the user may not use. */
  ha1(user: string, algorithm: DigestAlgorithm): string | undefined;
}

/** An account as its source hands it over. */
export interface AccountRecord {
  readonly user: string;
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

export function accountBook(records: readonly AccountRecord[], realm: string): AccountBook {
  const book = new Map<string, { readonly record: AccountRecord; readonly account: Account }>();

  function put(record: AccountRecord): AccountChange {
    const { user } = record;
    const before = book.get(user);
    book.set(user, { record, account: accountOf(record, realm) });
    const proofs = (of: AccountRecord) => algorithms.map((algorithm) => of.hashes.get(algorithm)).join();
    return before && proofs(before.record) === proofs(record) ? "rights" : "proof";
  }

  for (const record of records) put(record);
  return {
    put,
    remove: (user) => void book.delete(user),
    find: (user) => book.get(user)?.account,
    ha1: (user, algorithm) => book.get(user)?.record.hashes.get(algorithm),
  };
}

function accountOf({ user, priority, hashes, memberships }: AccountRecord, realm: string): Account {
  const named = (wanted: (membership: Membership) => boolean): string[] =>
    memberships.filter(wanted).map(({ talkgroup }) => talkgroup);
  return {
    user,
    aor: `sip:${user}@${realm}`,
    talkgroups: new Set(named(() => true)),
    standing: named(({ standing }) => standing),
    listenOnly: new Set(named(({ role }) => role === "listen")),
    dispatches: new Set(named(({ role }) => role === "dispatcher")),
    priority,
    priorities: new Map(
      memberships.flatMap((each) => (each.priority === undefined ? [] : [[each.talkgroup, each.priority] as const])),
    ),
    digest: algorithms.filter((algorithm) => hashes.has(algorithm)),
  };
}

/** Floor priority in a talkgroup, 0..255. */
export function priorityIn(account: Account, talkgroup: string): number {
  return account.priorities.get(talkgroup) ?? account.priority;
}

/** What a leg in this talkgroup is provisioned with. */
export function sameRights(one: Account, other: Account, talkgroup: string): boolean {
  const isSame = one.listenOnly.has(talkgroup) === other.listenOnly.has(talkgroup);
  return isSame && priorityIn(one, talkgroup) === priorityIn(other, talkgroup);
}

/** An account as the configuration has it. */
export interface AccountEntry {
  readonly user: string;
  readonly password: string;
  readonly talkgroups: readonly string[];
  readonly standing: readonly string[];
  readonly listenOnly: readonly string[];
  readonly priority: number;
  readonly digest: readonly DigestAlgorithm[];
}

export function recordOf(entry: AccountEntry, realm: string): AccountRecord {
  const { user, password, talkgroups, standing, listenOnly, priority, digest } = entry;
  return {
    user,
    priority,
    hashes: hashesOf({ user, realm, password }, digest),
    memberships: talkgroups.map((talkgroup) => ({
      talkgroup,
      role: listenOnly.includes(talkgroup) ? "listen" : "talk",
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
