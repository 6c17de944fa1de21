/**
 * The index of a log: one SQLite file beside the recordings, so that both go where the disk goes. What it says stands in the recordings
 * too: one that is damaged, or another version's, is removed and made anew from them. Throws DeviceError where the disk is at fault.
 */
import { existsSync, rmSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { blaming, connect, Damage } from "../store/connection.ts";
import { create, secure } from "../store/file.ts";
import { statement } from "../store/statement.ts";
import type { BurstEnd, Entry, Selection } from "./protocol.ts";

export interface BurstIndex {
  add(entry: Omit<Entry, "id">): void;
  remove(id: number): void;
  find(id: number): Entry | undefined;
  /** The latest first. */
  list(selection: Selection, most: number): readonly Entry[];
  /** Of those that began at `from` or later, Unix ms. */
  oldest(from?: number): Entry | undefined;
  /** Absolute paths of all recordings, and their ids. */
  files(): ReadonlyMap<string, number>;
  bytes(): number;
  close(): void;
}

/** PRAGMA user_version. */
const version = 1;
const schema = `
CREATE TABLE bursts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  talkgroup TEXT NOT NULL,
  talker TEXT NOT NULL,
  started_at INTEGER NOT NULL, -- Unix ms
  length_ms INTEGER NOT NULL CHECK (length_ms >= 0),
  "end" TEXT NOT NULL CHECK ("end" IN ('complete', 'revoked', 'lost', 'crash')),
  file TEXT NOT NULL UNIQUE, -- from the folder of the log
  bytes INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT;
CREATE INDEX bursts_by_time ON bursts (started_at, id);
CREATE INDEX bursts_by_talkgroup ON bursts (talkgroup, started_at, id);
PRAGMA user_version = ${version};
`;

export const indexName = "index.db";

export function openBurstIndex(folder: string): BurstIndex {
  const file = join(folder, indexName);
  const database = opened(file);
  const asked = <Result>(work: () => Result): Result => blaming(file, "program", work);
  const get = (sql: string, ...values: (string | number)[]) => statement(database, sql).get(...values);

  function entryOf(row: Record<string, unknown>): Entry {
    const { id, talkgroup, talker, started_at, length_ms, end, file: path, bytes } = row;
    return {
      id: Number(id),
      talkgroup: String(talkgroup),
      talker: String(talker),
      startedAt: Number(started_at),
      lengthMs: Number(length_ms),
      // The table takes no other.
      end: String(end) as BurstEnd,
      file: join(folder, String(path)),
      bytes: Number(bytes),
    };
  }

  return {
    add({ talkgroup, talker, startedAt, lengthMs, end, file: path, bytes }) {
      const from = isAbsolute(path) ? relative(folder, path) : path;
      asked(() =>
        statement(
          database,
          `INSERT OR REPLACE INTO bursts (talkgroup, talker, started_at, length_ms, "end", file, bytes)
            VALUES (?, ?, ?, ?, ?, ?, ?)`,
        ).run(talkgroup, talker, Math.round(startedAt), Math.round(lengthMs), end, from, bytes),
      );
    },
    remove: (id) => void asked(() => statement(database, "DELETE FROM bursts WHERE id = ?").run(id)),
    find(id) {
      const row = asked(() => get("SELECT * FROM bursts WHERE id = ?", id));
      return row && entryOf(row);
    },
    list: ({ talkgroups, talker, from, before }, most) =>
      asked(() =>
        statement(
          database,
          `SELECT * FROM bursts WHERE (?1 IS NULL OR talkgroup IN (SELECT value FROM json_each(?1)))
            AND (?2 IS NULL OR talker = ?2) AND started_at >= ?3 AND started_at < ?4
            ORDER BY started_at DESC, id DESC LIMIT ?5`,
        )
          .all(
            talkgroups ? JSON.stringify(talkgroups) : null,
            talker ?? null,
            from ?? 0,
            before ?? Number.MAX_SAFE_INTEGER,
            most,
          )
          .map(entryOf),
      ),
    oldest(from = 0) {
      const row = asked(() => get("SELECT * FROM bursts WHERE started_at >= ? ORDER BY started_at, id LIMIT 1", from));
      return row && entryOf(row);
    },
    files: () =>
      asked(
        () =>
          new Map(
            statement(database, "SELECT id, file FROM bursts")
              .all()
              .map(({ id, file: path }) => [join(folder, String(path)), Number(id)]),
          ),
      ),
    bytes: () => Number(asked(() => get("SELECT sum(bytes) AS bytes FROM bursts"))?.["bytes"] ?? 0),
    close: () => database.close(),
  };
}

function opened(file: string): DatabaseSync {
  try {
    return openedAsItIs(file);
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    for (const part of ["", "-wal", "-shm"]) rmSync(`${file}${part}`, { force: true });
    return openedAsItIs(file);
  }
}

/** Throws Damage, also for one of another version. */
function openedAsItIs(file: string): DatabaseSync {
  const isNew = !existsSync(file);
  create(file);
  secure(file);
  const database = connect(file);
  try {
    blaming(file, "database", () => {
      // Its log is small, for the disk may be: by default it would take 4 MB before it is folded in.
      database.exec("PRAGMA wal_autocheckpoint = 32; PRAGMA journal_size_limit = 131072");
      const found = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
      const isEmpty = database.prepare("SELECT 1 FROM sqlite_schema").get() === undefined;
      if (isNew || isEmpty) return database.exec(`BEGIN IMMEDIATE; ${schema} COMMIT`);
      const check = database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
      if (found !== version || check !== "ok") throw new Damage(`version ${found}, ${check}`);
    });
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
