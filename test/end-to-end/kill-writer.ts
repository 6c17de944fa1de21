/**
 * Commits to a store without end, as a gateway and the roger command would at once, and says on standard output what is
 * committed, after it is. `kill-writer.ts FILE FIRST`: FIRST is the number of its first user.
 */
import { writeSync } from "node:fs";
import { silent } from "../../firmware/log.ts";
import { openEditor } from "../../firmware/store/editing.ts";
import { openStore, type Seed, type StoredAccount } from "../../firmware/store/store.ts";
import { launchWriter, type WriterLauncher } from "../../firmware/store/writing.ts";
import { monotonicClock } from "../../hal/clock/monotonic.ts";

const [file = "", first = "0"] = process.argv.slice(2);
const clock = monotonicClock();

/** It is in the pipe when this returns, whatever becomes of this process. */
function say(line: string): void {
  for (;;) {
    try {
      return void writeSync(1, `${line}\n`);
    } catch (error) {
      // The reader is behind; so short a line is written whole or not at all (pipe(7)).
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
    }
  }
}

const times = { endOfMediaMs: 4_000, talkMs: 30_000, graceMs: 3_000, hangMs: 10_000 };
const account = (user: string, ha1: string): StoredAccount => ({
  user,
  name: "",
  priority: 0,
  hashes: new Map([["MD5", ha1]]),
  memberships: [{ talkgroup: "ops", role: "talk", mayPreempt: true, standing: true }],
});
const seed: Seed = {
  realm: "crew.example",
  digest: ["MD5"],
  talkgroups: [{ name: "ops", ...times }],
  accounts: [account("alice", "a".repeat(32))],
};

/** As the gateway's, and telling. */
const telling: WriterLauncher = (path, handlers) => {
  let written: string[] = [];
  const writer = launchWriter(path, {
    ...handlers,
    onOutcome(outcome) {
      for (const line of written) say(outcome.trouble ?? line);
      handlers.onOutcome(outcome);
    },
  });
  return {
    ...writer,
    write(changes) {
      written = changes.map((change) =>
        "gone" in change ? `unbound ${change.contact}` : `bound ${change.contact} ${change.cseq}`,
      );
      // Nobody here waits for the news of an account, as a gateway would.
      writer.write(changes, Number.MAX_SAFE_INTEGER);
    },
  };
};

say("begins");
const store = openStore(file, seed, {
  clock,
  log: silent,
  writer: telling,
  onCrash(error) {
    throw error;
  },
});
say("stands");
const editor = openEditor(file);

function work(number: number): void {
  const user = `u${number}`;
  const hash = number.toString(16).padStart(32, "0");
  editor.addUser(account(user, hash));
  say(`added ${user} ${hash}`);
  for (let phone = 0; phone < 5; phone++) {
    const contact = `sip:${user}@10.0.0.${phone}`;
    const remote = { host: `10.0.0.${phone}`, port: 5060 };
    store.bindings.save({
      user,
      contact,
      transport: "udp",
      remote,
      callId: contact,
      cseq: number,
      expiresAt: clock.wall() + 3.6e6,
    });
    if (phone === 4) store.bindings.remove(user, contact);
  }
  if (number % 4 === 3) {
    editor.removeUser(`u${number - 2}`);
    say(`removed u${number - 2}`);
  }
  if (number % 4 === 0) {
    editor.setHashes(user, new Map([["MD5", "f".repeat(32)]]));
    say(`changed ${user} ${"f".repeat(32)}`);
  }
  clock.after(0, () => work(number + 1));
}
work(Number(first));
