import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openEditor } from "../../../firmware/store/editing.ts";
import type { Store } from "../../../firmware/store/store.ts";
import { mountMemory, ownMounts, unmount } from "../../support/own-mounts.ts";
import { skip } from "../../support/skip.ts";
import { account, type StoreRig, seed, storeRig, wordsOf } from "./rig.ts";

const reason = await ownMounts(fileURLToPath(import.meta.url));
const configured = ["alice: ops", "bob: fire, ops"];
const binding = {
  ...{ user: "dave", contact: "sip:dave@10.0.0.2", transport: "udp", callId: "c", cseq: 1 },
  ...{ remote: { host: "10.0.0.2", port: 5060 }, expiresAt: Date.UTC(2026, 0, 1, 3) },
};

/** A disk of its own for a store, of 512 KiB. */
interface Disk extends StoreRig {
  readonly disk: string;
  readonly file: string;
}

/** `parts`: what stands on it before, from a store that dave was added to, who is registered. */
async function withDisk(parts: readonly string[], use: (rig: Disk) => Promise<void>): Promise<void> {
  const rig = storeRig();
  const disk = join(rig.folder, "disk");
  const file = join(disk, "roger.db");
  mkdirSync(disk);
  mountMemory(disk, "size=512k");
  try {
    const store = rig.open();
    const editor = openEditor(rig.file);
    editor.addUser(account("dave", ["fire"]));
    editor.close();
    // What comes before the gateway has heard of the account is not kept.
    store.watch({ talkgroup() {}, account() {} });
    await rig.clock.advance(2_000);
    store.bindings.save(binding);
    await rig.clock.advance(1_000);
    // What is committed is in the log, as after a loss of power.
    for (const part of parts) copyFileSync(`${rig.file}${part}`, `${file}${part}`);
    await store.close();
    rig.told.length = 0;
    await use({ ...rig, disk, file });
  } finally {
    unmount(disk);
    rig.remove();
  }
}

const readOnly = ({ disk }: Disk): void => mountMemory(disk, "remount,ro");

function fill({ disk }: Disk): void {
  const block = new Uint8Array(4_096);
  assert.throws(() => {
    for (let count = 0; ; count++) writeFileSync(join(disk, `block-${count}`), block);
  }, /ENOSPC/);
}

/** It stands with these, says so loudly and again, and takes whatever it is asked to keep. */
async function stands(rig: Disk, users: readonly string[], code: string, events = ["store-unkept"]): Promise<Store> {
  const store = rig.open(seed, { file: rig.file });
  assert.equal(wordsOf(store), users);
  assert.equal(rig.events(), events);
  const { fields } = rig.told.at(-1) ?? {};
  assert.match(JSON.stringify(fields), new RegExp(code));
  store.bindings.save(binding);
  store.bindings.remove("alice", "sip:alice@10.0.0.2");
  store.watch({ talkgroup() {}, account() {} });
  await rig.clock.advance(3_600_000);
  assert.equal(rig.events(), [...events, "store-unkept"], "told again each hour");
  await store.close();
  assert.is(rig.clock.pending(), 0);
  assert.equal(
    readdirSync("/dev/shm").filter((name) => name.startsWith("roger-")),
    [],
    "no copy is left behind",
  );
  return store;
}

const all = [...configured, "dave: fire"];

if (reason !== undefined) skip("a store on a disk that takes nothing", reason);
else {
  mountMemory("/dev/shm", "size=8m");

  for (const [what, parts] of [
    ["that was closed", [""]],
    ["that lost its power", ["", "-wal", "-shm"]],
    ["that lost its power, and the index of its log", ["", "-wal"]],
  ] as const)
    for (const [disk, spoil, code] of [
      ["a read-only disk", readOnly, "EROFS|EACCES"],
      ["a full disk", fill, "ENOSPC"],
    ] as const) {
      // The index of the log has its place already, and what is not changed takes none.
      if (disk === "a full disk" && parts.length === 3) continue;
      test(`with a store ${what} on ${disk} the gateway has whom it had, and forgets what comes`, () =>
        withDisk(parts, async (rig) => {
          // Closed: everything is in the one file.
          if (parts.length === 1) copyFileSync(join(rig.folder, "roger.db"), rig.file);
          const before = readdirSync(rig.disk);
          spoil(rig);
          const store = await stands(rig, all, code);
          assert.equal(store.bindings.load(), [binding]);
          const after = readdirSync(rig.disk).filter((name) => !name.startsWith("block-"));
          assert.equal(
            after.filter((name) => !name.endsWith("-shm") && !name.endsWith("-wal")),
            before.filter((name) => name === "roger.db"),
          );
        }));
    }

  test("a full disk that takes no change, but needs none for the start, is told with the first registration", () =>
    withDisk(["", "-wal", "-shm"], async (rig) => {
      fill(rig);
      const store = rig.open(seed, { file: rig.file });
      assert.equal([wordsOf(store), rig.events(), store.bindings.load()], [all, [], [binding]]);
      for (let port = 1; port < 500; port++)
        store.bindings.save({ ...binding, contact: `sip:dave@10.0.0.2:${port}`, callId: "c".repeat(200) });
      await rig.clock.advance(1_000);
      assert.equal(rig.events(), ["store-trouble"]);
      await store.close();
    }));

  test("without a store on the disk it has whom the configuration names", () =>
    withDisk([], async (rig) => {
      fill(rig);
      await stands(rig, configured, "ENOSPC");
    }));

  test("a store that is damaged, too, is left where it is", () =>
    withDisk([""], async (rig) => {
      writeFileSync(rig.file, "no database ".repeat(1_000));
      readOnly(rig);
      await stands(rig, configured, "EROFS", ["store-unread", "store-unkept"]);
      assert.equal(readdirSync(rig.disk), ["roger.db"]);
    }));

  test("once the disk is mended the store is kept again", () =>
    withDisk(["", "-wal"], async (rig) => {
      readOnly(rig);
      await stands(rig, all, "EROFS|EACCES");
      mountMemory(rig.disk, "remount,rw,size=512k");
      rig.told.length = 0;
      const store = rig.open(seed, { file: rig.file });
      assert.equal([wordsOf(store), rig.events(), store.bindings.load()], [all, [], [binding]]);
      await store.close();
    }));

  test("in a folder where others alone may write it has whom it had", () =>
    withDisk([""], async (rig) => {
      copyFileSync(join(rig.folder, "roger.db"), rig.file);
      const nobody = 65_534;
      chownSync(rig.file, nobody, nobody);
      for (const folder of [rig.folder, rig.disk]) chmodSync(folder, 0o755);
      process.seteuid?.(nobody);
      try {
        await stands(rig, all, "EROFS|EACCES");
      } finally {
        process.seteuid?.(0);
      }
      assert.not.ok(existsSync(`${rig.file}-wal`));
    }));
}

test.run();
