import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { BindingChange } from "../../../firmware/store/bindings.ts";
import { directWriter } from "../../../firmware/store/direct-writer.ts";
import { openEditor } from "../../../firmware/store/editing.ts";
import type { StoredBinding } from "../../../firmware/store/store.ts";
import { launchWriter, type Outcome, type WriterLauncher } from "../../../firmware/store/writing.ts";
import { account, hashesOf, type StoreRig, seed, storeRig } from "./rig.ts";

const test = suite<StoreRig>("registrations");

test.before.each((rig) => void Object.assign(rig, storeRig()));
test.after.each((rig) => {
  assert.is(rig.clock.pending(), 0);
  rig.remove();
});

const expiresAt = Date.UTC(2026, 0, 1, 1);
const binding = (user: string, changes: Partial<StoredBinding> = {}): StoredBinding => ({
  user,
  contact: `sip:${user}@10.0.0.2:5060;ob`,
  transport: "udp",
  remote: { host: "10.0.0.2", port: 49_152 },
  callId: "a84b4c76e66710",
  cseq: 1,
  expiresAt,
  ...changes,
});

/** A writer by script: it keeps what it is given until the test says what came of it. */
function slowWriter() {
  const batches: (readonly BindingChange[])[] = [];
  let tell: (outcome: Outcome) => void = () => {};
  let closed = false;
  const launch: WriterLauncher = (_file, { onOutcome }) => {
    tell = onOutcome;
    return {
      write: (changes) => void batches.push(changes),
      async close() {
        closed = true;
      },
    };
  };
  return {
    launch,
    batches,
    outcome: (outcome: Outcome = {}) => tell(outcome),
    closed: () => closed,
    /** The users of each batch. */
    users: () => batches.map((batch) => batch.map(({ user }) => user).join(" ")),
  };
}

test("everything of a registration comes back as it went in", async (rig) => {
  const whole = [
    binding("alice"),
    binding("alice", {
      contact: "sip:alice@[fd00::2]",
      remote: { host: "fd00::2", port: 5060 },
      transport: "tcp",
      q: 0.5,
    }),
    binding("bob", { cseq: 2 ** 31 - 1, callId: 'odd "call" \u00fc\u{1f4de}', q: 0 }),
  ];
  const store = rig.open();
  for (const each of whole) store.bindings.save(each);
  await store.close();
  const again = rig.open();
  const found = again.bindings.load();
  assert.equal(
    found.toSorted((a, b) => a.cseq - b.cseq || b.contact.localeCompare(a.contact)),
    whole.toSorted((a, b) => a.cseq - b.cseq || b.contact.localeCompare(a.contact)),
  );
  await again.close();
});

test("what changes within a tenth of a second is one commit, the last word on each", async (rig) => {
  const writer = slowWriter();
  const store = rig.open(seed, { writer: writer.launch });
  store.bindings.save(binding("alice"));
  await rig.clock.advance(60);
  store.bindings.save(binding("bob"));
  store.bindings.save(binding("alice", { cseq: 2 }));
  store.bindings.remove("bob", binding("bob").contact);
  assert.equal(writer.batches, [], "nothing waits for it");
  await rig.clock.advance(40);
  assert.equal(writer.batches, [
    [binding("alice", { cseq: 2 }), { user: "bob", contact: binding("bob").contact, gone: true }],
  ]);
  writer.outcome();
  await store.close();
});

test("while a slow card writes, the rest gathers in one batch", async (rig) => {
  const writer = slowWriter();
  const store = rig.open({ ...seed, accounts: [] }, { writer: writer.launch });
  for (let round = 0; round < 20; round++) {
    store.bindings.save(binding(`u${round}`));
    await rig.clock.advance(100);
  }
  assert.equal(writer.users(), ["u0"]);
  writer.outcome();
  await rig.clock.advance(100);
  assert.is(writer.batches[1]?.length, 19);
  writer.outcome();
  await rig.clock.advance(10_000);
  assert.is(writer.batches.length, 2, "and then there is nothing to do");
  await store.close();
});

test("what cannot be written is tried again, and told of once; what changed meanwhile is the last word", async (rig) => {
  const writer = slowWriter();
  const store = rig.open(seed, { writer: writer.launch });
  store.bindings.save(binding("alice"));
  store.bindings.save(binding("bob"));
  await rig.clock.advance(100);
  store.bindings.save(binding("alice", { cseq: 9 }));
  for (let round = 0; round < 3; round++) {
    writer.outcome({ trouble: "the disk is full" });
    await rig.clock.advance(4_900);
    assert.is(writer.batches.length, round + 1);
    await rig.clock.advance(100);
  }
  assert.equal(writer.batches.at(-1), [binding("alice", { cseq: 9 }), binding("bob")]);
  assert.equal(rig.events(), ["store-trouble"]);
  writer.outcome();
  assert.equal(rig.events(), ["store-trouble", "store-well"]);
  await store.close();
});

test("however long nothing can be written, no more than so much waits", async (rig) => {
  const writer = slowWriter();
  const store = rig.open(seed, { writer: writer.launch });
  for (let number = 0; number < 120_000; number++) store.bindings.save(binding(`u${number}`));
  await rig.clock.advance(100);
  const [batch = []] = writer.batches;
  assert.ok(batch.length <= 50_000, `${batch.length}`);
  assert.is(batch.at(-1)?.user, "u119999");
  writer.outcome();
  await store.close();
});

