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
  readonly queueing?: true;
  readonly broadcast?: true;
  readonly mixing?: true;
  readonly record?: true;
  /** Before T2 ends. */
  readonly talkWarningMs?: number;
  readonly emergencyMs?: number;
}

/** Whatever a talkgroup may have and need not, in one column, so that another option is no other table. */
type Options = Omit<StoredTalkgroup, "name" | "endOfMediaMs" | "talkMs" | "graceMs" | "hangMs">;

const times = ["talkWarningMs", "emergencyMs"] as const satisfies readonly (keyof Options)[];
const flags = ["queueing", "broadcast", "mixing", "record"] as const satisfies readonly (keyof Options)[];

/** What is not known here is left out: it may be of a later version. */
function optionsOf(text: string): Options {
  const stored: unknown = JSON.parse(text);
  const found = new Map(typeof stored === "object" && stored !== null ? Object.entries(stored) : []);
  return Object.fromEntries([
    ...times.flatMap((key) => (typeof found.get(key) === "number" ? [[key, found.get(key)]] : [])),
    ...flags.flatMap((key) => (found.get(key) === true ? [[key, true]] : [])),
  ]);
}

type Row = Record<string, unknown>;

function talkgroupOf(row: Row): StoredTalkgroup & { readonly origin: Origin } {
  const { name, end_of_media_ms, talk_ms, grace_ms, hang_ms, options, origin } = row;
  return {
    name: String(name),
    endOfMediaMs: Number(end_of_media_ms),
    talkMs: Number(talk_ms),
    graceMs: Number(grace_ms),
    hangMs: Number(hang_ms),
    ...optionsOf(String(options)),
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
  const { name, endOfMediaMs, talkMs, graceMs, hangMs, ...more } = talkgroup;
  // In one order, so that the same options are the same text.
  const options = JSON.stringify(optionsOf(JSON.stringify(more)));
  // A row that stays the same is left alone, so that nobody is told of a change.
  statement(
    database,
    `INSERT INTO talkgroups (name, end_of_media_ms, talk_ms, grace_ms, hang_ms, options, origin)
      VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
      end_of_media_ms = excluded.end_of_media_ms, talk_ms = excluded.talk_ms, grace_ms = excluded.grace_ms,
      hang_ms = excluded.hang_ms, options = excluded.options, origin = excluded.origin
      WHERE (end_of_media_ms, talk_ms, grace_ms, hang_ms, options, origin) IS NOT
        (excluded.end_of_media_ms, excluded.talk_ms, excluded.grace_ms, excluded.hang_ms, excluded.options,
          excluded.origin)`,
  ).run(name, endOfMediaMs, talkMs, graceMs, hangMs, options, origin);
}

/** With its memberships. */
export function deleteTalkgroup(database: DatabaseSync, name: string): void {
  statement(database, "DELETE FROM talkgroups WHERE name = ?").run(name);
}
