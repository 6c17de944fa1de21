/** What a gateway that was killed left on the disk, read from a copy, so that nothing is mended by reading it. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as assert from "uvu/assert";
import { currentVersion, versionsOf } from "../../firmware/store/schema.ts";

export interface Kept {
  readonly users: ReadonlySet<string>;
  /** The highest CSeq of a user's registrations. */
  readonly bound: ReadonlyMap<string, number>;
}

/** Asserts that it is sound. Nobody may have it open. */
export function readKept(file: string): Kept {
  const folder = mkdtempSync(join(tmpdir(), "roger-kept-"));
  const copy = join(folder, "copy.db");
  for (const part of ["", "-wal"]) if (existsSync(`${file}${part}`)) copyFileSync(`${file}${part}`, `${copy}${part}`);
  const database = new DatabaseSync(copy);
  try {
    assert.is(database.prepare("PRAGMA integrity_check").get()?.["integrity_check"], "ok");
    assert.equal(database.prepare("PRAGMA foreign_key_check").all(), []);
    assert.equal(versionsOf(database), [currentVersion, currentVersion]);
    const users = database.prepare("SELECT user FROM accounts").all();
    const bound = database.prepare("SELECT user, max(cseq) AS cseq FROM bindings GROUP BY user").all();
    return {
      users: new Set(users.map(({ user }) => String(user))),
      bound: new Map(bound.map(({ user, cseq }) => [String(user), Number(cseq)])),
    };
  } finally {
    database.close();
    rmSync(folder, { recursive: true });
  }
}
