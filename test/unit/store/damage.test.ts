import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openEditor } from "../../../firmware/store/editing.ts";
import { inspect } from "../../../firmware/store/inspection.ts";
import { DeviceError } from "../../../hal/error.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";
import { account, type StoreRig, seed, storeRig, wordsOf } from "./rig.ts";

const test = suite<StoreRig>("a damaged store");
const aside = "roger.db.damaged-20260101T000000Z";

test.before.each((rig) => void Object.assign(rig, storeRig()));
test.after.each((rig) => rig.remove());

/** A sound database with a user of the roger command, closed: one file. */
async function sound(rig: StoreRig): Promise<Buffer> {
  await rig.open().close();
  const editor = openEditor(rig.file);
  editor.addUser(account("dave", ["fire"]));
  editor.close();
  return rig.read();
}

const configured = ["alice: ops", "bob: fire, ops"];

/** Opened again, it is sound and has what it had; or it is moved aside whole, and a new one has the configuration. */
async function survives(rig: StoreRig, damaged: Uint8Array, what: string): Promise<"sound" | "aside"> {
  rig.told.length = 0;
  const before = rig.files();
  const store = rig.open();
  const words = wordsOf(store);
  await store.close();
  const fresh = rig.files().filter((name) => !before.includes(name) && !name.startsWith("roger.db-"));
  const [found = ""] = fresh.filter((name) => name.includes("damaged") && !name.endsWith("-wal"));
  if (found === "") {
    assert.equal(rig.events(), [], what);
    return "sound";
  }
  assert.equal(words, configured, what);
  assert.equal(rig.events(), ["store-damaged"], what);
  const { fields } = rig.told.find(({ event }) => event === "store-damaged") ?? { fields: {} };
  assert.match(JSON.stringify(fields), `"aside":"${rig.folder}/${found}"`);
  assert.ok(Buffer.compare(rig.read(found), damaged) === 0, `${what}: nothing of it is lost`);
  // And the new one stands.
  const again = rig.open();
  assert.equal(wordsOf(again), configured, what);
  await again.close();
  return "aside";
}

test("what is no database is moved aside, and named", async (rig) => {
  const good = await sound(rig);
  const random = seededRandom(1);
  const variants = {
    garbage: Buffer.from("site: north\n".repeat(1_000)),
    noise: random.bytes(good.length),
    zeros: Buffer.alloc(good.length),
    "one byte": Buffer.from("x"),
    "a head without a body": good.subarray(0, 100),
    "half of it": good.subarray(0, good.length / 2),
    "all but a page": good.subarray(0, -4_096),
    "its pages in another order": Buffer.concat([
      good.subarray(0, 4_096),
      good.subarray(8_192),
      good.subarray(4_096, 8_192),
    ]),
    "a page of zeros": Buffer.from(good).fill(0, 8_192, 12_288),
  };
  for (const [what, damaged] of Object.entries(variants)) {
    rig.write(damaged);
    assert.is(await survives(rig, damaged, what), "aside", what);
  }
  const names = rig.files().filter((name) => name !== "roger.db");
  assert.is(names.length, Object.keys(variants).length, "each has a name of its own, in the same second too");
  assert.ok(names.includes(aside) && names.includes(`${aside}-2`), names.join());
});

test("an emptied file leaves nothing to be moved aside: it is built anew, and that is told", async (rig) => {
  await sound(rig);
  rig.write("");
  const store = rig.open();
  assert.equal(wordsOf(store), configured);
  await store.close();
  assert.equal([rig.files(), rig.events()], [["roger.db"], ["store-empty"]]);
});

test("whatever bit of its head flips, it is read as it was or moved aside", async (rig) => {
  const good = await sound(rig);
  const counts = { sound: 0, aside: 0 };
  for (let bit = 0; bit < 100 * 8; bit += 3) {
    const damaged = Buffer.from(good);
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    rig.write(damaged);
    counts[await survives(rig, damaged, `bit ${bit}`)] += 1;
  }
  assert.ok(counts.aside > 100 && counts.sound > 20, JSON.stringify(counts));
});

test("whatever bits of its pages flip, a gateway stands on what is left", async (rig) => {
  const good = await sound(rig);
  const random = seededRandom(2);
  let moved = 0;
  for (let round = 0; round < 150; round++) {
    const damaged = Buffer.from(good);
    for (let flips = 1 + Math.floor(random.fraction() * 8); flips > 0; flips--) {
      const at = Math.floor(random.fraction() * damaged.length);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << Math.floor(random.fraction() * 8));
    }
    rig.write(damaged);
    if ((await survives(rig, damaged, `round ${round}`)) === "aside") moved += 1;
  }
  assert.ok(moved > 20, `${moved}`);
});

test("a log that is lost costs what was in it, and a log without its database is moved aside", async (rig) => {
  const good = await sound(rig);
  const editor = openEditor(rig.file);
  editor.addUser(account("erin"));
  const log = rig.read("roger.db-wal");
  editor.close();
  rig.write(good);
  assert.equal(wordsOf(rig.open()), [...configured, "dave: fire"]);

  rig.remove();
  Object.assign(rig, storeRig());
  rig.write(log, "roger.db-wal");
  await rig.open().close();
  assert.equal(rig.events(), ["store-damaged"]);
  assert.equal(rig.files(), ["roger.db", `${aside}-wal`]);
  assert.is(Buffer.compare(rig.read(`${aside}-wal`), log), 0);
});

