import { test } from "uvu";
import * as assert from "uvu/assert";
import { readConfig } from "../../firmware/config.ts";
import { accountBook, type Membership, recordOf, sameRights } from "../../firmware/presence/accounts.ts";
import { holderIn } from "../../firmware/presence/legs.ts";
import { terminalsFrom } from "../../firmware/presence/terminal.ts";
import { seedOf } from "../../firmware/seed.ts";

/** A file whose account has this beside its talkgroups. */
const file = (more: string): string => `
site: north
realm: crew.example
sip: { host: 127.0.0.1, port: 5060 }
media: { host: 127.0.0.1, ports: 20000-29999 }
board: simulated
accounts:
  - user: alice
    password: "choose one"
    talkgroups: [ops, fire, sea]
    listenOnly: [sea]
    noPreempt: [fire]
    priority: 3
    ${more}
talkgroups:
  - { name: ops }
  - { name: fire }
  - { name: sea }
  - { name: air }
`;

function faults(more: string): string[] {
  const read = readConfig(file(more), "c.yaml");
  return "faults" in read ? read.faults.map(({ path, message }) => `${path.slice(19)}: ${message}`) : [];
}

function accountFrom(more: string) {
  const read = readConfig(file(more), "c.yaml");
  if ("faults" in read) throw new Error(JSON.stringify(read.faults));
  const { accounts } = seedOf(read.config);
  const book = accountBook(accounts, "crew.example", terminalsFrom(read.config.accounts));
  const account = book.find("alice");
  if (!account) throw new Error("no account");
  return { account, book, config: read.config };
}

const holder = (more: string, talkgroup = "ops") => holderIn(accountFrom(more).account, talkgroup);

test("a phone keys by the keys that it sends, unless more is said", () => {
  assert.equal([holder("").telephone, holder("keying: dtmf").telephone], [undefined, undefined]);
  assert.equal(holder("inbandKeys: true").telephone, { inbandKeys: true });
  assert.equal(holder("keying: voice").telephone, { voice: { thresholdDb: 12, hangMs: 800 } });
  assert.equal(
    holder("inbandKeys: true\n    keying: voice\n    voiceHangSeconds: 1.25\n    voiceThresholdDb: 20").telephone,
    { inbandKeys: true, voice: { thresholdDb: 20, hangMs: 1_250 } },
  );
});

test("a session hears the listed talkgroups but its own, with the rights that the user has there", () => {
  const sea = { talkgroup: "sea", mayTalk: false, mayPreempt: true, priority: 3 };
  const fire = { talkgroup: "fire", mayTalk: true, mayPreempt: false, priority: 3 };
  assert.equal(holder("scan: { groups: [fire, sea] }").scan, {
    groups: [fire, sea],
    priority: "ops",
    hangMs: 3_000,
    answerBack: false,
  });
  const all = "scan: { groups: [fire, sea], priority: sea, hangSeconds: 0.5, answerBack: true }";
  assert.equal(holder(all, "fire").scan, { groups: [sea], priority: "sea", hangMs: 500, answerBack: true });
  assert.equal([holder("").scan, holder(all, "direct").scan], [undefined, undefined]);
});

test("who is taken out of a talkgroup hears it no more: the session is set up anew", () => {
  const { account, book, config } = accountFrom("scan: { groups: [fire, sea] }");
  const [entry] = config.accounts;
  if (!entry) throw new Error("no account");
  const record = recordOf(entry, "crew.example");
  const change = (memberships: readonly Membership[]) => {
    book.put({ ...record, memberships });
    return book.find("alice") ?? account;
  };
  const left = change(record.memberships.filter(({ talkgroup }) => talkgroup !== "fire"));
  assert.equal(
    holderIn(left, "ops").scan?.groups.map(({ talkgroup }) => talkgroup),
    ["sea"],
  );
  assert.not(sameRights(account, left, "ops"));
  assert.ok(sameRights(account, left, "sea") === false, "it heard fire from there, too");
  const mute = change(record.memberships.map((each) => ({ ...each, role: "listen" as const })));
  assert.not(sameRights(account, mute, "ops"));
  assert.ok(sameRights(account, change(record.memberships), "ops"));
});

test("what contradicts itself or cannot be is refused", () => {
  const seconds = "expected 0.2 to 10 seconds";
  const rows: readonly (readonly [string, string])[] = [
    ["keying: tones", "keying: expected dtmf or voice"],
    ["inbandKeys: 1", "inbandKeys: expected true or false"],
    [
      "voiceHangSeconds: 1",
      "voiceHangSeconds: nothing is keyed by voice without keying: voice; add that, or remove this",
    ],
    [
      "voiceThresholdDb: 9",
      "voiceThresholdDb: nothing is keyed by voice without keying: voice; add that, or remove this",
    ],
    ["keying: voice\n    voiceHangSeconds: 0.1", `voiceHangSeconds: ${seconds}`],
    ["keying: voice\n    voiceThresholdDb: 50", "voiceThresholdDb: expected 3 to 40 decibels"],
    ["scan: { groups: [air] }", "scan.groups.0: this is not among the account's talkgroups"],
    ["scan: { groups: [fire, fire] }", "scan.groups.1: given twice; remove one"],
    ["scan: { groups: [] }", "scan.groups: expected one talkgroup at least"],
    ["scan: { groups: [fire], priority: air }", "scan.priority: this is not among the account's talkgroups"],
    ["scan: { groups: [fire], hangSeconds: 90 }", "scan.hangSeconds: expected 0 to 60 seconds"],
    ["scan: { groups: [fire], answerBack: maybe }", "scan.answerBack: expected true or false"],
    [
      "scan: [fire]",
      "scan: expected groups, and priority, hangSeconds and answerBack where they are others than usual",
    ],
  ];
  for (const [more, fault] of rows) assert.equal(faults(more), [fault], more);
});

test.run();
