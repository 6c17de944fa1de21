/** Talkgroups as rows. */
import type { DatabaseSync } from "node:sqlite";
import { statement } from "./statement.ts";

/** Who may change it: the configuration file alone, or the roger command. */
export type Origin = "config" | "command";

/** All times in ms; T1, T2, T3 and T4 of TS 24.380 §11. */
export interface StoredTalkgroup {
  readonly name: string;
  readonly endOfMediaMs: number;
  readonly talkMs: number;
  readonly graceMs: number;
  readonly hangMs: number;
}

type Row = Record<string, unknown>;

function talkgroupOf(row: Row): StoredTalkgroup & { readonly origin: Origin } {
  const { name, end_of_media_ms, talk_ms, grace_ms, hang_ms, origin } = row;
  return {
    name: String(name),
    endOfMediaMs: Number(end_of_media_ms),
    talkMs: Number(talk_ms),
    graceMs: Number(grace_ms),
    hangMs: Number(hang_ms),
    origin: origin === "config" ? "config" : "command",
  };
}

export type TalkgroupRow = ReturnType<typeof talkgroupOf>;

/** By name. */
export function talkgroupsIn(database: DatabaseSync): readonly TalkgroupRow[] {
  return statement(database, "SELECT * FROM talkgroups ORDER BY name").all().map(talkgroupOf);
}

export function talkgroupIn(database: DatabaseSync, name: string): TalkgroupRow | undefined {
  const row = statement(database, "SELECT * FROM talkgroups WHERE name = ?").get(name);
  return row && talkgroupOf(row);
}

/** Adds it, or changes it to this. */
export function putTalkgroup(database: DatabaseSync, talkgroup: StoredTalkgroup, origin: Origin): void {
  const { name, endOfMediaMs, talkMs, graceMs, hangMs } = talkgroup;
  // A row that stays the same is left alone, so that nobody is told of a change.
  statement(
    database,
    `INSERT INTO talkgroups VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
      end_of_media_ms = excluded.end_of_media_ms, talk_ms = excluded.talk_ms, grace_ms = excluded.grace_ms,
      hang_ms = excluded.hang_ms, origin = excluded.origin
      WHERE (end_of_media_ms, talk_ms, grace_ms, hang_ms, origin) IS NOT
        (excluded.end_of_media_ms, excluded.talk_ms, excluded.grace_ms, excluded.hang_ms, excluded.origin)`,
  ).run(name, endOfMediaMs, talkMs, graceMs, hangMs, origin);
}

/** With its memberships. */
export function deleteTalkgroup(database: DatabaseSync, name: string): void {
  statement(database, "DELETE FROM talkgroups WHERE name = ?").run(name);
}
