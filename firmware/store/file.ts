/** The database's files on the disk: whose eyes they are for, and where a damaged one goes. */
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readSync,
  renameSync,
  type Stats,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import { getSystemErrorMessage } from "node:util";
import { DeviceError } from "../../hal/error.ts";

/** The database, its write-ahead log, and the index of that: what SQLite keeps side by side. */
const parts = ["", "-wal", "-shm"] as const;

/** Creates an empty file where there is none. Throws DeviceError. */
export function create(file: string): void {
  onDisk(file, () => {
    if (stat(file)) return;
    closeSync(openSync(file, "a", 0o600));
    syncFolder(file);
  });
}

/** Takes from others what only the owner may read; tells whether they could. Throws DeviceError. */
export function secure(file: string): boolean {
  return onDisk(file, () => {
    const open = parts.map((part) => `${file}${part}`).filter((path) => ((stat(path)?.mode ?? 0) & 0o077) !== 0);
    for (const path of open) chmodSync(path, 0o600);
    return open.length > 0;
  });
}

/** What the file looks like before SQLite sees it, which takes much for a new or a read-only database. Throws DeviceError. */
export function firstSight(file: string): "none" | "empty" | "something" | { readonly wrong: string } {
  return onDisk(file, () => {
    const main = stat(file);
    const hasLog = (stat(`${file}-wal`)?.size ?? 0) > 0;
    if (!main) return hasLog ? { wrong: "its main file is gone" } : "none";
    if (main.size === 0 && !hasLog) return "empty";
    if (main.size < smallestPage) return { wrong: `it is ${main.size} bytes long` };
    const head = headOf(file);
    return formats.has(head[18]) && formats.has(head[19]) ? "something" : { wrong: "its file format is unknown" };
  });
}

/** https://sqlite.org/fileformat.html#the_database_header: bytes 18 and 19 are the formats to write and to read it by. */
const smallestPage = 512;
const formats: ReadonlySet<number | undefined> = new Set([1, 2]);

/** Its first 100 bytes. */
export function headOf(file: string): Uint8Array {
  const head = new Uint8Array(100);
  const handle = openSync(file, "r");
  try {
    readSync(handle, head);
  } finally {
    closeSync(handle);
  }
  return head;
}

/** Moves it out of the way, whole, and gives its new name. `wall`: Unix time in ms. Throws DeviceError. */
export function setAside(file: string, wall: number): string {
  return onDisk(file, () => {
    const time = new Date(wall).toISOString().replace(/[-:]|\.\d+/g, "");
    let aside = `${file}.damaged-${time}`;
    // A board without a battery-backed clock may live through the same second again.
    for (let count = 2; parts.some((part) => existsSync(`${aside}${part}`)); count++)
      aside = `${file}.damaged-${time}-${count}`;
    for (const part of parts) if (existsSync(`${file}${part}`)) renameSync(`${file}${part}`, `${aside}${part}`);
    syncFolder(file);
    return aside;
  });
}

/** A folder for a copy of the database that is on no disk, and for its owner's eyes alone. Throws DeviceError. */
export function memoryFolder(file: string): string {
  return onDisk(file, () => mkdtempSync("/dev/shm/roger-"));
}

/** Copies the database and its log; false where there is none. Throws DeviceError. */
export function copyInto(file: string, copy: string): boolean {
  return onDisk(file, () => {
    // The index of the log is made anew from it.
    const there = ["", "-wal"].filter((part) => stat(`${file}${part}`));
    for (const part of there) copyFileSync(`${file}${part}`, `${copy}${part}`);
    return there.length > 0;
  });
}

/** Throws DeviceError for a folder or a device: neither is opened, nor its mode changed. */
function stat(path: string): Stats | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found && !found.isFile()) throw new DeviceError(`store ${path}`, "EISDIR", "this is no file; correct the path");
  return found;
}

/** A name that is not on the disk with its folder is lost with the power. */
function syncFolder(file: string): void {
  const folder = openSync(dirname(file), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function onDisk<Result>(file: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error && "errno" in error && typeof error.errno === "number" && "code" in error))
      throw error;
    const reason = getSystemErrorMessage(error.errno);
    throw new DeviceError(
      `store ${file}`,
      `${error.code}`,
      `${reason}; correct its path, its owner or its disk`,
      error,
    );
  }
}
