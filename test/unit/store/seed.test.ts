import { DatabaseSync } from "node:sqlite";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openEditor, Refusal } from "../../../firmware/store/editing.ts";
import type { Seed } from "../../../firmware/store/store.ts";
import { account, hashesOf, membership, realm, type StoreRig, seed, storeRig, talkgroup, wordsOf } from "./rig.ts";

const test = suite<StoreRig>("configuration and command");

test.before.each((rig) => void Object.assign(rig, storeRig()));
test.after.each((rig) => rig.remove());

/** Opens it with this configuration, closes it, and tells what is in it, in words. */
async function after(rig: StoreRig, from: Seed): Promise<readonly string[]> {
  const store = rig.open(from);
  const words = [`talkgroups: ${store.talkgroups.map(({ name }) => name).join(", ")}`, ...wordsOf(store)];
  await store.close();
  return words;
}

/** The number of changes that anybody has been told of. */
function revision(rig: StoreRig): unknown {
  const database = new DatabaseSync(rig.file, { readOnly: true });
  const found = database.prepare("SELECT max(revision) AS n FROM changes").get()?.["n"];
  database.close();
  return found;
}

test("everything of an account comes back as it went in", async (rig) => {
  const whole = {
    user: "erin",
    name: "Erin, crane 7",
    priority: 200,
    hashes: hashesOf("secret"),
    memberships: [
      { talkgroup: "fire", role: "dispatcher", priority: 255, mayPreempt: false, mayRaise: true, standing: true },
      { talkgroup: "ops", role: "listen", mayPreempt: true, standing: false },
    ],
  } as const;
  const store = rig.open({ ...seed, accounts: [whole] });
  assert.equal(store.accounts, [
    { ...whole, origin: "config", memberships: whole.memberships.map((each) => ({ ...each, origin: "config" })) },
  ]);
  await store.close();
  const editor = openEditor(rig.file);
  editor.addUser({ ...whole, user: "frank" });
  assert.equal(editor.accounts()[1], {
    ...whole,
    user: "frank",
    origin: "command",
    memberships: whole.memberships.map((each) => ({ ...each, origin: "command" })),
  });
  assert.equal([editor.realm, editor.digest], [realm, ["SHA-256", "MD5"]]);
  editor.close();
});

test("so does everything of a talkgroup, and what it has no more is gone", async (rig) => {
  const options = { queueing: true, broadcast: true, talkWarningMs: 5_000, emergencyMs: 60_000 } as const;
  const optional = { ...talkgroup("ops"), ...options };
  for (const wanted of [optional, talkgroup("ops"), optional]) {
    const store = rig.open({ ...seed, talkgroups: [wanted], accounts: [] });
    assert.equal(store.talkgroups, [{ ...wanted, origin: "config" }]);
    await store.close();
  }
});

test("a start with the same configuration changes nothing", async (rig) => {
  await after(rig, seed);
  const before = revision(rig);
  assert.equal(await after(rig, seed), ["talkgroups: fire, ops", "alice: ops", "bob: fire, ops"]);
  assert.is(revision(rig), before);
});

test("the configuration wins for what it names, and what it names no more is gone", async (rig) => {
  await after(rig, seed);
  const changed: Seed = {
    ...seed,
    talkgroups: [talkgroup("ops", { talkMs: 5_000 }), talkgroup("sea")],
    accounts: [{ ...account("alice", ["sea"], "another"), priority: 9, name: "Alice" }, account("carol")],
  };
  assert.equal(await after(rig, changed), ["talkgroups: ops, sea", "alice: sea", "carol: ops"]);
  const store = rig.open(changed);
  const [alice] = store.accounts;
  assert.equal([alice?.priority, alice?.name, alice?.hashes], [9, "Alice", hashesOf("another")]);
  assert.is(store.talkgroups[0]?.talkMs, 5_000);
  await store.close();
});

test("a user who may use one digest only has one hash", async (rig) => {
  const md5 = { ...account("alice"), hashes: new Map([["MD5", "a".repeat(32)]]) };
  await after(rig, seed);
  const store = rig.open({ ...seed, accounts: [md5] });
  assert.equal(store.accounts[0]?.hashes, md5.hashes);
  await store.close();
});

test("what the command added stays, until the configuration takes away what it belongs to", async (rig) => {
  await after(rig, seed);
  const editor = openEditor(rig.file);
  editor.addTalkgroup(talkgroup("sea"));
  editor.addUser(account("dave", ["ops", "sea"]));
  editor.putMember("alice", { ...membership, talkgroup: "sea" });
  editor.close();
  const all = ["alice: ops, sea", "bob: fire, ops", "dave: ops, sea"];
  assert.equal(await after(rig, seed), ["talkgroups: fire, ops, sea", ...all]);
  const without = { ...seed, talkgroups: [talkgroup("fire")], accounts: [account("bob", ["fire"])] };
  assert.equal(await after(rig, without), ["talkgroups: fire, sea", "bob: fire", "dave: sea"]);
});

test("a name that the configuration gives to somebody else is taken from the command's, and that is told", async (rig) => {
  await after(rig, seed);
  const editor = openEditor(rig.file);
  editor.addTalkgroup(talkgroup("carol"));
  editor.addUser(account("sea"));
  editor.addUser(account("dave", ["carol"], "chosen by hand"));
  editor.close();
  const store = rig.open({
    ...seed,
    talkgroups: [talkgroup("ops"), talkgroup("sea")],
    accounts: [account("carol"), account("dave", ["ops"], "configured")],
  });
  assert.equal(wordsOf(store), ["carol: ops", "dave: ops"]);
  assert.equal(store.accounts[1]?.hashes, hashesOf("configured"));
  assert.equal(rig.told.find(({ event }) => event === "store-displaced")?.fields, {
    event: "store-displaced",
    names: ["sea", "carol"],
  });
  await store.close();
});

