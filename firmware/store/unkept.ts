/**
 * The database of a gateway whose disk takes nothing: it is in memory, with what can still be read of the one on the disk.
 * Whoever could talk before a disk filled up can talk after the next start, too.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DeviceError } from "../../hal/error.ts";
import type { Log } from "../log.ts";
import { Damage } from "./connection.ts";
import { copyInto, memoryFolder } from "./file.ts";
import { openSound } from "./opening.ts";
import { migrate } from "./schema.ts";

/**
 * Of DeviceError: the disk or a permission is at fault, and waiting or another path is no help. What a person got wrong (no such
 * folder, the database of another program) is none of these: it shows at the first start.
 */
const unwritable: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EIO"]);

/** The disk does not take what is written to it, and the gateway can do without. */
export function isUnwritable(error: unknown): error is DeviceError {
  return error instanceof DeviceError && unwritable.has(error.code);
}

/** Nothing is changed on the disk. */
export function openInMemory(file: string, log: Log): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  const content = readContent(file, log);
  if (content) database.deserialize(content);
  migrate(database);
  return database;
}

/** A whole database, as one file has it; undefined where there is none, or none that is sound. */
function readContent(file: string, log: Log): Uint8Array | undefined {
  let folder: string | undefined;
  try {
    // SQLite writes beside a database that it reads; and what was committed last may be in the log alone.
    folder = memoryFolder(file);
    const copy = join(folder, "roger.db");
    if (!copyInto(file, copy)) return undefined;
    const database = openSound(copy, log);
    try {
      database.exec("PRAGMA journal_mode = DELETE");
      return database.serialize();
    } finally {
      database.close();
    }
  } catch (error) {
    if (!(error instanceof DeviceError || error instanceof Damage)) throw error;
    log.error(
      { event: "store-unread", file, reason: error.message },
      "nor can the store be read: there are no users but those of the configuration",
    );
    return undefined;
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}
