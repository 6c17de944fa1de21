import { test } from "uvu";
import * as assert from "uvu/assert";
import { denyCause } from "../../../firmware/floor/message.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { numbersOf, openSite, payloads, say, upTo } from "./site.ts";

const opus = await loadOpus();
const privateCall = { name: "private-1", scope: "gateway" } as const;

test("a parked leg lives on for ten minutes, is told nothing, and is denied the floor: nobody is there to hear it", async () => {
  const site = openSite({ opus });
  const alice = await site.member("alice", { talkgroup: "" });
  assert.equal(site.news(), ["offer", "ready"]);
  await site.clock.advance(600_000);
  assert.equal(site.news(), []);
  assert.is(alice.keptAliveAt.length, 40);
  assert.is(alice.reported.length > 100, true);
  assert.equal(alice.news(), []);
  alice.press();
  await say(site.clock, alice, payloads(3));
  const [deny] = alice.told;
  assert.is(deny?.type === "deny" && deny.cause, denyCause.alone);
  assert.is(await site.close(), 0);
});

test("a parked leg that shows no sign of life is lost like any other", async () => {
  const site = openSite({ opus });
  await site.member("alice", { talkgroup: "", reports: false });
  site.news();
  await site.clock.advance(50_000);
  assert.equal(site.news(), ["lost"]);
  assert.is(await site.close(), 0);
});

test("a leg that is moved hears of its new call, and hears and is heard there alone", async () => {
  const site = openSite({ opus });
  site.talkgroup(privateCall);
  const [alice, bob, carol] = [await site.member("alice"), await site.member("bob"), await site.member("carol")];
  for (const each of [alice, bob, carol]) each.news();
  site.move("alice", "private-1", { caller: "sip:alice@example.org" });
  site.move("bob", "private-1", { caller: "sip:alice@example.org" });
  await site.clock.advance(0);
  assert.equal(alice.called, [
    { type: "disconnect", session: "sip:ops@example.org", sessionType: 4 },
    {
      type: "connect",
      session: "sip:private-1@example.org",
      sessionType: 0,
      audioLine: 1,
      floorLine: 2,
      caller: "sip:alice@example.org",
    },
  ]);
  assert.equal(alice.news(), ["idle"]);
  alice.press();
  await site.clock.advance(0);
  await say(site.clock, alice, payloads(5));
  assert.equal(numbersOf(bob), upTo(5));
  assert.equal(carol.heard, []);
  carol.press();
  await site.clock.advance(0);
  assert.equal(carol.news(), ["granted"], "the talkgroup's floor is its own");
  assert.is(await site.close(), 0);
});

test("who comes back to a talkgroup is told its group, and hears whose burst is going on there", async () => {
  const site = openSite({ opus });
  const [alice, bob] = [await site.member("alice", { talkgroup: "" }), await site.member("bob")];
  bob.press();
  await site.clock.advance(0);
  site.move("alice", "ops");
  await site.clock.advance(0);
  const session = "sip:ops@example.org";
  assert.equal(alice.called, [
    { type: "connect", session, sessionType: 4, group: session, audioLine: 1, floorLine: 2 },
  ]);
  assert.equal(alice.news(), ["taken"]);
  await say(site.clock, bob, payloads(3));
  assert.equal(numbersOf(alice), upTo(3));
  assert.is(await site.close(), 0);
});

test("the rights in a call are those that a leg is moved with, and its own again without", async () => {
  const site = openSite({ opus });
  site.talkgroup(privateCall);
  const ear = await site.member("ear", { mayTalk: false });
  const rights = { mayTalk: true, priority: 7, mayPreempt: false };
  site.move("ear", "private-1", { rights });
  await site.clock.advance(0);
  ear.press();
  await site.clock.advance(0);
  const granted = ear.told.at(-1);
  assert.is(granted?.type === "granted" && granted.priority, 7);
  site.move("ear", "ops");
  ear.press();
  await site.clock.advance(0);
  assert.is(ear.told.at(-1)?.type, "deny");
  assert.is(await site.close(), 0);
});

