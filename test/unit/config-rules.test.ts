import { test } from "uvu";
import * as assert from "uvu/assert";
import { readConfig } from "../../firmware/config.ts";

/** A file whose second account has these rules. */
const file = (rules: string): string => `
site: north
realm: crew.example
sip: { host: 127.0.0.1, port: 5060 }
media: { host: 127.0.0.1, ports: 20000-29999 }
board: simulated
accounts:
  - { user: alice, password: "choose one", talkgroups: [ops] }
  - user: bob
    password: "another one"
    talkgroups: [ops]
    rules: ${rules}
talkgroups:
  - { name: ops }
  - { name: fire }
`;

function faults(text: string): string[] {
  const read = readConfig(text, "c.yaml");
  return "faults" in read ? read.faults.map(({ path, message }) => `${path}: ${message}`) : [];
}

test("rules say who may see a user and talk with them, and are none unless they are given", () => {
  const read = readConfig(
    file(
      "[{ action: block, users: [zoe-of-another-gateway], talkgroups: [fire] }, { action: polite-block, everyone: true }]",
    ),
    "c",
  );
  assert.equal("config" in read && read.config.accounts.map(({ rules }) => rules), [
    [],
    [
      { action: "block", users: ["zoe-of-another-gateway"], talkgroups: ["fire"], everyone: false },
      { action: "polite-block", users: [], talkgroups: [], everyone: true },
    ],
  ]);
});

test("rules that name nobody, or somebody who cannot be, are refused", () => {
  const many = (count: number, name: string): string => `[${Array(count).fill(name).join(", ")}]`;
  const rows: readonly (readonly [rules: string, fault: string])[] = [
    ["[{ action: block }]", "rules.0: names nobody; give users, talkgroups or everyone: true"],
    ["[{ action: block, users: [] }]", "rules.0: names nobody; give users, talkgroups or everyone: true"],
    ["[{ users: [alice] }]", "rules.0.action: expected allow, polite-block or block"],
    ["[{ action: hide, users: [alice] }]", "rules.0.action: expected allow, polite-block or block"],
    [
      "[{ action: block, users: [a b] }]",
      "rules.0.users.0: expected 1 to 64 letters, digits, dots, _ and -, a letter or digit first",
    ],
    ["[{ action: block, users: [alice, alice] }]", "rules.0.users.1: given twice; remove one"],
    ["[{ action: block, users: alice }]", "rules.0.users: expected a list of users"],
    [
      "[{ action: block, talkgroups: [sea] }]",
      "rules.0.talkgroups.0: no talkgroup has this name; correct it or add it to talkgroups",
    ],
    ["[{ action: block, everyone: yes please }]", "rules.0.everyone: expected true or false"],
    ["[{ action: block, users: [alice], user: [alice] }]", "rules.0.user: unknown key; correct or remove it"],
    ["block", "rules: expected a list of rules"],
    ["[block]", "rules.0: expected an action, and users, talkgroups or everyone"],
    [many(17, "{ action: allow, everyone: true }"), "rules: expected 16 rules at most"],
    [
      `[{ action: block, users: [${Array.from({ length: 60 }, (_, index) => `somebody-else-${index}`).join(", ")}] }]`,
      "rules: expected 800 characters of names at most; make a talkgroup of those who are named",
    ],
  ];
  for (const [rules, fault] of rows) assert.equal(faults(file(rules)), [`c.yaml: accounts.1.${fault}`], rules);
});

test("nobody has the name of everybody's buddy list", () => {
  const taken = "this is the name of everybody's buddy list; expected another";
  assert.equal(faults(file("[]").replace("user: bob", "user: buddies")), [`c.yaml: accounts.1.user: ${taken}`]);
  assert.equal(faults(file("[]").replace("name: fire", "name: buddies")), [`c.yaml: talkgroups.1.name: ${taken}`]);
});

test.run();
