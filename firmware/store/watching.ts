/**
 * Notices what another process (the roger command) changed: asks SQLite now and then whether the file was written by
 * anyone else, which costs no reading, and only then what is beyond the last revision that is known.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Cancel, Clock } from "../../hal/clock/port.ts";
import { type AccountRow, accountIn } from "./accounts.ts";
import { statement } from "./statement.ts";
import { type TalkgroupRow, talkgroupIn } from "./talkgroups.ts";

/** Undefined: it is no more. */
export interface StoreListener {
  talkgroup(name: string, talkgroup: TalkgroupRow | undefined): void;
  account(user: string, account: AccountRow | undefined): void;
}

const pollMs = 1_000;

export function revisionOf(database: DatabaseSync): number {
  return Number(statement(database, "SELECT max(revision) AS revision FROM changes").get()?.["revision"] ?? 0);
}

/** Tells of what is beyond `revision`: talkgroups before their members come, and after they have left. `onTrouble`: it cannot be read any more; it is tried again. */
export function watchChanges(
  clock: Clock,
  database: DatabaseSync,
  options: {
    readonly revision: number;
    readonly realm: string;
    /** What is up to it is told in the same turn. */
    readonly onRevision: (revision: number) => void;
  },
  listener: StoreListener,
  onTrouble: (error: unknown) => void,
): Cancel {
  const version = statement(database, "PRAGMA data_version");
  const beyond = statement(database, "SELECT revision, kind, name FROM changes WHERE revision > ? ORDER BY revision");
  let { revision } = options;
  let seen: unknown;
  let troubled = false;

  function read(): (() => void)[] {
    // One moment of the database, whoever writes meanwhile.
    database.exec("BEGIN");
    try {
      const changes = beyond.all(revision);
      const names = (kind: string): string[] =>
        changes.filter((change) => change["kind"] === kind).map(({ name }) => String(name));
      const talkgroups = names("talkgroup").map((name) => ({ name, row: talkgroupIn(database, name) }));
      const accounts = names("account").map((user) => ({ user, row: accountIn(database, user, options.realm) }));
      revision = Number(changes.at(-1)?.["revision"] ?? revision);
      return [
        ...talkgroups
          .filter(({ row }) => row)
          .map(
            ({ name, row }) =>
              () =>
                listener.talkgroup(name, row),
          ),
        ...accounts.map(
          ({ user, row }) =>
            () =>
              listener.account(user, row),
        ),
        ...talkgroups
          .filter(({ row }) => !row)
          .map(
            ({ name }) =>
              () =>
                listener.talkgroup(name, undefined),
          ),
      ];
    } finally {
      if (database.isTransaction) database.exec("COMMIT");
    }
  }

  function poll(): void {
    let news: (() => void)[] = [];
    try {
      const now = version.get()?.["data_version"];
      if (now === seen) return;
      news = read();
      seen = now;
      troubled = false;
      options.onRevision(revision);
    } catch (error) {
      if (!troubled) onTrouble(error);
      troubled = true;
    }
    for (const tell of news) tell();
  }

  return clock.every(pollMs, poll);
}
