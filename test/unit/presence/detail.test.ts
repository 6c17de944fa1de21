import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Detail, decodeDetail, encodeDetail } from "../../../firmware/presence/detail.ts";
import type { Rule } from "../../../firmware/presence/rules.ts";

const rule: Rule = { action: "block", users: ["bob"], talkgroups: ["fire"], everyone: false };
const toNobody: readonly Rule[] = [{ action: "polite-block", users: [], talkgroups: [], everyone: true }];
const unsaid = { activity: undefined, note: undefined, members: undefined };
/** As another gateway reads it. */
const crossed = (detail: Detail, talkgroups: readonly string[] = []): Detail =>
  decodeDetail(encodeDetail(detail, talkgroups));
const numbered = (count: number, word: string): string[] =>
  Array.from({ length: count }, (_, number) => `${word} number ${number}`);

test("what one gateway tells of a user is what another reads", () => {
  const details: readonly Detail[] = [
    { ...unsaid, rules: [] },
    { activity: "talking", note: "on <site> \u{1f692}", members: ["fire", "sea"], rules: [rule, ...toNobody] },
    { ...unsaid, members: [], rules: [] },
  ];
  for (const detail of details) assert.equal(crossed(detail, ["ops"]), detail);
});

test("a gateway that tells no details has no rules to keep", () => {
  assert.equal(decodeDetail(undefined), { rules: [] });
});

test("what cannot be read shows the user to nobody", () => {
  const broken = [
    "",
    "[]",
    "null",
    '{"rules":7}',
    '{"rules":[null]}',
    '{"rules":[{"action":"hide"}]}',
    '{"rules":[{"action":"block","users":[7]}]}',
    '{"rules":[{"action":"block","users":[""]}]}',
    JSON.stringify({ rules: Array(33).fill({ action: "allow", everyone: true }) }),
    JSON.stringify({ note: "x".repeat(2_500) }),
  ];
  for (const text of broken) assert.equal(decodeDetail(text).rules, toNobody, text.slice(0, 60));
  assert.equal(decodeDetail('{"activity":"flying","note":7,"members":"ops","mood":"good"}'), { ...unsaid, rules: [] });
});

test("whatever rules a configuration may have can be told", () => {
  const names = Array.from({ length: 265 }, (_, number) => String.fromCharCode(97 + (number % 26)));
  const spread = Array.from({ length: 16 }, (_, number) => names.slice(number * 17, number * 17 + 17));
  const note = "\u{1f692}".repeat(160);
  for (const lists of [[names], spread]) {
    const rules = lists.map((users): Rule => ({ action: "polite-block", users, talkgroups: [], everyone: true }));
    assert.equal(crossed({ ...unsaid, activity: "on-the-phone", note, rules }).rules, rules);
  }
});

test("what there is no room for gives way, the rules last, and without them nothing is shown", () => {
  const talkgroups = numbered(100, "talkgroup of people");
  const some = talkgroups.slice(0, 80);
  const others = talkgroups.slice(80);
  const whole: Detail = { activity: "away", note: "here", members: talkgroups, rules: [rule] };
  assert.equal(crossed(whole), { ...whole, members: undefined });
  assert.equal(crossed({ ...whole, members: others }, some), { ...whole, members: others });
  const long = { ...whole, members: ["sea"], note: "n".repeat(160), rules: [{ ...rule, users: numbered(40, "user") }] };
  assert.equal(crossed(long), long);
  assert.equal(crossed(long, numbered(93, "talkgroup of people")), { ...long, members: undefined, note: undefined });
  assert.equal(crossed(long, numbered(130, "talkgroup of people")), { ...unsaid, rules: toNobody });
  assert.equal(crossed({ ...whole, rules: [{ ...rule, users: numbered(300, "user") }] }), {
    ...unsaid,
    rules: toNobody,
  });
});

test.run();
