/**
 * The log on its disk: recordings that are being written, those that are done, their index, and what has to go so that the disk never
 * fills up. What the disk complains of is thrown: a fault of it costs what is being written, never what is done.
 */
import { chmodSync, mkdirSync, rmdirSync, rmSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { type BurstIndex, openBurstIndex } from "./burst-index.ts";
import type { Entry, Found, LogLimits } from "./protocol.ts";
import { reconcile } from "./reconciling.ts";
import { isDiskFault } from "./recording-file.ts";

export interface Archive {
  readonly found: Found;
  /** A recording is done. */
  add(entry: Omit<Entry, "id">): void;
  /** Lets go of the oldest until everything is within its limits; false where the disk has less room than it must, and nothing is left to let go. */
  makeRoom(): boolean;
  readonly index: Pick<BurstIndex, "find" | "list">;
  heldBytes(): number;
  freeBytes(): number;
  close(): void;
}

/** A clock that says less was never set: nothing is known of the age of what was recorded by it. */
const earliest = Date.UTC(2024, 0, 1);

export function openArchive(limits: LogLimits, clock: { wall(): number }): Archive {
  const { folder, mostAgeMs, mostBytes, leastFreeBytes } = limits;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const index = openBurstIndex(folder);
  const found = reconcile(folder, index);
  let held = index.bytes();

  function freeBytes(): number {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  }

  function letGo(entry: Entry): void {
    rmSync(entry.file, { force: true });
    index.remove(entry.id);
    held -= entry.bytes;
    try {
      rmdirSync(dirname(entry.file));
    } catch (error) {
      // Most days have more than one.
      if (!isDiskFault(error)) throw error;
    }
  }

  function tooOld(): Entry | undefined {
    const oldest = index.oldest(earliest);
    return oldest && clock.wall() - oldest.startedAt > mostAgeMs ? oldest : undefined;
  }

  return {
    found,
    add(entry) {
      index.add(entry);
      held += entry.bytes;
    },
    makeRoom() {
      for (;;) {
        const hasRoom = freeBytes() >= leastFreeBytes;
        const next = hasRoom && held <= mostBytes ? tooOld() : index.oldest();
        if (!next) return hasRoom;
        letGo(next);
      }
    },
    index,
    heldBytes: () => held,
    freeBytes,
    close: () => index.close(),
  };
}