test("in another realm a password proves nothing, and whoever needs a new one is named", async (rig) => {
  await after(rig, seed);
  const editor = openEditor(rig.file);
  editor.addUser(account("dave"));
  editor.close();
  const elsewhere = rig.open({ ...seed, realm: "else.example" });
  assert.equal(
    elsewhere.accounts.map(({ user, hashes }) => [user, hashes.size]),
    [
      ["alice", 2],
      ["bob", 2],
      ["dave", 0],
    ],
  );
  await elsewhere.close();
  assert.equal(rig.told.find(({ event }) => event === "store-unprovable")?.fields, {
    event: "store-unprovable",
    users: ["dave"],
    realm: "else.example",
  });
  const back = rig.open();
  assert.is(back.accounts[2]?.hashes.size, 2, "the realm was a slip");
  await back.close();
});

test("a password that is changed in one realm is no more in any other, for it is the one before there", async (rig) => {
  await after(rig, seed);
  const editor = openEditor(rig.file);
  editor.addUser(account("dave"));
  editor.close();
  await after(rig, { ...seed, realm: "else.example" });
  const elsewhere = openEditor(rig.file);
  elsewhere.setHashes("dave", hashesOf("new"));
  elsewhere.close();
  const back = rig.open();
  assert.is(back.accounts[2]?.hashes.size, 0);
  await back.close();
});

test("the command is refused what makes no sense, and what the configuration has; nothing of it is done", async (rig) => {
  await after(rig, seed);
  const editor = openEditor(rig.file);
  editor.addTalkgroup(talkgroup("sea"));
  editor.addUser(account("dave", ["sea"]));
  const before = [editor.talkgroups(), editor.accounts()];
  const inConfig = /is in the configuration file; change it there, and restart the gateway$/;
  for (const [change, words] of [
    [() => editor.addUser(account("alice")), /^there is a user alice already$/],
    [() => editor.addUser(account("dave")), /^there is a user dave already$/],
    [() => editor.addUser(account("sea")), /^there is a talkgroup sea already$/],
    [() => editor.addUser(account("erin", ["sea", "none"])), /^there is no talkgroup none$/],
    [() => editor.addTalkgroup(talkgroup("ops")), /^there is a talkgroup ops already$/],
    [() => editor.addTalkgroup(talkgroup("dave")), /^there is a user dave already$/],
    [() => editor.removeUser("nobody"), /^there is no user nobody$/],
    [() => editor.removeUser("alice"), inConfig],
    [() => editor.setHashes("alice", hashesOf("x")), inConfig],
    [() => editor.setHashes("nobody", hashesOf("x")), /^there is no user nobody$/],
    [() => editor.removeTalkgroup("none"), /^there is no talkgroup none$/],
    [() => editor.removeTalkgroup("ops"), inConfig],
    [() => editor.putMember("nobody", { ...membership, talkgroup: "ops" }), /^there is no user nobody$/],
    [() => editor.putMember("dave", { ...membership, talkgroup: "none" }), /^there is no talkgroup none$/],
    [() => editor.putMember("alice", { ...membership, talkgroup: "ops" }), inConfig],
    [() => editor.removeMember("alice", "ops"), inConfig],
    [() => editor.removeMember("dave", "ops"), /^there is no membership of dave in ops$/],
  ] as const)
    assert.throws(change, (error: unknown) => error instanceof Refusal && words.test(error.message), `${words}`);
  assert.equal([editor.talkgroups(), editor.accounts()], before);
  editor.close();
});

test("what the command added it changes and removes, with all that hangs on it", async (rig) => {
  await after(rig, seed);
  const editor = openEditor(rig.file);
  const dave = () => editor.accounts().find(({ user }) => user === "dave");
  editor.addTalkgroup(talkgroup("sea"));
  editor.addUser(account("dave", ["sea", "ops"]));
  editor.putMember("dave", { talkgroup: "sea", role: "listen", priority: 7, mayPreempt: true, standing: true });
  assert.equal(dave()?.memberships[1], {
    talkgroup: "sea",
    role: "listen",
    priority: 7,
    mayPreempt: true,
    standing: true,
    origin: "command",
  });
  editor.removeMember("dave", "ops");
  assert.equal(
    dave()?.memberships.map(({ talkgroup }) => talkgroup),
    ["sea"],
  );
  editor.removeTalkgroup("sea");
  assert.equal(dave()?.memberships, []);
  editor.removeUser("dave");
  assert.is(dave(), undefined);
  const database = new DatabaseSync(rig.file);
  for (const table of ["accounts", "credentials", "memberships"])
    assert.equal(database.prepare(`SELECT count(*) AS n FROM ${table} WHERE user = 'dave'`).get()?.["n"], 0, table);
  database.close();
  editor.close();
});

test("a store that no gateway has used yet starts with the configuration; without one its realm is not known", (rig) => {
  assert.throws(() => openEditor(rig.file), /there is no such store; correct the path, or give --config/);
  assert.equal(rig.files(), []);
  const first = openEditor(rig.file, seed);
  assert.equal(first.accounts().length, 2);
  first.close();
  const later = openEditor(rig.file, { ...seed, realm: "else.example", accounts: [account("zoe")] });
  assert.equal([later.realm, later.accounts().length], [realm, 2], "a gateway may be running: it is not seeded again");
  later.close();
  assert.equal(openEditor(rig.file).accounts().length, 2);
});

test.run();
