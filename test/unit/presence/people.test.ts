import { test } from "uvu";
import * as assert from "uvu/assert";
import { accountsFrom } from "../../../firmware/presence/accounts.ts";
import { people } from "../../../firmware/presence/people.ts";
import type { Presence } from "../../../firmware/presence/roster.ts";
import type { Rule } from "../../../firmware/presence/rules.ts";
import type { Shown } from "../../../firmware/presence/status.ts";
import { virtualClock } from "../../../hal/clock/virtual.ts";

const settings = {
  password: "secret",
  standing: [],
  dispatcher: [],
  noPreempt: [],
  priority: 0,
  digest: ["SHA-256"] as const,
  talkgroups: ["ops", "fire"],
};
const wordsOf = ({ status, activity, note }: Shown): string => [status, activity, note].filter(Boolean).join(" ");
const toNobody: Rule = { action: "block", users: [], talkgroups: [], everyone: true };

function open() {
  const clock = virtualClock();
  const entries = ["alice", "bob"].map((user) => ({ ...settings, user, listenOnly: user === "bob" ? ["ops"] : [] }));
  const told: { readonly user: string; readonly state: Presence | undefined }[] = [];
  const changed: string[] = [];
  const all = people(
    {
      clock,
      accounts: accountsFrom(entries, "example.org"),
      rules: { of: (user) => (user === "alice" ? [toNobody] : []) },
    },
    {
      local: (user, state) => void told.push({ user, state }),
      changed: (user) => void changed.push(`${user}: ${wordsOf(all.person(user))}`),
    },
  );
  return { clock, all, told, changed };
}

test("what is told of a user is another only when something else is shown", async () => {
  const { all, changed } = open();
  all.place("alice", { terminals: 1, talkgroups: [] });
  all.place("alice", { terminals: 2, talkgroups: ["ops"] });
  all.call("alice", 1);
  all.call("alice", 1);
  all.call("alice", -1);
  all.call("alice", -1);
  all.place("bob", { terminals: 0, talkgroups: ["ops"] });
  all.place("bob", { terminals: 0, talkgroups: ["ops", "fire"] });
  all.place("alice", undefined);
  assert.equal(changed, [
    "alice: available",
    "alice: busy on-the-phone",
    "alice: available",
    "bob: listening-only",
    "bob: available",
    "alice: offline",
  ]);
  assert.equal(
    [...all.present()].map(({ user }) => user),
    ["bob"],
  );
});

test("who loses their terminal during a call, and has it again, is in the call still", () => {
  const { all } = open();
  all.place("alice", { terminals: 1, talkgroups: [] });
  all.call("alice", 1);
  all.place("alice", undefined);
  assert.is(all.person("alice").status, "offline");
  all.place("alice", { terminals: 1, talkgroups: [] });
  assert.is(all.person("alice").status, "busy");
  all.call("alice", -1);
  assert.is(all.person("alice").status, "available");
});

test("what is chosen holds while the user comes and goes, until it is taken back", () => {
  const { all } = open();
  all.choose("alice", { status: "do-not-disturb" });
  assert.is(all.person("alice").status, "offline");
  for (const place of [{ terminals: 1, talkgroups: [] }, undefined, { terminals: 1, talkgroups: [] }])
    all.place("alice", place);
  assert.is(all.person("alice").status, "do-not-disturb");
  all.choose("alice", undefined);
  assert.is(all.person("alice").status, "available");
});

test("a phone that says something else all the time is told ten times a second at most", async () => {
  const { clock, all, told, changed } = open();
  all.place("alice", { terminals: 1, talkgroups: [] });
  const before = told.length;
  for (let number = 0; number < 1_000; number++) {
    all.publish("alice", [{ status: "busy", note: `${number}` }]);
    await clock.advance(1);
  }
  await clock.advance(100);
  assert.ok(told.length - before <= 11, `${told.length - before} words to the realm`);
  assert.is(changed.at(-1), "alice: busy 999");
  all.close();
  all.publish("alice", []);
  assert.is(clock.pending(), 0, "closed for good");
});

test("other gateways are told what is shown, where the user is and may be, and the rules to keep", async () => {
  const { clock, all, told } = open();
  all.publish("alice", [{ status: "available", activity: "away", note: "lunch" }]);
  all.place("alice", { terminals: 1, talkgroups: ["ops"] });
  all.floor("ops", "alice");
  await clock.advance(100);
  const { status, talkgroups, detail = "" } = told.at(-1)?.state ?? { status: "", talkgroups: [] };
  assert.equal([status, talkgroups], ["busy", ["ops"]]);
  assert.equal(JSON.parse(detail), {
    activity: "talking",
    note: "lunch",
    members: ["fire"],
    rules: [{ action: "block", everyone: true }],
  });
  all.place("alice", undefined);
  assert.equal(told.at(-1), { user: "alice", state: undefined });
});

test("a status that this version does not know is that of somebody who is there", () => {
  const { all, changed } = open();
  all.remote("east", "zoe", { status: "in orbit", talkgroups: [] });
  all.remote("west", "zoe", { status: "busy", talkgroups: [], detail: '{"note":"here"}' });
  all.remote("east", "zoe", undefined);
  all.remote("west", "zoe", undefined);
  const words = ["zoe: available", "zoe: available", "zoe: busy here", "zoe: offline"];
  assert.equal(changed, words);
  assert.is(all.party("zoe"), undefined);
});

test.run();
