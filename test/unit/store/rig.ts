/** A store on a real disk under a virtual clock, and what it logs. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Log } from "../../../firmware/log.ts";
import { directWriter } from "../../../firmware/store/direct-writer.ts";
import { openStore, type Seed, type Store, type StoredAccount } from "../../../firmware/store/store.ts";
import type { WriterLauncher } from "../../../firmware/store/writing.ts";
import { virtualClock } from "../../../hal/clock/virtual.ts";

export const realm = "crew.example";
const times = { endOfMediaMs: 4_000, talkMs: 30_000, graceMs: 3_000, hangMs: 10_000 };
export const talkgroup = (name: string, changes: Partial<typeof times> = {}) => ({ name, ...times, ...changes });
export const membership = { role: "talk", mayPreempt: true, standing: false } as const;

/** `password` stands for its hashes; no test of the store needs real ones. */
export function hashesOf(password: string): ReadonlyMap<string, string> {
  const hex = Buffer.from(password).toString("hex");
  return new Map([
    ["MD5", hex.padEnd(32, "0")],
    ["SHA-256", hex.padEnd(64, "0")],
  ]);
}

export const account = (user: string, talkgroups: readonly string[] = ["ops"], password = "one"): StoredAccount => ({
  user,
  name: "",
  priority: 0,
  hashes: hashesOf(password),
  memberships: talkgroups.map((talkgroup) => ({ ...membership, talkgroup })),
});

export const seed: Seed = {
  realm,
  digest: ["SHA-256", "MD5"],
  talkgroups: [talkgroup("ops"), talkgroup("fire")],
  accounts: [account("alice"), account("bob", ["ops", "fire"])],
};

export function storeRig() {
  const folder = mkdtempSync(join(tmpdir(), "roger-store-"));
  const file = join(folder, "roger.db");
  const clock = virtualClock({ wallMs: Date.UTC(2026, 0, 1) });
  const told: { readonly event: unknown; readonly fields: object }[] = [];
  const hear = (fields: object): void =>
    void told.push({ event: "event" in fields ? fields.event : undefined, fields });
  const log: Log = { debug: hear, info: hear, warn: hear, error: hear };

  return {
    folder,
    file,
    clock,
    log,
    told,
    /** The events logged, but for that it was opened. */
    events: () => told.map(({ event }) => event).filter((event) => event !== "store"),
    open: (from: Seed = seed, options: { readonly writer?: WriterLauncher; readonly file?: string } = {}): Store =>
      openStore(options.file ?? file, from, {
        clock,
        log,
        writer: options.writer ?? directWriter,
        onCrash(error) {
          throw error;
        },
      }),
    files: () => readdirSync(folder).sort(),
    read: (name = "roger.db") => readFileSync(join(folder, name)),
    write: (data: Uint8Array | string, name = "roger.db") => writeFileSync(join(folder, name), data, { mode: 0o600 }),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

export type StoreRig = ReturnType<typeof storeRig>;

/** In words: "alice: ops, fire". */
export function wordsOf({ accounts }: Pick<Store, "accounts">): string[] {
  return accounts.map(({ user, memberships }) => `${user}: ${memberships.map((each) => each.talkgroup).join(", ")}`);
}
