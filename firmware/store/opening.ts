/**
 * Opens the database of a gateway, sound or not at all. A damaged one is moved aside under a name that says so, never
 * repaired and never deleted, and a new one takes its place. One that is sound but not for this program is left alone.
 */
import { DatabaseSync } from "node:sqlite";
import { DeviceError } from "../../hal/error.ts";
import type { Log } from "../log.ts";
import { blaming, connect, Damage } from "./connection.ts";
import { create, firstSight, secure, setAside } from "./file.ts";
import { applicationId, currentVersion, migrate, schemaOf, versionsOf } from "./schema.ts";

export interface OpeningPorts {
  readonly clock: { wall(): number };
  readonly log: Log;
}

/** For the gateway itself, which is alone with it but for the roger command. Throws DeviceError. */
export function openDatabase(file: string, { clock, log }: OpeningPorts): DatabaseSync {
  const replace = (reason: string): void => {
    const aside = setAside(file, clock.wall());
    log.error(
      { event: "store-damaged", file, aside, reason },
      "the store is damaged: it was moved aside, and a new one is built from the configuration",
    );
  };
  const looks = firstSight(file);
  if (typeof looks === "object") replace(looks.wrong);
  // Left by a start that was broken off, most likely; but it may have been emptied.
  if (looks === "empty")
    log.warn({ event: "store-empty", file }, "the store is an empty file: it is built from the configuration");
  create(file);
  try {
    return openSound(file, log);
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    replace(error.message);
  }
  create(file);
  return openNew(file, log);
}

function openNew(file: string, log: Log): DatabaseSync {
  try {
    return openSound(file, log);
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    throw new DeviceError(`store ${file}`, "EIO", "a new database is damaged at once; replace the disk", error);
  }
}

/** Throws Damage or DeviceError. */
export function openSound(file: string, log: Log): DatabaseSync {
  if (secure(file))
    log.warn({ event: "store-open-to-all", file }, "others could read or write the store: it is now its owner's alone");
  const database = connect(file);
  try {
    blaming(file, "database", () => judge(file, database));
    blaming(file, "program", () => migrate(database));
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Throws Damage; DeviceError for what is sound and not for this program. */
function judge(file: string, database: DatabaseSync): void {
  const version = recognize(file, database);
  if (version === 0) return;
  compare(database, version);
  examine(database);
}

/** Its version, 0 for a new one. Throws DeviceError for one that is another program's, or a later Roger's. */
export function recognize(file: string, database: DatabaseSync): number {
  const [header, table] = versionsOf(database);
  const id = Number(database.prepare("PRAGMA application_id").get()?.["application_id"]);
  const isEmpty = schemaOf(database).size === 0;
  if (isEmpty && header === 0 && id === 0) return 0;
  if (id !== applicationId && table === 0 && !isEmpty)
    throw new DeviceError(`store ${file}`, "EINVAL", "this is the database of another program; correct the path");
  if (id !== applicationId || header !== table || header < 1)
    throw new Damage(`application ${id}, version ${header} in the header and ${table} in the table`);
  if (header > currentVersion)
    throw new DeviceError(
      `store ${file}`,
      "ENOTSUP",
      `a later Roger wrote it (version ${header}, this one reads up to ${currentVersion}); install that one again`,
    );
  return header;
}

/** What a new database of this version has must be there; somebody's own index beside it does no harm. */
function compare(database: DatabaseSync, version: number): void {
  const found = schemaOf(database);
  const expected = new DatabaseSync(":memory:");
  migrate(expected, version);
  const missing = [...schemaOf(expected)].filter((entry) => !found.has(entry));
  expected.close();
  if (missing[0] !== undefined) throw new Damage(`it has no ${missing[0].split(":")[0]}, or another one`);
}

/** Every page, row, index and reference. */
function examine(database: DatabaseSync): void {
  const found = database.prepare("PRAGMA integrity_check(1)").get()?.["integrity_check"];
  if (found !== "ok") throw new Damage(`${found}`.replace("*** in database main ***\n", ""));
  const dangling = database.prepare("PRAGMA foreign_key_check").get();
  if (dangling) throw new Damage(`a row of ${dangling["table"]} belongs to none of ${dangling["parent"]}`);
}