test("of a log that is damaged what comes before the damage counts", async (rig) => {
  await sound(rig);
  const editor = openEditor(rig.file);
  for (const user of ["erin", "frank", "grace"]) editor.addUser(account(user));
  const [database, log] = [rig.read(), rig.read("roger.db-wal")];
  editor.close();
  let least = 99;
  for (let at = log.length - 1; at > 0; at -= 997) {
    const damaged = Buffer.from(log);
    damaged[at] = (damaged[at] ?? 0) ^ 0x10;
    rig.write(database);
    rig.write(damaged, "roger.db-wal");
    const store = rig.open();
    const { length } = store.accounts;
    await store.close();
    assert.ok(length <= least && length >= 3, `${length} users with a damage at ${at}`);
    least = length;
  }
  assert.is(least, 3);
  assert.equal(rig.events(), []);
});

test("a database that contradicts itself is moved aside", async (rig) => {
  for (const [what, sql] of Object.entries({
    "no such version": "PRAGMA user_version = 77",
    "no version": "PRAGMA user_version = 0",
    "another application": "PRAGMA application_id = 7",
    "the table's version": "UPDATE meta SET value = 77 WHERE key = 'version'",
    "a table that is missing": "DROP TABLE bindings",
    "a trigger that is missing": "DROP TRIGGER proof_changed",
    "another table of that name": "DROP TABLE bindings; CREATE TABLE bindings (user TEXT)",
    "a member who is nobody": "PRAGMA foreign_keys = OFF; DELETE FROM accounts WHERE user = 'bob'",
    "a value that cannot be": "PRAGMA ignore_check_constraints = ON; UPDATE accounts SET priority = 999",
  })) {
    rig.write(await sound(rig));
    const database = new DatabaseSync(rig.file);
    database.exec(sql);
    database.close();
    assert.is(await survives(rig, rig.read(), what), "aside", what);
  }
});

const both = (rig: StoreRig) => [() => rig.open(), () => openEditor(rig.file, seed)];

/** Each way to open it is refused with these words, and it is not touched. */
function refuses(rig: StoreRig, words: RegExp, ways: readonly (() => unknown)[]): void {
  const before = rig.read();
  for (const open of ways)
    assert.throws(open, (error: unknown) => error instanceof DeviceError && words.test(error.message));
  assert.is(Buffer.compare(rig.read(), before), 0);
}

test("a database of a later Roger, and one of another program, are no damage: the gateway does not start", async (rig) => {
  await sound(rig);
  const later = new DatabaseSync(rig.file);
  later.exec("PRAGMA user_version = 77; UPDATE meta SET value = 77 WHERE key = 'version'");
  later.close();
  refuses(
    rig,
    /^store .*: a later Roger wrote it \(version 77, this one reads up to 4\); install that one again/,
    both(rig),
  );

  rig.remove();
  Object.assign(rig, storeRig());
  const other = new DatabaseSync(rig.file);
  other.exec("PRAGMA journal_mode = WAL; CREATE TABLE bookmarks (url TEXT)");
  other.close();
  refuses(rig, /^store .*: this is the database of another program; correct the path/, both(rig));
});

test("what can be said of it without opening it is said, and nothing is touched", async (rig) => {
  const good = await sound(rig);
  const changed = (at: number, ...bytes: number[]): Buffer => {
    const copy = Buffer.from(good);
    copy.set(bytes, at);
    return copy;
  };
  for (const [data, words] of [
    [good, /^undefined$/],
    [Buffer.alloc(0), /^undefined$/],
    [
      Buffer.from("garbage".repeat(1_000)),
      /: its file format is unknown; a gateway would move it aside, and build a new/,
    ],
    [changed(0, 0), /: this is no database; a gateway would/],
    [good.subarray(0, 100), /: it is 100 bytes long; a gateway would/],
    [changed(60, 0, 0, 0, 99), /: a later Roger wrote it \(version 99\)/],
    [changed(68, 1, 2, 3, 4), /: this is the database of another program; correct the path/],
  ] as const) {
    rig.write(data);
    assert.match(`${inspect(rig.file)}`, words);
    assert.equal(rig.files(), ["roger.db"]);
  }
  assert.match(`${inspect(join(rig.folder, "none/roger.db"))}`, /the folder .* is not there; create it/);
  assert.match(`${inspect(rig.folder)}`, /this is no file; correct the path/);
  assert.is(inspect(join(rig.folder, "new.db")), undefined);
});

test("the roger command moves nothing aside", async (rig) => {
  const good = await sound(rig);
  for (const damaged of [
    Buffer.from("garbage".repeat(1_000)),
    Buffer.from("x"),
    good.subarray(0, 8_192),
    Buffer.from(good).fill(0, 0, 100),
  ]) {
    rig.write(damaged);
    refuses(rig, /it is damaged \(.*\); start the gateway, which moves it aside/, [() => openEditor(rig.file, seed)]);
  }
});

test.run();
