/**
 * The tables, by version: each migration leads from the one before it to the next, and is never changed once a gateway
 * has run it. A database says its version twice, in its header and in a table, so that neither alone is believed.
 */
import type { DatabaseSync } from "node:sqlite";

/** "Rogr": the database is ours (PRAGMA application_id). */
export const applicationId = 0x526f6772;

/** Who may change a row: the configuration file alone, or the roger command. */
const origin = "origin TEXT NOT NULL CHECK (origin IN ('config', 'command'))";

/** Notes in `changes` that a row of `table` came, went or became another; `name` is an expression over it. */
function noted(table: string, kind: string, name: (row: "NEW" | "OLD") => string): string {
  return (["INSERT", "UPDATE", "DELETE"] as const)
    .map((event) => {
      const changed = name(event === "DELETE" ? "OLD" : "NEW");
      return `CREATE TRIGGER ${table}_${event.toLowerCase()} AFTER ${event} ON ${table} BEGIN
        DELETE FROM changes WHERE kind = '${kind}' AND name = ${changed};
        INSERT INTO changes (kind, name) VALUES ('${kind}', ${changed});
      END;`;
    })
    .join("\n");
}

const accounts = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE talkgroups (
  name TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 64),
  end_of_media_ms INTEGER NOT NULL CHECK (end_of_media_ms >= 0),
  talk_ms INTEGER NOT NULL CHECK (talk_ms >= 0),
  grace_ms INTEGER NOT NULL CHECK (grace_ms >= 0),
  hang_ms INTEGER NOT NULL CHECK (hang_ms >= 0),
  ${origin}
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
  user TEXT PRIMARY KEY CHECK (length(user) BETWEEN 1 AND 64),
  name TEXT NOT NULL,
  priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 255),
  ${origin}
) STRICT, WITHOUT ROWID;

-- H(user:realm:password) and nothing that leads back to the password. A realm that is left behind is kept, for it may come back.
CREATE TABLE credentials (
  user TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE,
  realm TEXT NOT NULL,
  algorithm TEXT NOT NULL,
  ha1 TEXT NOT NULL CHECK (length(ha1) >= 32 AND ha1 NOT GLOB '*[^0-9a-f]*'),
  PRIMARY KEY (user, realm, algorithm)
) STRICT, WITHOUT ROWID;

CREATE TABLE memberships (
  user TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE,
  talkgroup TEXT NOT NULL REFERENCES talkgroups ON DELETE CASCADE,
  role TEXT NOT NULL CHECK (role IN ('talk', 'listen', 'dispatcher')),
  priority INTEGER CHECK (priority BETWEEN 0 AND 255),
  may_preempt INTEGER NOT NULL CHECK (may_preempt IN (0, 1)),
  standing INTEGER NOT NULL CHECK (standing IN (0, 1)),
  ${origin},
  PRIMARY KEY (user, talkgroup)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_by_talkgroup ON memberships (talkgroup);

-- What changed last, each thing once: a gateway that runs reads what is beyond the revision that it knows.
CREATE TABLE changes (
  revision INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('account', 'talkgroup')),
  name TEXT NOT NULL,
  UNIQUE (kind, name)
) STRICT;

${noted("accounts", "account", (row) => `${row}.user`)}
${noted("credentials", "account", (row) => `${row}.user`)}
${noted("memberships", "account", (row) => `${row}.user`)}
${noted("talkgroups", "talkgroup", (row) => `${row}.name`)}
`;

const bindings = `
-- Registrations: soft state, which the terminals renew.
CREATE TABLE bindings (
  user TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE,
  contact TEXT NOT NULL,
  transport TEXT NOT NULL,
  host TEXT NOT NULL,
  port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
  call_id TEXT NOT NULL,
  cseq INTEGER NOT NULL,
  q REAL CHECK (q BETWEEN 0 AND 1),
  expires_at INTEGER NOT NULL, -- Unix ms
  PRIMARY KEY (user, contact)
) STRICT, WITHOUT ROWID;

-- Whoever registered with the password before, or in the realm before, has to register anew.
CREATE TRIGGER proof_changed AFTER UPDATE OF ha1 ON credentials BEGIN
  DELETE FROM bindings WHERE user = NEW.user;
END;
CREATE TRIGGER proof_taken AFTER DELETE ON credentials BEGIN
  DELETE FROM bindings WHERE user = OLD.user;
END;
CREATE TRIGGER realm_left AFTER UPDATE ON meta WHEN NEW.key = 'realm' BEGIN
  DELETE FROM bindings;
END;
`;

const identities = `
-- The user whose credentials prove this one, an identity that has none.
ALTER TABLE accounts ADD COLUMN owner TEXT REFERENCES accounts ON DELETE CASCADE CHECK (owner <> user);
CREATE INDEX accounts_by_owner ON accounts (owner) WHERE owner IS NOT NULL;
`;

const floorOptions = `
-- What a talkgroup may have beside its times, as JSON.
ALTER TABLE talkgroups ADD COLUMN options TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(options));
-- Whether the user may call an emergency there.
ALTER TABLE memberships ADD COLUMN may_raise INTEGER NOT NULL DEFAULT 0 CHECK (may_raise IN (0, 1));
`;

/** The one at index n leads from version n to version n + 1. */
export const migrations: readonly string[] = [accounts, bindings, identities, floorOptions];

export const currentVersion = migrations.length;

/** What the header and the table say; they agree in a sound database. 0: nothing has been put into it yet. */
export function versionsOf(database: DatabaseSync): readonly [header: number, table: number] {
  const header = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  const hasMeta = database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'").get();
  const row = hasMeta && database.prepare("SELECT value FROM meta WHERE key = 'version'").get();
  return [header, Number(row?.["value"] ?? 0)];
}

/** Leads a database to version `to`, whole or not at all. Another process may be at it at the same time. */
export function migrate(database: DatabaseSync, to = currentVersion): void {
  if (versionsOf(database)[0] >= to) return;
  inTransaction(database, () => {
    for (let version = versionsOf(database)[0]; version < to; version++) database.exec(migrations[version] ?? "");
    database
      .prepare("INSERT INTO meta VALUES ('version', ?) ON CONFLICT DO UPDATE SET value = excluded.value")
      .run(`${to}`);
    database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${to}`);
  });
}

/** What every database of this version has: tables, indices and triggers, as SQLite keeps their text. */
export function schemaOf(database: DatabaseSync): ReadonlySet<string> {
  const rows = database.prepare("SELECT type, name, sql FROM sqlite_schema").all();
  return new Set(rows.map(({ type, name, sql }) => `${type} ${name}: ${sql}`));
}

/** All of it is done, or nothing. Waits for another writer. */
export function inTransaction<Result>(database: DatabaseSync, change: () => Result): Result {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = change();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