test("who waits for what was said is told when it is written, at once when there is nothing to write, and when nothing can be", async (rig) => {
  const writer = slowWriter();
  const store = rig.open(seed, { writer: writer.launch });
  const told: string[] = [];
  const wait = (name: string): void => store.bindings.settled(() => void told.push(name));
  wait("nothing");
  assert.equal(told, ["nothing"]);
  store.bindings.save(binding("alice"));
  wait("alice");
  await rig.clock.advance(100);
  wait("alice, on her way");
  store.bindings.remove("bob", binding("bob").contact);
  wait("bob");
  assert.equal(told, ["nothing"]);
  writer.outcome();
  assert.equal(told.splice(0), ["nothing", "alice", "alice, on her way"]);
  await rig.clock.advance(100);
  writer.outcome({ trouble: "the disk is full" });
  wait("trouble");
  assert.equal(told, ["bob", "trouble"]);
  const closing = store.close();
  await rig.clock.advance(0);
  writer.outcome();
  await closing;
});

test("at the end everything is written before the writer closes", async (rig) => {
  const writer = slowWriter();
  const store = rig.open(seed, { writer: writer.launch });
  store.bindings.save(binding("alice"));
  await rig.clock.advance(100);
  store.bindings.save(binding("bob"));
  const closing = store.close();
  await rig.clock.advance(0);
  assert.equal([writer.users(), writer.closed()], [["alice"], false]);
  writer.outcome();
  await rig.clock.advance(0);
  assert.equal([writer.users(), writer.closed()], [["alice", "bob"], false]);
  writer.outcome({ trouble: "the disk is full" });
  await closing;
  assert.ok(writer.closed(), "what cannot be written holds nobody up");
});

test("one that has run out is not loaded, and leaves no row behind", async (rig) => {
  const store = rig.open();
  store.bindings.save(binding("alice"));
  store.bindings.save(binding("bob", { expiresAt: expiresAt + 1 }));
  await store.close();
  rig.clock.stall(3_600_000);
  const later = rig.open();
  assert.equal(
    later.bindings.load().map(({ user }) => user),
    ["bob"],
  );
  await later.close();
  const database = new DatabaseSync(rig.file);
  assert.equal(database.prepare("SELECT count(*) AS n FROM bindings").get()?.["n"], 1);
  database.close();
});

test("with a user, or a password, go the registrations that were made by it; one that comes late is not kept", async (rig) => {
  const store = rig.open();
  store.watch({ account() {}, talkgroup() {} });
  const editor = openEditor(rig.file);
  for (const user of ["dave", "erin", "frank"]) editor.addUser(account(user));
  await rig.clock.advance(1_000);
  for (const user of ["dave", "erin", "frank"]) store.bindings.save(binding(user));
  await rig.clock.advance(100);
  const users = () =>
    store.bindings
      .load()
      .map(({ user }) => user)
      .sort();
  assert.equal(users(), ["dave", "erin", "frank"]);
  editor.removeUser("dave");
  editor.setHashes("erin", hashesOf("new"));
  editor.setHashes("frank", hashesOf("one"));
  assert.equal(users(), ["frank"], "the same password is no change");
  for (const user of ["dave", "erin", "frank"]) store.bindings.save(binding(user, { cseq: 2 }));
  await rig.clock.advance(100);
  assert.equal(
    store.bindings.load().map(({ user, cseq }) => `${user} ${cseq}`),
    ["frank 2"],
    "who registers by a password that was taken away, before the gateway has heard of it, is not kept",
  );
  await rig.clock.advance(1_000);
  store.bindings.save(binding("erin", { cseq: 3 }));
  await rig.clock.advance(100);
  assert.equal(users(), ["erin", "frank"]);
  assert.equal(rig.events(), []);
  editor.close();
  await store.close();
  const moved = rig.open({ ...seed, realm: "else.example" });
  assert.equal(moved.bindings.load(), []);
  await moved.close();
});

test("a bug in the thread that writes is no trouble to be lived with: it is told as one", async (rig) => {
  await rig.open().close();
  const database = new DatabaseSync(rig.file);
  database.exec("DROP TABLE bindings");
  database.close();
  const crash = new Promise<Error>((resolve) => {
    const writer = launchWriter(rig.file, { onOutcome() {}, onCrash: resolve });
    writer.write([binding("alice")], 1_000);
  });
  assert.match((await crash).message, /no such table: bindings/);
});

test("the thread that writes does what its caller would do, and says what goes wrong", async (rig) => {
  const store = rig.open();
  rig.write("garbage".repeat(1_000), "other.db");
  for (const launch of [launchWriter, directWriter]) {
    const opened = (file: string) => {
      let tell = (_outcome: Outcome): void => {};
      const writer = launch(file, {
        onOutcome: (outcome) => tell(outcome),
        onCrash(error) {
          throw error;
        },
      });
      const write = (...changes: readonly BindingChange[]) =>
        new Promise<Outcome>((resolve) => {
          tell = resolve;
          writer.write(changes, 1_000);
        });
      return { write, close: writer.close };
    };
    const good = opened(rig.file);
    assert.equal(await good.write(binding("alice"), binding("bob"), binding("nobody")), {});
    assert.equal(await good.write({ ...binding("alice"), gone: true }), {});
    assert.equal(
      store.bindings.load().map(({ user }) => user),
      ["bob"],
    );
    await good.close();
    const bad = opened(join(rig.folder, "other.db"));
    assert.equal(await bad.write(binding("alice")), { trouble: "file is not a database" });
    await bad.close();
  }
  await store.close();
});

test.run();
