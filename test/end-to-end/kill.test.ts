/** Kills a process that commits without end at random moments, and looks at what it leaves. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Log } from "../../firmware/log.ts";
import { directWriter } from "../../firmware/store/direct-writer.ts";
import { openStore } from "../../firmware/store/store.ts";
import { monotonicClock } from "../../hal/clock/monotonic.ts";
import { seededRandom } from "../../hal/random/seeded.ts";
import { projectRoot } from "../support/source.ts";

const script = join(projectRoot, "test/end-to-end/kill-writer.ts");

/** Runs it until it has said so many lines, and kills it; gives all that it said. */
async function killedAfter(lines: number, file: string, first: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, [script, file, `${first}`], { stdio: ["ignore", "pipe", "inherit"] });
  const said: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on("line", (line) => {
    said.push(line);
    if (said.length === lines) child.kill("SIGKILL");
  });
  const [, signal] = await once(child, "close");
  assert.is(signal, "SIGKILL", `it was to be killed after ${lines} lines, and ended by itself after ${said.length}`);
  return said;
}

/** What has been acknowledged, all rounds together. */
function acknowledged() {
  /** Undefined: removed. */
  const users = new Map<string, string | undefined>();
  const bindings = new Map<string, number | undefined>();
  const isChanged = (user: string): boolean => Number(user.slice(1)) % 4 === 0;
  const userOf = (contact: string): string => contact.slice("sip:".length, contact.indexOf("@"));
  return {
    users,
    bindings,
    hear(line: string): void {
      const [what, name = "", value = ""] = line.split(" ");
      if (what === "added" || what === "changed") users.set(name, value);
      if (what === "removed") users.set(name, undefined);
      // With a user or a password go the registrations, and whether one of them was before that or after it is not told.
      const isSettled = users.get(userOf(name)) !== undefined && !isChanged(userOf(name));
      if (what === "bound" && isSettled) bindings.set(name, Number(value));
      if (what === "unbound") bindings.set(name, undefined);
      if (what === "removed")
        for (const contact of bindings.keys()) if (userOf(contact) === name) bindings.delete(contact);
    },
  };
}

const rounds = 100;

test(`killed at ${rounds} random moments, a store opens sound and has all that was committed`, async () => {
  const random = seededRandom(7);
  const folder = mkdtempSync(join(tmpdir(), "roger-kill-"));
  const complaints: object[] = [];
  const complain = (fields: object): void => {
    // It was killed before it had written anything.
    if ("event" in fields && fields.event === "store-empty" && known.users.size === 0) return;
    complaints.push(fields);
  };
  const log: Log = { debug() {}, info() {}, warn: complain, error: complain };
  const total = { users: 0, bindings: 0 };
  let file = "";
  let known = acknowledged();
  let next = 0;

  for (let round = 0; round < rounds; round++) {
    // A new one now and then, so that it is killed while it is created, too.
    if (round % 10 === 0) {
      file = join(folder, `${round}.db`);
      known = acknowledged();
    }
    const lines = round % 10 === 0 ? 1 : 1 + Math.floor(random.fraction() * 120);
    for (const line of await killedAfter(lines, file, next)) known.hear(line);
    next += 1_000;

    // Of what the configuration named there, nothing is taken away.
    const seed = { realm: "crew.example", digest: ["MD5"], accounts: [], talkgroups: [] };
    const talkgroups = [{ name: "ops", endOfMediaMs: 4_000, talkMs: 30_000, graceMs: 3_000, hangMs: 10_000 }];
    const store = openStore(
      file,
      { ...seed, talkgroups },
      { clock: monotonicClock(), log, writer: directWriter, onCrash: assert.unreachable },
    );
    const hashes = new Map(store.accounts.map((account) => [account.user, account.hashes.get("MD5")]));
    const bound = new Map(store.bindings.load().map(({ contact, cseq }) => [contact, cseq]));
    await store.close();
    // Only the last change to a user may have been committed and not told.
    const differing = [...known.users].filter(([user, hash]) => hashes.get(user) !== hash);
    assert.ok(differing.length <= 1, `round ${round}: ${JSON.stringify(differing)}`);
    for (const [user] of differing)
      known.hear(hashes.has(user) ? `changed ${user} ${hashes.get(user)}` : `removed ${user}`);
    for (const [contact, cseq] of known.bindings) {
      // It is removed again soon, told or not.
      if (contact.endsWith(".4") && cseq !== undefined) continue;
      assert.is(bound.get(contact), cseq, `${contact}, round ${round}`);
    }
    assert.equal(complaints, [], `round ${round}`);
    total.users += known.users.size;
    total.bindings += known.bindings.size;
  }
  assert.equal(
    readdirSync(folder).filter((name) => name.includes("damaged")),
    [],
  );
  assert.ok(total.users > 5_000 && total.bindings > 5_000, JSON.stringify(total));
  rmSync(folder, { recursive: true });
});

test.run();
