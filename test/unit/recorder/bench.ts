/** A folder for a log, a keeper on it, and bursts that are told apart by their first bytes. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { packSpeech } from "../../../firmware/media/packed-speech.ts";
import { type Keeper, openKeeper } from "../../../firmware/recorder/keeper.ts";
import type { LogLimits, Piece } from "../../../firmware/recorder/protocol.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";

export const frame = 960;
/** SILK, wideband, 20 ms, mono. */
export const packet = (number: number, length = 40): Uint8Array => new Uint8Array(length).fill(number).fill(0x48, 0, 1);

/** Packets `first` to `first + count - 1`, 20 ms each. */
export const spoken = (count: number, first = 0): Uint8Array =>
  packSpeech(
    Array.from({ length: count }, (_, index) => ({
      position: (first + index) * frame,
      payload: packet(first + index),
    })),
  );

export const noon = Date.UTC(2026, 5, 1, 12);

export const piece = (burst: number, change: Partial<Piece> = {}): Piece => ({
  ...{ burst, talkgroup: "ops", talker: "sip:alice@crew.example", startedAt: noon, speech: spoken(25), dropped: 0 },
  ...change,
});

export interface Bench {
  readonly folder: string;
  readonly limits: LogLimits;
  wall: number;
  open(change?: Partial<LogLimits>): Keeper;
  /** Relative paths of everything but the index. */
  files(): readonly string[];
  remove(): void;
}

export function bench(): Bench {
  const folder = mkdtempSync(join(tmpdir(), "roger-voice-log-"));
  const limits = { folder, mostAgeMs: 30 * 86_400_000, mostBytes: 1e9, leastFreeBytes: 0 };
  const random = seededRandom(3);
  const self = {
    folder,
    limits,
    wall: noon,
    open: (change: Partial<LogLimits> = {}) =>
      openKeeper({ clock: { wall: () => self.wall }, random }, { ...limits, ...change }),
    files: () =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.name.startsWith("index.db"))
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
        .sort(),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
  return self;
}
