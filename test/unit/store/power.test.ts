/** What a card holds when power goes in the midst of a write: of the sectors that were not flushed yet, any may be new, and any old. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Editor, openEditor } from "../../../firmware/store/editing.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";
import { account, hashesOf, membership, type StoreRig, storeRig } from "./rig.ts";

interface Moment {
  readonly database: Buffer;
  readonly log: Buffer;
  /** All that is committed. */
  readonly content: string;
}

const test = suite<StoreRig & { editor: Editor; moment(): Moment }>("loss of power");
const random = seededRandom(5);
const below = (bound: number): number => Math.floor(random.fraction() * bound);

test.before.each(async (rig) => {
  Object.assign(rig, storeRig());
  await rig.open().close();
  const log = "roger.db-wal";
  rig.editor = openEditor(rig.file);
  rig.moment = () => ({
    database: rig.read(),
    log: existsSync(join(rig.folder, log)) ? rig.read(log) : Buffer.alloc(0),
    content: contentOf(rig.editor),
  });
});
test.after.each((rig) => {
  rig.editor.close();
  rig.remove();
});

function contentOf(store: Pick<Editor, "accounts" | "talkgroups">): string {
  const accounts = store.accounts().map((each) => ({ ...each, hashes: [...each.hashes] }));
  return JSON.stringify([accounts, store.talkgroups()]);
}

/** One commit of some kind. */
function commit(editor: Editor, number: number): void {
  const user = `u${below(number + 1)}`;
  const isThere = editor.accounts().some((each) => each.user === user);
  if (!isThere) return editor.addUser(account(user, ["ops", "fire"], `password ${number}`));
  if (number % 3 === 0) return void editor.removeUser(user);
  if (number % 3 === 1) return editor.setHashes(user, hashesOf(`password ${number}`));
  editor.putMember(user, { ...membership, talkgroup: "ops", priority: number % 256 });
}

/** Each sector from one or the other; what only one has is there or is not. */
function torn(before: Buffer, after: Buffer): Buffer {
  const sector = 512;
  const flushed = [0.5, 0.9, 1][below(3)] ?? 1;
  const mixed = Buffer.alloc(Math.max(before.length, after.length));
  for (let at = 0; at < mixed.length; at += sector) {
    const source = random.fraction() < flushed ? after : before;
    if (at < source.length) source.copy(mixed, at, at, at + sector);
  }
  return flushed === 1 ? mixed : mixed.subarray(0, before.length + below(mixed.length - before.length + 1));
}

/** What a gateway finds that starts on this. */
function found(rig: StoreRig, database: Buffer, log: Buffer): string {
  const file = join(rig.folder, "later.db");
  rig.write(database, "later.db");
  rig.write(log, "later.db-wal");
  const reader = new DatabaseSync(file);
  assert.equal(reader.prepare("PRAGMA integrity_check").get()?.["integrity_check"], "ok");
  reader.close();
  const editor = openEditor(file);
  const content = contentOf(editor);
  editor.close();
  return content;
}

test("in the midst of a commit: all of it is there or nothing, and all that was committed before", (rig) => {
  const counts = { old: 0, new: 0 };
  let before = rig.moment();
  for (let number = 0; number < 60; number++) {
    commit(rig.editor, number);
    const after = rig.moment();
    for (let round = 0; round < 3; round++) {
      const log = Buffer.concat([
        after.log.subarray(0, before.log.length),
        torn(Buffer.alloc(0), after.log.subarray(before.log.length)),
      ]);
      const content = found(rig, before.database, log);
      assert.ok(content === before.content || content === after.content, `commit ${number}`);
      counts[content === after.content ? "new" : "old"] += 1;
    }
    assert.is(found(rig, after.database, after.log), after.content);
    before = after;
  }
  assert.ok(counts.old > 50 && counts.new > 5, JSON.stringify(counts));
});

test("in the midst of a checkpoint, and while the log is begun anew after it: nothing is lost", (rig) => {
  for (let cycle = 0; cycle < 8; cycle++) {
    for (let number = 0; number < 12; number++) commit(rig.editor, cycle * 12 + number);
    const before = rig.moment();
    const other = new DatabaseSync(rig.file);
    other.exec("PRAGMA wal_checkpoint(RESTART)");
    other.close();
    const checkpointed = rig.moment();
    assert.ok(Buffer.compare(before.database, checkpointed.database) !== 0);
    for (let round = 0; round < 6; round++)
      assert.is(found(rig, torn(before.database, checkpointed.database), before.log), before.content, `cycle ${cycle}`);

    commit(rig.editor, 1 + cycle * 12);
    const after = rig.moment();
    assert.is(after.log.length, checkpointed.log.length, "the log is written over");
    for (let round = 0; round < 6; round++) {
      const content = found(rig, checkpointed.database, torn(checkpointed.log, after.log));
      assert.ok(content === before.content || content === after.content, `cycle ${cycle}`);
    }
  }
});

test.run();