test("a talker that is moved in mid-burst leaves an idle floor at once, and is not heard in its new call", async () => {
  const site = openSite({ opus });
  site.talkgroup(privateCall);
  const [alice, bob, carol] = [
    await site.member("alice"),
    await site.member("bob"),
    await site.member("carol", { talkgroup: "private-1" }),
  ];
  alice.press();
  await site.clock.advance(0);
  await say(site.clock, alice, payloads(5));
  for (const each of [alice, bob, carol]) each.news();
  site.news();
  site.move("alice", "private-1");
  await site.clock.advance(0);
  assert.equal(bob.news(), ["idle"]);
  assert.equal(site.news(), ["floor"]);
  await say(site.clock, alice, payloads(50));
  assert.is(bob.heard.length, 5);
  assert.equal(carol.heard, []);
  assert.ok(alice.news().includes("revoke"), "it is told that nobody hears it");
  bob.news();
  bob.press();
  await site.clock.advance(0);
  assert.equal(bob.news(), ["granted"]);
  assert.is(await site.close(), 0);
});

test("what is not acknowledged is said three times, and no more", async () => {
  const site = openSite({ opus });
  const alice = await site.member("alice", { acknowledges: false });
  site.move("alice");
  await site.clock.advance(10_000);
  assert.equal(
    alice.called.map(({ type }) => type),
    ["disconnect", "disconnect", "disconnect"],
  );
  site.move("alice", "ops");
  await site.clock.advance(500);
  site.move("alice");
  await site.clock.advance(10_000);
  assert.equal(
    alice.called.slice(3).map(({ type }) => type),
    ["connect", "disconnect", "disconnect", "disconnect"],
  );
  assert.is(await site.close(), 0);
});

test("a leg that is moved to where nothing is is lost; one that waits for its answer stands in its new call", async () => {
  const site = openSite({ opus });
  site.talkgroup(privateCall);
  await site.member("alice");
  site.news();
  site.move("alice", "nowhere");
  assert.equal(site.news(), ["lost"]);
  const bob = await site.terminal();
  const offer = await site.offer("bob");
  site.move("bob", "private-1");
  site.conference.receive({ type: "accept", leg: "bob", answer: bob.answer(offer) });
  site.conference.receive({ type: "no-talkgroup", talkgroup: "ops" });
  assert.equal(site.news(), ["offer", "ready"]);
  site.conference.receive({ type: "no-talkgroup", talkgroup: "private-1" });
  assert.equal(site.news(), ["lost"]);
  site.move("bob", "ops");
  assert.equal(site.news(), [], "nobody knows it any more");
  assert.is(await site.close(), 0);
});

test("a call of this gateway alone says nothing on the trunk, and is over when nobody has talked in its hang time", async () => {
  const site = openSite({ opus });
  site.talkgroup(privateCall);
  const [alice, bob] = [
    await site.member("alice", { talkgroup: "private-1" }),
    await site.member("bob", { talkgroup: "private-1" }),
  ];
  site.conference.receive({ type: "role", talkgroup: "private-1", role: { in: "controlling", peers: ["south"] } });
  alice.press();
  await site.clock.advance(0);
  await say(site.clock, alice, payloads(5));
  assert.equal(numbersOf(bob), upTo(5));
  assert.not(site.events.some(({ type }) => type.startsWith("trunk")));
  alice.release();
  await site.clock.advance(0);
  site.news();
  await site.clock.advance(10_000);
  assert.equal(site.news(), ["unbridged"]);
  site.talkgroup({ name: "private-2", scope: "gateway" });
  await site.clock.advance(9_999);
  assert.equal(site.news(), []);
  await site.clock.advance(1);
  assert.equal(site.events, [{ type: "unbridged", talkgroup: "private-2" }]);
  assert.is(await site.close(), 0);
});

test.run();
