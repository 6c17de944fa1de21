import { test } from "uvu";
import * as assert from "uvu/assert";
import { readConfig } from "../../firmware/config.ts";

/** A file with alice, her identity, and whatever else. */
const file = (identity: string, ...more: readonly string[]): string => `
site: north
realm: crew.example
sip: { host: 127.0.0.1, port: 5060 }
media: { host: 127.0.0.1, ports: 20000-29999 }
board: simulated
accounts:
  - { user: site-lead, ${identity}talkgroups: [ops] }
  - { user: alice, password: "choose one", talkgroups: [ops] }
${more.map((line) => `  - ${line}\n`).join("")}
talkgroups: [{ name: ops }, { name: fire }]
`;

function faults(text: string): string[] {
  const read = readConfig(text, "c");
  return "faults" in read ? read.faults.map(({ path, message }) => `${path}: ${message}`) : [];
}

test("an account may be a further identity of another one, before it or after it in the file", () => {
  const read = readConfig(file("identityOf: alice, ", "{ user: duty, identityOf: alice, talkgroups: [fire] }"), "c");
  assert.equal("config" in read && read.config.accounts.map((each) => [each.user, each.password, each.identityOf]), [
    ["site-lead", undefined, "alice"],
    ["alice", "choose one", undefined],
    ["duty", undefined, "alice"],
  ]);
});

test("an identity that is proved by nobody, or by itself too, is refused with its place", () => {
  const at = "c: accounts.0";
  const own = "an identity is proved as its user is; remove this, or identityOf";
  const rows: readonly (readonly [identity: string, ...faults: string[]])[] = [
    ["", `${at}.password: missing; expected 8 to 128 characters, or identityOf: the user whose password proves it`],
    ["identityOf: zoe, ", `${at}.identityOf: no account has this user; correct it or add it to accounts`],
    [
      "identityOf: site-lead, ",
      `${at}.identityOf: this is the identity itself; expected the user whose password proves it`,
    ],
    ["identityOf: duty, ", `${at}.identityOf: this is an identity itself; expected the user whose password proves it`],
    ['identityOf: alice, password: "choose one", ', `${at}.password: ${own}`],
    ["identityOf: alice, digest: [MD5], ", `${at}.digest: ${own}`],
    [
      "identityOf: 7, ",
      `${at}.identityOf: expected 1 to 64 letters, digits, dots, _ and -, a letter or digit first; put it in quotes`,
    ],
  ];
  for (const [identity, ...expected] of rows)
    assert.equal(faults(file(identity, "{ user: duty, identityOf: alice, talkgroups: [] }")), expected, identity);
});

test("a user has so many identities and no more", () => {
  const others = Array.from({ length: 16 }, (_, number) => `{ user: i${number}, identityOf: alice, talkgroups: [] }`);
  assert.equal(faults(file("identityOf: alice, ", ...others)), [
    "c: accounts.17.identityOf: expected 16 identities of a user at most",
  ]);
  assert.equal(faults(file("identityOf: alice, ", ...others.slice(1))), []);
});

test("the panel speaks for a user with a password", () => {
  const text = `${file("identityOf: alice, ")}panel: { account: site-lead, talkgroup: ops }\n`;
  assert.equal(faults(text), ["c: panel.account: this is an identity; expected a user with a password"]);
});

test("a dispatcher talks, and is told so where the file says that they only listen", () => {
  const account = "{ user: bob, password: 'another one', talkgroups: [ops]";
  for (const [rights, expected] of [
    [
      "dispatcher: [ops], listenOnly: [ops] }",
      ["c: accounts.2.dispatcher.0: this is among listenOnly too, and a dispatcher talks; remove one"],
    ],
    ["dispatcher: [fire] }", ["c: accounts.2.dispatcher.0: this is not among the account's talkgroups"]],
    ["noPreempt: [fire] }", ["c: accounts.2.noPreempt.0: this is not among the account's talkgroups"]],
    ["dispatcher: [ops], noPreempt: [ops] }", []],
  ] as const)
    assert.equal(faults(file("identityOf: alice, ", `${account}, ${rights}`)), expected, rights);
});

test.run();
