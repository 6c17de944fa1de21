/** Accounts as rows: users, the hashes that prove them, and the talkgroups that they are members of. */
import type { DatabaseSync } from "node:sqlite";
import { statement } from "./statement.ts";
import type { Origin } from "./talkgroups.ts";

export type Role = "talk" | "listen" | "dispatcher";

export interface StoredMembership {
  readonly talkgroup: string;
  readonly role: Role;
  /** Floor priority there, 0..255; absent: the account's. */
  readonly priority?: number;
  readonly mayPreempt: boolean;
  /** The user may call an emergency there. */
  readonly mayRaise?: true;
  /** Its session comes with the registration, unasked. */
  readonly standing: boolean;
}

export interface StoredAccount {
  readonly user: string;
  /** The user whose hashes prove this one, an identity that has none. */
  readonly owner?: string;
  /** For people; may be empty. */
  readonly name: string;
  /** Floor priority, 0..255. */
  readonly priority: number;
  /** H(user:realm:password) in hex, by digest algorithm, for the realm that was asked for. */
  readonly hashes: ReadonlyMap<string, string>;
  readonly memberships: readonly StoredMembership[];
}

export interface MembershipRow extends StoredMembership {
  readonly origin: Origin;
}

export interface AccountRow extends StoredAccount {
  readonly memberships: readonly MembershipRow[];
  readonly origin: Origin;
}

type Row = Record<string, unknown>;

const originOf = (value: unknown): Origin => (value === "config" ? "config" : "command");

function membershipOf({ talkgroup, role, priority, may_preempt, may_raise, standing, origin }: Row): MembershipRow {
  return {
    talkgroup: String(talkgroup),
    role: role === "listen" || role === "dispatcher" ? role : "talk",
    ...(priority !== null && { priority: Number(priority) }),
    mayPreempt: may_preempt === 1,
    ...(may_raise === 1 && { mayRaise: true }),
    standing: standing === 1,
    origin: originOf(origin),
  };
}

function grouped<Value>(rows: readonly Row[], cellOf: (row: Row) => Value): Map<unknown, Value[]> {
  const groups = new Map<unknown, Value[]>();
  for (const row of rows) {
    const group = groups.get(row["user"]);
    if (group) group.push(cellOf(row));
    else groups.set(row["user"], [cellOf(row)]);
  }
  return groups;
}

const hashOf = ({ algorithm, ha1 }: Row): readonly [string, string] => [String(algorithm), String(ha1)];

function accountOf(row: Row, hashes: Iterable<readonly [string, string]>, memberships: MembershipRow[]): AccountRow {
  const { user, owner, name, priority, origin } = row;
  return {
    user: String(user),
    ...(owner !== null && { owner: String(owner) }),
    name: String(name),
    priority: Number(priority),
    hashes: new Map(hashes),
    memberships,
    origin: originOf(origin),
  };
}

/** Everybody, by name. */
export function accountsIn(database: DatabaseSync, realm: string): readonly AccountRow[] {
  const hashes = grouped(statement(database, "SELECT * FROM credentials WHERE realm = ?").all(realm), hashOf);
  const memberships = grouped(statement(database, "SELECT * FROM memberships").all(), membershipOf);
  const rows = statement(database, "SELECT * FROM accounts ORDER BY user").all();
  return rows.map((row) => accountOf(row, hashes.get(row["user"]) ?? [], memberships.get(row["user"]) ?? []));
}

export function accountIn(database: DatabaseSync, user: string, realm: string): AccountRow | undefined {
  const row = statement(database, "SELECT * FROM accounts WHERE user = ?").get(user);
  if (!row) return undefined;
  const hashes = statement(database, "SELECT * FROM credentials WHERE user = ? AND realm = ?").all(user, realm);
  const memberships = statement(database, "SELECT * FROM memberships WHERE user = ?").all(user);
  return accountOf(row, hashes.map(hashOf), memberships.map(membershipOf));
}

/** The names of a user's identities. */
export function identitiesIn(database: DatabaseSync, owner: string): readonly string[] {
  const rows = statement(database, "SELECT user FROM accounts WHERE owner = ? ORDER BY user").all(owner);
  return rows.map(({ user }) => String(user));
}

/**
 * Adds it, or changes it to this; an owner is there before. Credentials and memberships are matters of their own. A row that
 * stays the same is left alone.
 */
export function putAccount(
  database: DatabaseSync,
  { user, owner, name, priority }: Pick<StoredAccount, "user" | "owner" | "name" | "priority">,
  origin: Origin,
): void {
  statement(
    database,
    `INSERT INTO accounts (user, name, priority, origin, owner) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
      name = excluded.name, priority = excluded.priority, origin = excluded.origin, owner = excluded.owner
      WHERE (name, priority, origin, owner) IS NOT
        (excluded.name, excluded.priority, excluded.origin, excluded.owner)`,
  ).run(user, name, priority, origin, owner ?? null);
}

/** From now on these prove the user, and no others: of no other realm either, for they came from the password before. */
export function putHashes(
  database: DatabaseSync,
  user: string,
  realm: string,
  hashes: ReadonlyMap<string, string>,
): void {
  const left = JSON.stringify([...hashes.keys()]);
  statement(
    database,
    "DELETE FROM credentials WHERE user = ? AND (realm <> ? OR algorithm NOT IN (SELECT value FROM json_each(?)))",
  ).run(user, realm, left);
  const put = statement(
    database,
    `INSERT INTO credentials VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    ha1 = excluded.ha1 WHERE ha1 <> excluded.ha1`,
  );
  for (const [algorithm, ha1] of hashes) put.run(user, realm, algorithm, ha1);
}

/** Adds it, or changes it to this. */
export function putMembership(
  database: DatabaseSync,
  user: string,
  {
    talkgroup,
    role,
    priority = null,
    mayPreempt,
    mayRaise,
    standing,
  }: Omit<StoredMembership, "priority"> & {
    readonly priority?: number | null;
  },
  origin: Origin,
): void {
  statement(
    database,
    `INSERT INTO memberships (user, talkgroup, role, priority, may_preempt, may_raise, standing, origin)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
      role = excluded.role, priority = excluded.priority, may_preempt = excluded.may_preempt,
      may_raise = excluded.may_raise, standing = excluded.standing, origin = excluded.origin
      WHERE (role, priority, may_preempt, may_raise, standing, origin) IS NOT
        (excluded.role, excluded.priority, excluded.may_preempt, excluded.may_raise, excluded.standing, excluded.origin)`,
  ).run(user, talkgroup, role, priority, Number(mayPreempt), Number(mayRaise === true), Number(standing), origin);
}

export function deleteMembership(database: DatabaseSync, user: string, talkgroup: string): void {
  statement(database, "DELETE FROM memberships WHERE user = ? AND talkgroup = ?").run(user, talkgroup);
}

/** With everything that is the user's, and the user's identities. */
export function deleteAccount(database: DatabaseSync, user: string): void {
  statement(database, "DELETE FROM accounts WHERE user = ?").run(user);
}
