/**
 * What the configuration file says is put into the database at each start. It wins for what it names; what it named
 * once and names no more goes; what the roger command added stays.
 */
import type { DatabaseSync } from "node:sqlite";
import { deleteAccount, putAccount, putHashes, putMembership, type StoredAccount } from "./accounts.ts";
import { inTransaction } from "./schema.ts";
import { statement } from "./statement.ts";
import { deleteTalkgroup, putTalkgroup, type StoredTalkgroup } from "./talkgroups.ts";

export interface Seed {
  /** Of the hashes. */
  readonly realm: string;
  /** Digest algorithms that a user is given hashes for. */
  readonly digest: readonly string[];
  readonly talkgroups: readonly StoredTalkgroup[];
  readonly accounts: readonly StoredAccount[];
}

export interface Seeded {
  /** Users and talkgroups of the roger command that stood in the way of a name in the configuration, and are gone. */
  readonly displaced: readonly string[];
  /** Identities of the roger command that are gone, for the configuration has no such user any more, or one who is an identity too. */
  readonly orphaned: readonly string[];
  /** Users of the roger command whose passwords were set for another realm. */
  readonly unprovable: readonly string[];
}

/** Commits at once, or changes nothing. */
export function sow(database: DatabaseSync, { realm, digest, talkgroups, accounts }: Seed): Seeded {
  const users = JSON.stringify(accounts.map(({ user }) => user));
  const names = JSON.stringify(talkgroups.map(({ name }) => name));
  const among = "(SELECT value FROM json_each(?))";
  const listed = (sql: string, ...values: string[]): string[] =>
    statement(database, sql)
      .all(...values)
      .map(({ name }) => String(name));

  return inTransaction(database, () => {
    note(database, "digest", JSON.stringify(digest));
    note(database, "realm", realm);

    const owners = JSON.stringify(accounts.flatMap(({ user, owner }) => (owner === undefined ? [user] : [])));
    const orphaned = listed(
      `SELECT user AS name FROM accounts WHERE origin = 'command' AND user NOT IN ${among} AND owner NOT IN ${among}
        AND owner IN (SELECT user FROM accounts WHERE origin = 'config' OR user IN ${among} OR user IN ${among})`,
      ...[users, owners, users, names],
    );
    for (const name of orphaned) deleteAccount(database, name);

    // Users and talkgroups are user parts of URIs in one realm: one name, one of them.
    const displaced = [
      ...listed(`SELECT user AS name FROM accounts WHERE user IN ${among}`, names),
      ...listed(`SELECT name FROM talkgroups WHERE name IN ${among}`, users),
    ];
    for (const name of displaced) {
      deleteAccount(database, name);
      deleteTalkgroup(database, name);
    }
    statement(database, `DELETE FROM talkgroups WHERE origin = 'config' AND name NOT IN ${among}`).run(names);
    statement(database, `DELETE FROM accounts WHERE origin = 'config' AND user NOT IN ${among}`).run(users);

    for (const talkgroup of talkgroups) putTalkgroup(database, talkgroup, "config");
    for (const account of ownersFirst(accounts)) sowAccount(database, account, realm);
    const unprovable = listed(
      `SELECT user AS name FROM accounts WHERE owner IS NULL
        AND user NOT IN (SELECT user FROM credentials WHERE realm = ?)`,
      realm,
    );
    return { displaced, orphaned, unprovable };
  });
}

/** A row that names another needs it to be there. */
function ownersFirst(accounts: readonly StoredAccount[]): readonly StoredAccount[] {
  return [
    ...accounts.filter(({ owner }) => owner === undefined),
    ...accounts.filter(({ owner }) => owner !== undefined),
  ];
}

function sowAccount(database: DatabaseSync, account: StoredAccount, realm: string): void {
  const { user, hashes, memberships } = account;
  putAccount(database, account, "config");
  putHashes(database, user, realm, hashes);
  const named = JSON.stringify(memberships.map(({ talkgroup }) => talkgroup));
  statement(
    database,
    `DELETE FROM memberships WHERE user = ? AND origin = 'config' AND talkgroup NOT IN
        (SELECT value FROM json_each(?))`,
  ).run(user, named);
  for (const membership of memberships) putMembership(database, user, membership, "config");
}

/** The realm whose hashes count, and the digest algorithms in use there; undefined before the first seed. */
export function notesIn(database: DatabaseSync): { readonly realm: string; readonly digest: string[] } | undefined {
  const read = (key: string): string | undefined => {
    const row = statement(database, "SELECT value FROM meta WHERE key = ?").get(key);
    return row && String(row["value"]);
  };
  const realm = read("realm");
  const digest: unknown = JSON.parse(read("digest") ?? "[]");
  if (realm === undefined || !Array.isArray(digest)) return undefined;
  return { realm, digest: digest.map(String) };
}

function note(database: DatabaseSync, key: string, value: string): void {
  statement(
    database,
    "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
  ).run(key, value);
}
