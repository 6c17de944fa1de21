import { chmodSync, mkdirSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { connect } from "../../../firmware/store/connection.ts";
import { openEditor } from "../../../firmware/store/editing.ts";
import { currentVersion, migrate, schemaOf, versionsOf } from "../../../firmware/store/schema.ts";
import { DeviceError } from "../../../hal/error.ts";
import { account, hashesOf, realm, type StoreRig, seed, storeRig, wordsOf } from "./rig.ts";

const test = suite<StoreRig>("opening the store");

test.before.each((rig) => void Object.assign(rig, storeRig()));
test.after.each((rig) => rig.remove());

const configured = ["alice: ops", "bob: fire, ops"];
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

test("a store that is not there is created, for its owner alone, with what the configuration names", async (rig) => {
  const store = rig.open();
  assert.equal(wordsOf(store), configured);
  assert.equal(
    store.talkgroups.map(({ name, talkMs, origin }) => [name, talkMs, origin]),
    [
      ["fire", 30_000, "config"],
      ["ops", 30_000, "config"],
    ],
  );
  assert.equal(rig.files(), ["roger.db", "roger.db-shm", "roger.db-wal"]);
  assert.equal(
    rig.files().map((name) => modeOf(join(rig.folder, name))),
    ["600", "600", "600"],
  );
  await store.close();
  assert.equal(rig.files(), ["roger.db"]);
  assert.equal(
    rig.told.map(({ event }) => event),
    ["store"],
  );
});

test("a password is in no file of the store, nor is anything else of a user who was removed and of a password that was changed", async (rig) => {
  await rig.open().close();
  const editor = openEditor(rig.file);
  editor.addUser({ ...account("dave"), hashes: new Map([["MD5", "d".repeat(32)]]) });
  editor.setHashes("dave", new Map([["MD5", "e".repeat(32)]]));
  assert.equal([...(editor.accounts().find(({ user }) => user === "dave")?.hashes ?? [])], [["MD5", "e".repeat(32)]]);
  editor.close();
  const database = new DatabaseSync(rig.file);
  assert.equal(database.prepare("SELECT count(*) AS n FROM credentials WHERE user = 'dave'").get()?.["n"], 1);
  database.close();
});

test("what others could read is taken from them, and that is told", async (rig) => {
  await rig.open().close();
  for (const mode of [0o644, 0o660, 0o602]) {
    rig.told.length = 0;
    chmodSync(rig.file, mode);
    const store = rig.open();
    assert.equal(modeOf(rig.file), "600");
    assert.equal(rig.events(), ["store-open-to-all"]);
    await store.close();
    chmodSync(rig.file, mode);
    openEditor(rig.file).close();
    assert.equal(modeOf(rig.file), "600");
  }
});

test("a path that cannot hold a store is told with what to do, and nothing else is touched", (rig) => {
  const missing = join(rig.folder, "none", "roger.db");
  const folder = join(rig.folder, "folder");
  mkdirSync(folder);
  const loop = join(rig.folder, "loop");
  symlinkSync(loop, loop);
  for (const [file, words] of [
    [missing, /no such file or directory; correct its path/],
    [folder, /this is no file; correct the path/],
    [loop, /too many symbolic links/],
    ["/dev/null", /this is no file/],
    ["/proc/roger.db", /no such file or directory|not permitted|cannot be/],
  ] as const)
    for (const open of [() => rig.open(seed, { file }), () => openEditor(file, seed)])
      assert.throws(open, (error: unknown) => error instanceof DeviceError && words.test(error.message), file);
});

test("each commit is on the disk before it is told, on every connection", async (rig) => {
  await rig.open().close();
  const database = connect(rig.file);
  assert.equal(database.prepare("PRAGMA synchronous").get()?.["synchronous"], 2);
  assert.equal(database.prepare("PRAGMA journal_mode").get()?.["journal_mode"], "wal");
  assert.equal(database.prepare("PRAGMA foreign_keys").get()?.["foreign_keys"], 1);
  database.close();
});

/** A database as the Roger of that version left it: what there was then has something in it. */
function ofVersion(file: string, version: number): void {
  const database = connect(file);
  migrate(database, version);
  database.exec(`
    INSERT INTO meta VALUES ('realm', '${realm}'), ('digest', '["SHA-256","MD5"]');
    INSERT INTO talkgroups (name, end_of_media_ms, talk_ms, grace_ms, hang_ms, origin)
      VALUES ('ops', 4000, 30000, 3000, 10000, 'config'), ('fire', 4000, 30000, 3000, 10000, 'config');
    INSERT INTO accounts (user, name, priority, origin) VALUES ('alice', '', 0, 'config'), ('bob', '', 0, 'config');
    INSERT INTO memberships (user, talkgroup, role, priority, may_preempt, standing, origin)
      VALUES ('alice', 'ops', 'talk', NULL, 1, 0, 'config');
  `);
  for (const [algorithm, ha1] of hashesOf("one"))
    database.prepare("INSERT INTO credentials VALUES ('alice', ?, ?, ?)").run(realm, algorithm, ha1);
  if (version >= 2)
    database.exec(
      "INSERT INTO bindings VALUES ('alice', 'sip:alice@10.0.0.2', 'udp', '10.0.0.2', 5060, 'c', 1, NULL, 9e12)",
    );
  database.close();
}

test("a store of each earlier version is converted, and keeps what it has", async (rig) => {
  for (let version = 1; version <= currentVersion; version++) {
    const file = join(rig.folder, `${version}.db`);
    ofVersion(file, version);
    const added = new DatabaseSync(file);
    added.exec("INSERT INTO accounts (user, name, priority, origin) VALUES ('dave', 'Dave', 9, 'command')");
    added.close();
    const store = rig.open(seed, { file });
    assert.equal(wordsOf(store), ["alice: ops", "bob: fire, ops", "dave: "], `version ${version}`);
    assert.is(store.bindings.load().length, version >= 2 ? 1 : 0);
    await store.close();

    const database = connect(file);
    assert.equal(versionsOf(database), [currentVersion, currentVersion]);
    const fresh = new DatabaseSync(":memory:");
    migrate(fresh);
    assert.equal(schemaOf(database), schemaOf(fresh), "as a new one");
    database.close();
  }
  assert.not.ok(rig.events().includes("store-damaged"));
});

test("a store of an earlier version is converted by the gateway alone, for one may be running", (rig) => {
  ofVersion(rig.file, 1);
  const before = rig.read();
  assert.throws(() => openEditor(rig.file, seed), /an earlier Roger wrote it; start the gateway once/);
  assert.is(Buffer.compare(rig.read(), before), 0);
});

test("a conversion that fails leaves the store as it was", (rig) => {
  ofVersion(rig.file, 1);
  const blocked = new DatabaseSync(rig.file);
  blocked.exec("CREATE TABLE bindings (mine TEXT)");
  blocked.close();
  assert.throws(() => rig.open(), /table bindings already exists/);
  const database = connect(rig.file);
  assert.equal(versionsOf(database), [1, 1]);
  assert.equal(database.prepare("SELECT count(*) AS n FROM accounts").get()?.["n"], 2);
  database.close();
});

test("two that create the same store at once agree on one", (rig) => {
  const [one, other] = [connect(rig.file), connect(rig.file)];
  migrate(one);
  migrate(other);
  assert.equal(versionsOf(other), [currentVersion, currentVersion]);
  one.close();
  other.close();
});

test.run();
