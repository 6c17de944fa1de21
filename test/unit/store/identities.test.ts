import { DatabaseSync } from "node:sqlite";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openEditor, Refusal } from "../../../firmware/store/editing.ts";
import type { Seed, StoredAccount } from "../../../firmware/store/store.ts";
import { account, hashesOf, type StoreRig, seed, storeRig, talkgroup } from "./rig.ts";

const test = suite<StoreRig>("identities in the store");

test.before.each((rig) => void Object.assign(rig, storeRig()));
test.after.each((rig) => rig.remove());

const identity = (user: string, owner: string, talkgroups = ["ops"]): StoredAccount => ({
  ...account(user, talkgroups),
  owner,
  hashes: new Map(),
});

/** Opens it with this configuration, closes it, and tells who is in it: "site-lead of alice". */
async function after(rig: StoreRig, from: Seed): Promise<readonly string[]> {
  const store = rig.open(from);
  await store.close();
  return store.accounts.map(({ user, owner }) => (owner === undefined ? user : `${user} of ${owner}`));
}

const withAccounts = (...accounts: readonly StoredAccount[]): Seed => ({ ...seed, accounts });

test("an identity of the configuration comes back as it went in, in whatever order, and needs no password", async (rig) => {
  const lead = identity("a-lead", "alice");
  const store = rig.open(withAccounts(lead, account("alice")));
  assert.equal(store.accounts[0], {
    ...lead,
    origin: "config",
    memberships: lead.memberships.map((each) => ({ ...each, origin: "config" })),
  });
  assert.is(store.accounts[1]?.owner, undefined);
  await store.close();
  assert.equal(rig.events(), []);
});

test("who becomes an identity has no password any more and has to register anew; and the other way round", async (rig) => {
  await after(rig, withAccounts(account("alice"), account("bob")));
  const database = new DatabaseSync(rig.file);
  database.exec(
    "INSERT INTO bindings VALUES ('bob', 'sip:bob@10.0.0.2', 'udp', '10.0.0.2', 5060, 'c', 1, NULL, 9000000000000)",
  );
  database.close();
  const store = rig.open(withAccounts(account("alice"), identity("bob", "alice")));
  assert.equal([store.accounts[1]?.owner, store.accounts[1]?.hashes.size], ["alice", 0]);
  assert.equal(store.bindings.load(), []);
  await store.close();
  const back = rig.open(withAccounts(account("alice"), account("bob")));
  assert.equal([back.accounts[1]?.owner, back.accounts[1]?.hashes], [undefined, hashesOf("one")]);
  await back.close();
});

test("an identity that the command added goes when the configuration takes its user away, and that is told", async (rig) => {
  for (const without of [
    withAccounts(account("bob")),
    withAccounts(account("bob"), identity("alice", "bob")),
    { ...withAccounts(account("bob")), talkgroups: [...seed.talkgroups, talkgroup("alice")] },
  ]) {
    await after(rig, seed);
    const editor = openEditor(rig.file);
    editor.addUser(identity("site-lead", "alice"));
    editor.addUser(identity("duty", "bob"));
    editor.close();
    assert.equal(await after(rig, seed), ["alice", "bob", "duty of bob", "site-lead of alice"]);
    rig.told.length = 0;
    const left = await after(rig, without);
    assert.ok(left.includes("duty of bob") && !left.join().includes("site-lead"), left.join());
    assert.equal(rig.told.find(({ event }) => event === "store-orphaned")?.fields, {
      event: "store-orphaned",
      names: ["site-lead"],
    });
    const clean = openEditor(rig.file);
    clean.removeUser("duty");
    clean.close();
  }
});

test("an identity goes with a user of the command whose name the configuration gives to something else", async (rig) => {
  for (const taken of [
    withAccounts(account("alice"), identity("dave", "alice")),
    { ...withAccounts(account("alice")), talkgroups: [...seed.talkgroups, talkgroup("dave")] },
  ]) {
    await after(rig, withAccounts(account("alice")));
    const editor = openEditor(rig.file);
    editor.addUser(account("dave"));
    editor.addUser(identity("chief", "dave"));
    editor.close();
    rig.told.length = 0;
    assert.not.ok((await after(rig, taken)).join().includes("chief"));
    assert.equal(rig.told.find(({ event }) => event === "store-orphaned")?.fields, {
      event: "store-orphaned",
      names: ["chief"],
    });
  }
});

test("a gateway that runs hears of an identity, and of each that goes with its user", async (rig) => {
  const store = rig.open();
  const words: string[] = [];
  store.watch({
    talkgroup() {},
    account: (user, row) => void words.push(`${user}: ${row ? (row.owner ?? "a user") : "gone"}`),
  });
  const heard = async () => {
    await rig.clock.advance(1_000);
    return words.splice(0).sort();
  };
  const editor = openEditor(rig.file);
  editor.addUser(account("dave"));
  editor.addUser(identity("chief", "dave"));
  editor.addUser(identity("duty", "alice"));
  assert.equal(await heard(), ["chief: dave", "dave: a user", "duty: alice"]);
  assert.equal(editor.removeUser("dave"), ["chief"]);
  assert.equal(await heard(), ["chief: gone", "dave: gone"]);
  editor.close();
  await store.close();
});

test("an identity has one user who has a password, no password itself, and there are so many and no more", async (rig) => {
  await after(rig, seed);
  const editor = openEditor(rig.file);
  const refused = (words: RegExp, wrong: StoredAccount): void =>
    assert.throws(
      () => editor.addUser(wrong),
      (error: unknown) => error instanceof Refusal && words.test(error.message),
    );
  editor.addUser(identity("i0", "alice"));
  refused(/^there is no user zoe$/, identity("i1", "zoe"));
  refused(/^there is no user i1$/, identity("i1", "i1"));
  refused(/^i0 is an identity of alice itself; name alice$/, identity("i1", "i0"));
  refused(/^i1 is proved by the password of alice, and takes none$/, { ...account("i1"), owner: "alice" });
  assert.throws(() => editor.setHashes("i0", hashesOf("x")), /i0 is an identity of alice, whose password proves it/);
  for (let number = 1; number < 16; number++) editor.addUser(identity(`i${number}`, "alice"));
  refused(/^alice has 16 identities, which is the most$/, identity("i16", "alice"));
  assert.is(editor.accounts().length, 18);
  editor.close();
});

test.run();
