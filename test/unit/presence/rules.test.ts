import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Action, mayTalk, type Party, type Rule, rulesFrom, ruling } from "../../../firmware/presence/rules.ts";

const party = (user: string, talkgroups: readonly string[], ...rules: readonly Rule[]): Party => ({
  user,
  talkgroups: new Set(talkgroups),
  rules,
  otherwise: "block",
});
const rule = (action: Action, names: Partial<Rule>): Rule => ({
  action,
  users: [],
  talkgroups: [],
  everyone: false,
  ...names,
});
const bob = party("bob", ["ops"]);

const rows: readonly (readonly [what: string, person: Party, action: Action])[] = [
  ["a common talkgroup", party("alice", ["ops", "fire"]), "allow"],
  ["no common talkgroup", party("alice", ["fire"]), "block"],
  ["no common talkgroup that is known of", { ...party("alice", ["fire"]), otherwise: "polite-block" }, "polite-block"],
  ["the person", party("bob", [], rule("block", { everyone: true })), "allow"],
  ["a rule for bob", party("alice", ["ops"], rule("block", { users: ["zoe", "bob"] })), "block"],
  [
    "a rule for his talkgroup",
    party("alice", ["ops"], rule("polite-block", { talkgroups: ["fire", "ops"] })),
    "polite-block",
  ],
  ["a rule for others", party("alice", ["ops"], rule("block", { users: ["zoe"], talkgroups: ["fire"] })), "allow"],
  ["a rule that lets him in", party("alice", ["fire"], rule("allow", { users: ["bob"] })), "allow"],
  [
    "the first of two rules",
    party("alice", ["ops"], rule("allow", { users: ["bob"] }), rule("block", { everyone: true })),
    "allow",
  ],
  [
    "the first of two rules, put otherwise",
    party("alice", ["ops"], rule("block", { everyone: true }), rule("allow", { users: ["bob"] })),
    "block",
  ],
  ["a rule for everyone", party("alice", ["fire"], rule("polite-block", { everyone: true })), "polite-block"],
];

for (const [what, person, action] of rows)
  test(`by ${what} bob is told: ${action}`, () => assert.is(ruling(person, bob), action));

test("two may talk only where each allows the other", () => {
  const shy = party("alice", ["ops"], rule("polite-block", { users: ["bob"] }));
  assert.is(mayTalk(party("carol", ["ops"]), bob), true);
  assert.equal([mayTalk(shy, bob), mayTalk(bob, shy), ruling(bob, shy)], [false, false, "allow"]);
});

test("whoever has no account has no rules", () => {
  const rules = rulesFrom([{ user: "alice", rules: [rule("block", { everyone: true })] }]);
  assert.equal([rules.of("alice").length, rules.of("zoe")], [1, []]);
});

test.run();
