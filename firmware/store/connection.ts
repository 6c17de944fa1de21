/**
 * One connection to a database file, as this room wants every one: WAL, and each commit on the disk before it returns.
 * What SQLite complains of is told apart here: a damaged file, a disk or a permission that is at fault, or a bug.
 */
import { DatabaseSync } from "node:sqlite";
import { DeviceError } from "../../hal/error.ts";

/** The file does not hold what was written to it. */
export class Damage extends Error {
  override readonly name = "Damage";
}

/** The longest wait for another process's transaction, ms. */
const busyMs = 5_000;

/** Opens what is there. Throws Damage or DeviceError. */
export function connect(file: string): DatabaseSync {
  return blaming(file, "database", () => {
    const database = new DatabaseSync(file, { timeout: busyMs });
    try {
      // FULL, for what is committed must outlive a loss of power; a page is looked over when it is read.
      database.exec("PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON");
      const mode = database.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"];
      if (mode !== "wal")
        throw new DeviceError(`store ${file}`, "ENOTSUP", "this file system takes no WAL; put it on a local disk");
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/**
 * Does something with the database; what SQLite throws becomes Damage or DeviceError where it is no bug. `suspect`: what
 * is wrong when a statement makes no sense, this program or the database, which has not been compared yet.
 */
export function blaming<Result>(file: string, suspect: "program" | "database", work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw faultOf(file, suspect, error);
  }
}

const full = ["ENOSPC", "the disk is full; make room"] as const;

/** Result codes of SQLite that are somebody's fault, and what to do. */
const advice: Readonly<Record<number, readonly [code: string, advice: string]>> = {
  3: ["EACCES", "access is refused; correct its owner"],
  5: ["EBUSY", "another program holds it; stop that or try again"],
  6: ["EBUSY", "another program holds it; stop that or try again"],
  8: ["EROFS", "it cannot be written; correct its owner, or the mount of its disk"],
  10: ["EIO", "the disk does not read or write; replace it"],
  13: full,
  14: ["EACCES", "it cannot be opened; its folder must be there and writable, and itself a file"],
};

/** SQLITE_ERROR. */
const senseless = 1;
const ioError = 10;
/** SQLITE_CORRUPT, SQLITE_NOTADB. */
const damage = new Set([11, 26]);
/** SQLITE_IOERR_READ, SQLITE_IOERR_SHORT_READ: a bad block cannot be waited out. */
const badBlock = new Set([1, 2].map((extension) => ioError | (extension << 8)));

/** SQLITE_IOERR_SHMSIZE: the index of the log found no room. */
const noRoomForIndex = ioError | (19 << 8);

/** SQLite's complaint as somebody's fault; everything else as it is. */
function faultOf(file: string, suspect: "program" | "database", error: unknown): unknown {
  if (!(error instanceof Error && "errcode" in error && typeof error.errcode === "number")) return error;
  const primary = error.errcode & 0xff;
  if (primary === senseless && suspect === "database") return new Damage(error.message, { cause: error });
  if (damage.has(primary) || badBlock.has(error.errcode)) return new Damage(error.message, { cause: error });
  const known = error.errcode === noRoomForIndex ? full : advice[primary];
  return known ? new DeviceError(`store ${file}`, ...known, error) : error;
}
