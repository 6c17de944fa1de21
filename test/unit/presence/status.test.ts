import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Circumstances, compose, mostAvailable, type Shown } from "../../../firmware/presence/status.ts";

const nowhere: Circumstances = {
  terminals: 0,
  talkgroups: 0,
  listening: 0,
  talking: false,
  calls: 0,
  published: [],
};
const registered = { ...nowhere, terminals: 1 };
const inTwo = { ...registered, talkgroups: 2 };
const open: Shown = { status: "available" };
const closed: Shown = { status: "offline" };
const away: Shown = { status: "available", activity: "away", note: "back at 3" };
const phoning: Shown = { status: "busy", activity: "on-the-phone" };
const quiet: Shown = { status: "do-not-disturb", note: "sleeping" };

const rows: readonly (readonly [what: string, known: Circumstances, shown: Shown])[] = [
  ["nobody knows of", nowhere, { status: "offline" }],
  ["a registered terminal", registered, { status: "available" }],
  ["a session without a registration", { ...nowhere, talkgroups: 1 }, { status: "available" }],
  ["talks", { ...inTwo, talking: true }, { status: "busy", activity: "talking" }],
  ["is in a call", { ...registered, calls: 2 }, { status: "busy", activity: "on-the-phone" }],
  ["talks and is in a call", { ...inTwo, talking: true, calls: 1 }, { status: "busy", activity: "talking" }],
  ["may only listen in all", { ...inTwo, listening: 2 }, { status: "listening-only" }],
  ["may only listen in some", { ...inTwo, listening: 1 }, { status: "available" }],
  ["is registered, and in no talkgroup", { ...registered, listening: 0 }, { status: "available" }],
  ["publishes open", { ...registered, published: [open] }, { status: "available" }],
  ["publishes away", { ...registered, published: [away] }, away],
  ["publishes on the phone", { ...registered, published: [phoning] }, phoning],
  [
    "publishes away, and talks",
    { ...inTwo, published: [away], talking: true },
    { ...away, status: "busy", activity: "talking" },
  ],
  ["publishes, but is not there", { ...nowhere, published: [open, phoning] }, { status: "offline" }],
  ["publishes closed", { ...registered, published: [closed] }, { status: "offline" }],
  ["publishes closed, and talks", { ...inTwo, published: [closed], talking: true }, { status: "offline" }],
  ["publishes away, then open", { ...registered, published: [away, open] }, { status: "available" }],
  ["publishes open, then away", { ...registered, published: [open, away] }, away],
  ["one terminal closed after one open", { ...registered, published: [away, closed] }, away],
  ["one terminal open after one closed", { ...registered, published: [closed, open] }, { status: "available" }],
  ["chose not to be disturbed", { ...registered, chosen: quiet }, quiet],
  ["chose so, and publishes open", { ...registered, chosen: quiet, published: [open] }, quiet],
  ["chose so, and talks", { ...inTwo, chosen: quiet, talking: true }, { ...quiet, activity: "talking" }],
  ["chose so, and left", { ...nowhere, chosen: quiet }, { status: "offline" }],
  ["chose to listen", { ...inTwo, chosen: { status: "listening-only" } }, { status: "listening-only" }],
  [
    "chose to listen, and talks",
    { ...inTwo, chosen: { status: "listening-only" }, talking: true },
    { status: "busy", activity: "talking" },
  ],
  ["chose to be offline", { ...inTwo, chosen: closed }, { status: "offline" }],
  [
    "chose to be available in place of a phone's away",
    { ...registered, chosen: open, published: [away] },
    { status: "available" },
  ],
];

for (const [what, known, shown] of rows)
  test(`somebody who ${what} is ${shown.status}`, () => assert.equal(compose(known), shown));

test("at several gateways the most available counts, and the first of equals", () => {
  const order: readonly Shown["status"][] = ["offline", "do-not-disturb", "busy", "listening-only", "available"];
  for (const [index, status] of order.entries())
    for (const other of order.slice(0, index)) {
      assert.is(mostAvailable([{ status }, { status: other }])?.status, status, `${status}, ${other}`);
      assert.is(mostAvailable([{ status: other }, { status }])?.status, status, `${other}, ${status}`);
    }
  assert.is(mostAvailable([{ status: "busy", note: "here" }, phoning])?.note, "here");
  assert.is(mostAvailable([]), undefined);
});

test.run();
