import { DatabaseSync } from "node:sqlite";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Editor, openEditor } from "../../../firmware/store/editing.ts";
import type { Store } from "../../../firmware/store/store.ts";
import { account, hashesOf, membership, type StoreRig, storeRig, talkgroup } from "./rig.ts";

interface Watched extends StoreRig {
  store: Store;
  editor: Editor;
  /** What the gateway was told since it was last asked, in words. */
  heard(): Promise<string[]>;
}

const test = suite<Watched>("a gateway that runs");

test.before.each((rig) => {
  Object.assign(rig, storeRig());
  const words: string[] = [];
  rig.store = rig.open();
  rig.store.watch({
    talkgroup: (name, row) => void words.push(`talkgroup ${name}: ${row ? row.talkMs : "gone"}`),
    account: (user, row) =>
      void words.push(`${user}: ${row ? row.memberships.map((each) => each.talkgroup).join(", ") : "gone"}`),
  });
  rig.editor = openEditor(rig.file);
  rig.heard = async () => {
    await rig.clock.advance(1_000);
    return words.splice(0);
  };
});
test.after.each(async (rig) => {
  rig.editor.close();
  await rig.store.close();
  assert.is(rig.clock.pending(), 0);
  rig.remove();
});

test("hears within a second of each user and talkgroup that the command changed, once, as it is now", async (rig) => {
  const { editor, heard } = rig;
  assert.equal(await heard(), []);
  editor.addUser(account("dave"));
  assert.equal(await heard(), ["dave: ops"]);
  assert.equal(await heard(), []);
  editor.setHashes("dave", hashesOf("new"));
  editor.putMember("dave", { ...membership, talkgroup: "fire" });
  editor.putMember("alice", { ...membership, talkgroup: "fire" });
  assert.equal(await heard(), ["dave: fire, ops", "alice: fire, ops"]);
  editor.putMember("dave", { ...membership, talkgroup: "fire" });
  editor.setHashes("dave", hashesOf("new"));
  assert.equal(await heard(), [], "what stays the same is no change");
  editor.removeUser("dave");
  editor.addUser(account("erin"));
  editor.removeUser("erin");
  assert.equal(await heard(), ["dave: gone", "erin: gone"]);
});

test("hears of a talkgroup before those who join it, and after those who leave it", async (rig) => {
  const { editor, heard } = rig;
  editor.addUser(account("dave", ["fire"]));
  editor.addTalkgroup(talkgroup("sea"));
  editor.putMember("dave", { ...membership, talkgroup: "sea" });
  assert.equal(await heard(), ["talkgroup sea: 30000", "dave: fire, sea"]);
  editor.removeTalkgroup("sea");
  editor.addTalkgroup(talkgroup("lake", { talkMs: 9_000 }));
  assert.equal(await heard(), ["talkgroup lake: 9000", "dave: fire", "talkgroup sea: gone"]);
});

test("its own registrations are no news to it", async (rig) => {
  rig.store.bindings.save({
    user: "alice",
    contact: "sip:alice@10.0.0.2",
    transport: "udp",
    remote: { host: "10.0.0.2", port: 5060 },
    callId: "c",
    cseq: 1,
    expiresAt: rig.clock.wall() + 60_000,
  });
  assert.equal(await rig.heard(), []);
});

test("a store that cannot be read is told of once, and what was changed meanwhile is heard of when it can be", async (rig) => {
  const { editor, heard } = rig;
  editor.addUser(account("dave"));
  const other = new DatabaseSync(rig.file);
  other.exec("ALTER TABLE changes RENAME TO hidden");
  assert.equal(await heard(), []);
  assert.equal(await heard(), []);
  assert.equal(rig.events(), ["store-trouble"]);
  other.exec("ALTER TABLE hidden RENAME TO changes");
  other.close();
  assert.equal(await heard(), ["dave: ops"]);
  const again = new DatabaseSync(rig.file);
  again.exec("ALTER TABLE changes RENAME TO hidden");
  again.close();
  assert.equal(await heard(), []);
  assert.equal(rig.events(), ["store-trouble", "store-trouble"]);
});

test("what was changed before it started is in what it starts with", async (rig) => {
  rig.editor.addUser(account("dave"));
  await rig.store.close();
  rig.store = rig.open();
  const words: string[] = [];
  rig.store.watch({ talkgroup: () => words.push("talkgroup"), account: (user) => words.push(user) });
  assert.is(rig.store.accounts.length, 3);
  rig.editor.addUser(account("erin"));
  await rig.clock.advance(1_000);
  assert.equal(words, ["erin"]);
});

test.run();
