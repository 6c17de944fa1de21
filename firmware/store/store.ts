/**
 * The door of the store: accounts, talkgroups and registrations in one SQLite file. What is durable, and when:
 * - accounts, talkgroups and memberships: on the disk before the call returns that changes them. A loss of power at any
 *   moment leaves what was committed, and nothing by halves.
 * - registrations: soft state, on the disk within a moment of the answer to the terminal, many to a commit, so that no
 *   REGISTER and no voice waits for a card. What the last moment loses is registered anew by its terminal. A removal is
 *   on the disk before its answer: nobody who has signed off is called after a loss of power. What comes by an account
 *   that was changed meanwhile is not kept.
 * A file that is damaged is moved aside and built anew from the configuration. A disk that takes nothing keeps no gateway
 * from its work: the store is in memory then, for as long as the process lives, and that is told. It knows hashes but no passwords, names
 * but no SIP, and decides nothing about who may do what.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../hal/clock/port.ts";
import type { Log } from "../log.ts";
import { type AccountRow, accountsIn } from "./accounts.ts";
import { bindingsIn, forgetBindings, type StoredBinding } from "./bindings.ts";
import { blaming } from "./connection.ts";
import { bindingKeeper } from "./keeping.ts";
import { openDatabase } from "./opening.ts";
import { inTransaction } from "./schema.ts";
import { type Seed, sow } from "./seed.ts";
import { type TalkgroupRow, talkgroupsIn } from "./talkgroups.ts";
import { isUnwritable, openInMemory } from "./unkept.ts";
import { revisionOf, type StoreListener, watchChanges } from "./watching.ts";
import type { WriterLauncher } from "./writing.ts";

export type { AccountRow, StoredAccount, StoredMembership } from "./accounts.ts";
export type { StoredBinding } from "./bindings.ts";
export type { Seed } from "./seed.ts";
export type { StoredTalkgroup, TalkgroupRow } from "./talkgroups.ts";
export type { StoreListener } from "./watching.ts";

export interface Store {
  /** As they are when the store is opened. */
  readonly talkgroups: readonly TalkgroupRow[];
  readonly accounts: readonly AccountRow[];
  readonly bindings: {
    /** Those that have not run out. */
    load(): readonly StoredBinding[];
    /** Returns at once. */
    save(binding: StoredBinding): void;
    remove(user: string, contact: string): void;
    /** Calls back when what was saved and removed before is on the disk, or cannot be written now. */
    settled(callback: () => void): void;
  };
  /** Tells what the roger command changes from the opening on, within a second or two. Called once. */
  watch(listener: StoreListener): void;
  close(): Promise<void>;
}

export interface StorePorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly writer: WriterLauncher;
  /** A bug in the writer of registrations. */
  readonly onCrash: (error: Error) => void;
}

/** While nothing outlives the gateway, that is told again and again, ms. */
const reminderMs = 3_600_000;

/** Opens the store of a gateway, and creates it where there is none. Throws DeviceError for what cannot be used. */
export function openStore(file: string, seed: Seed, ports: StorePorts): Store {
  try {
    return openKept(file, seed, ports);
  } catch (error) {
    if (!isUnwritable(error)) throw error;
    return openUnkept(file, seed, ports, error.message);
  }
}

function openKept(file: string, seed: Seed, { clock, log, writer, onCrash }: StorePorts): Store {
  const database = openDatabase(file, { clock, log });
  const asked = <Result>(work: () => Result): Result => blaming(file, "program", work);
  let stopWatching = (): void => {};

  function onTrouble(error: unknown): void {
    log.error({ event: "store-trouble", err: error }, "the store cannot be read; what was known holds");
  }

  try {
    const { revision, ...content } = asked(() => plant(database, seed, { clock, log }));
    let known = revision;
    const keeper = bindingKeeper({ clock, log, revision: () => known }, (onOutcome) =>
      writer(file, { onOutcome, onCrash }),
    );
    log.info({ event: "store", file, users: content.accounts.length }, "store opened");
    return {
      ...content,
      bindings: {
        load: () => asked(() => bindingsIn(database, clock.wall())),
        save: keeper.save,
        remove: keeper.remove,
        settled: keeper.settled,
      },
      watch(listener) {
        const onRevision = (now: number): void => {
          known = now;
        };
        const options = { revision, realm: seed.realm, onRevision };
        stopWatching = watchChanges(clock, database, options, listener, onTrouble);
      },
      async close() {
        stopWatching();
        await keeper.close();
        database.close();
      },
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** In memory, for as long as the gateway stands. */
function openUnkept(file: string, seed: Seed, { clock, log }: StorePorts, reason: string): Store {
  const database = openInMemory(file, log);
  const { revision, ...content } = plant(database, seed, { clock, log });
  const bindings = bindingsIn(database, clock.wall());
  database.close();
  const tell = (): void =>
    log.error(
      { event: "store-unkept", file, reason },
      "the store cannot be written: the gateway works, but forgets registrations when it ends, and hears of no change by command; mend the disk, and restart the gateway",
    );
  tell();
  const stopTelling = clock.every(reminderMs, tell);
  return {
    ...content,
    bindings: { load: () => bindings, save() {}, remove() {}, settled: (callback) => callback() },
    watch() {},
    async close() {
      stopTelling();
    },
  };
}

/** Puts in what the configuration says; gives what there is then. */
function plant(database: DatabaseSync, seed: Seed, { clock, log }: Pick<StorePorts, "clock" | "log">) {
  const { displaced, orphaned, unprovable } = sow(database, seed);
  if (displaced.length > 0)
    log.warn(
      { event: "store-displaced", names: displaced },
      "the configuration gives these names to others: what the roger command added by them is removed",
    );
  if (orphaned.length > 0)
    log.warn(
      { event: "store-orphaned", names: orphaned },
      "the configuration has no users any more whose passwords prove these identities: they are removed",
    );
  if (unprovable.length > 0)
    log.warn(
      { event: "store-unprovable", users: unprovable, realm: seed.realm },
      "these users have no password for this realm: set one with roger user passwd",
    );
  forgetBindings(database, clock.wall());
  return inTransaction(database, () => ({
    revision: revisionOf(database),
    talkgroups: talkgroupsIn(database),
    accounts: accountsIn(database, seed.realm),
  }));
}
