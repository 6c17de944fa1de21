import { test } from "uvu";
import * as assert from "uvu/assert";
import { denyCause, revokeCause } from "../../../firmware/floor/message.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import type { Terminal } from "../../support/terminal.ts";
import { numbersOf, openSite, payloads, type Site, say, upTo } from "./site.ts";

const opus = await loadOpus();

async function threeAtOneSite(settings = {}) {
  const site = openSite({ opus, settings });
  const alice = await site.member("alice");
  const bob = await site.member("bob");
  const carol = await site.member("carol");
  for (const each of [alice, bob, carol]) each.news();
  site.news();
  return { site, clock: site.clock, alice, bob, carol };
}

async function press({ clock }: Site, terminal: Terminal): Promise<void> {
  terminal.press();
  await clock.advance(0);
}

async function release({ clock }: Site, terminal: Terminal): Promise<void> {
  terminal.release();
  await clock.advance(0);
}

test("who asks is granted the floor, the others learn who has it, and all learn that it is free again", async () => {
  const { site, alice, bob, carol } = await threeAtOneSite();
  await press(site, alice);
  assert.equal(alice.news(), ["granted"]);
  const [taken] = bob.told.splice(0);
  assert.is(taken?.type === "taken" && taken.party, "sip:alice@example.org");
  assert.equal(carol.news(), ["taken"]);
  await press(site, bob);
  const [deny] = bob.told.splice(0);
  assert.is(deny?.type === "deny" && deny.cause, denyCause.taken);
  await release(site, alice);
  for (const each of [alice, bob, carol]) assert.equal(each.news(), ["idle"]);
  await press(site, bob);
  assert.equal(bob.news(), ["granted"]);
  assert.equal(site.news(), ["bridged", "floor", "floor", "floor"]);
  assert.is(await site.close(), 0);
});

test("what the talker says reaches every other leg as it was said, and not the talker", async () => {
  const { site, clock, alice, bob, carol } = await threeAtOneSite();
  await press(site, alice);
  await say(clock, alice, payloads(50));
  for (const listener of [bob, carol]) {
    assert.equal(
      listener.heard.map(({ payload }) => payload),
      payloads(50),
    );
    assert.equal([...new Set(listener.heard.map(({ payloadType }) => payloadType))], [111]);
    assert.is(new Set(listener.heard.map(({ ssrc }) => ssrc)).size, 1);
  }
  assert.is.not(bob.heard[0]?.ssrc, carol.heard[0]?.ssrc);
  assert.not(
    site.events.some(({ type }) => type === "trunk-media"),
    "no other gateway has members",
  );
  assert.is(alice.heard.length, 0);
  assert.is(await site.close(), 0);
});

test("nobody is heard without the floor, and who goes on all the same is told so", async () => {
  const { site, clock, alice, bob, carol } = await threeAtOneSite();
  await press(site, alice);
  await say(clock, bob, payloads(60));
  assert.is(alice.heard.length + carol.heard.length, 0);
  const revokes = bob.told.filter(({ type }) => type === "revoke");
  assert.is(revokes.length, 1, "once a second, and not for what may be in flight still");
  assert.ok(revokes.every((revoke) => revoke.type === "revoke" && revoke.cause === revokeCause.noPermission));
  await release(site, alice);
  await say(clock, bob, payloads(10));
  assert.is(alice.heard.length + carol.heard.length, 0);
  assert.equal([...new Set(alice.news())], ["granted", "idle"]);
  assert.is(await site.close(), 0);
});

test("two bursts of two talkers are one stream to a listener: marked where they begin, numbered on, and timed by the clock", async () => {
  const { site, clock, alice, bob, carol } = await threeAtOneSite();
  await press(site, alice);
  await say(clock, alice, payloads(10));
  await release(site, alice);
  await clock.advance(1_300);
  await press(site, bob);
  await say(clock, bob, payloads(10, 10));
  const [first] = carol.heard;
  if (!first) throw new Error("nothing heard");
  assert.equal(numbersOf(carol), upTo(20));
  assert.equal(
    carol.heard.map(({ sequence }) => (sequence - first.sequence) & 0xffff),
    upTo(20),
  );
  assert.equal(
    carol.heard.map(({ marker }) => marker),
    upTo(20).map((index) => index % 10 === 0),
  );
  assert.equal(
    carol.heard.map(({ timestamp }) => (timestamp - first.timestamp) >>> 0),
    carol.heard.map(({ at }) => (at - first.at) * 48),
  );
  assert.is(await site.close(), 0);
});

test("what is in flight at the release still passes for 100 ms, and nothing after", async () => {
  const { site, clock, alice, bob } = await threeAtOneSite();
  await press(site, alice);
  await say(clock, alice, payloads(2));
  await release(site, alice);
  await clock.advance(19);
  await say(clock, alice, payloads(10, 2));
  assert.equal(numbersOf(bob), upTo(7), "those of 19, 39 … 99 ms after the release");
  assert.is(await site.close(), 0);
});

test("who comes into a burst is told whose it is and hears the rest of it", async () => {
  const { site, clock, alice } = await threeAtOneSite();
  await press(site, alice);
  await say(clock, alice, payloads(10));
  const dave = await site.member("dave", { mayTalk: false });
  const [taken] = dave.told;
  assert.is(taken?.type === "taken" && taken.party, "sip:alice@example.org");
  assert.not(taken?.type === "taken" && taken.mayRequest, "dave may listen only");
  await say(clock, alice, payloads(10, 10));
  assert.equal(numbersOf(dave), upTo(20, 10));
  assert.ok(dave.heard[0]?.marker);
  await press(site, dave);
  const deny = dave.told.at(-1);
  assert.is(deny?.type === "deny" && deny.cause, denyCause.receiveOnly);
  await release(site, alice);
  await clock.advance(2_000);
  await press(site, alice);
  await say(clock, alice, payloads(1));
  const [first, last] = [dave.heard[0], dave.heard.at(-1)];
  if (!first || !last) throw new Error("nothing heard");
  assert.is((last.timestamp - first.timestamp) >>> 0, (last.at - first.at) * 48);
  assert.is(await site.close(), 0);
});

test("T1: a talker who falls silent has lost the floor after 4 s", async () => {
  const { site, clock, alice, bob } = await threeAtOneSite();
  await press(site, alice);
  await say(clock, alice, payloads(100));
  alice.news();
  bob.news();
  // T1 is renewed every 250 ms of speech.
  await clock.advance(3_700);
  assert.equal(bob.news(), []);
  await clock.advance(300);
  assert.equal(bob.news(), ["idle"]);
  assert.equal(alice.news(), ["idle"]);
  await press(site, bob);
  assert.equal(bob.news(), ["granted"]);
  assert.is(await site.close(), 0);
});

test("T2: a burst that is too long is revoked, heard through the grace of T3, and then the floor is idle", async () => {
  const { site, clock, alice, bob } = await threeAtOneSite({ talkMs: 5_000, graceMs: 2_000 });
  await press(site, alice);
  await say(clock, alice, payloads(250));
  assert.equal(alice.news(), ["granted", "revoke"]);
  assert.equal(bob.news(), ["taken"]);
  await say(clock, alice, payloads(99, 100));
  assert.equal(alice.news(), ["revoke"]);
  assert.is(bob.heard.length, 349);
  assert.equal(bob.news(), []);
  await clock.advance(20);
  assert.equal(bob.news(), ["idle"]);
  // She holds on; only what was in flight passes, and she is told again.
  bob.heard.length = 0;
  await say(clock, alice, payloads(50));
  assert.is(bob.heard.length, 5);
  assert.ok(alice.news().includes("revoke"));
  assert.is(await site.close(), 0);
});

test("a higher priority takes the floor, whose talker is told and is not heard any more", async () => {
  const { site, clock, alice, bob } = await threeAtOneSite();
  const chief = await site.member("chief", { priority: 9 });
  chief.news();
  await press(site, alice);
  await press(site, chief);
  assert.equal(alice.news(), ["granted", "revoke"]);
  await release(site, alice);
  assert.equal(chief.news(), ["taken", "granted"]);
  assert.equal(alice.news(), ["taken"]);
  bob.heard.length = 0;
  alice.speak(payloads(1)[0] ?? new Uint8Array());
  await say(clock, chief, payloads(3, 10));
  assert.equal(numbersOf(bob), [10, 11, 12]);
  assert.is(await site.close(), 0);
});

test("after the hang time the legs are un-bridged, and stay: the next press needs nothing new", async () => {
  const { site, clock, alice, bob } = await threeAtOneSite({ hangMs: 6_000 });
  await press(site, alice);
  await release(site, alice);
  assert.equal(site.news(), ["bridged", "floor", "floor"]);
  await clock.advance(5_999);
  assert.equal(site.news(), []);
  await clock.advance(1);
  assert.equal(site.news(), ["unbridged"]);
  await press(site, bob);
  await say(clock, bob, payloads(3));
  assert.equal(site.news(), ["bridged", "floor"]);
  assert.equal(numbersOf(alice), upTo(3));
  assert.is(await site.close(), 0);
});

test("T7: Idle is repeated to every leg, so that one that missed it learns it", async () => {
  const { site, clock, alice, bob } = await threeAtOneSite();
  await press(site, alice);
  await release(site, alice);
  bob.news();
  const before = bob.told.length;
  await clock.advance(5_000);
  assert.equal(bob.news(), ["idle", "idle"]);
  assert.is(before, 0);
  assert.is(await site.close(), 0);
});

test("a talker whose leg is given back or lost leaves an idle floor", async () => {
  const { site, clock, alice, bob } = await threeAtOneSite();
  await press(site, alice);
  bob.news();
  site.conference.receive({ type: "release", leg: "alice" });
  await clock.advance(0);
  assert.equal(bob.news(), ["idle"]);
  await press(site, bob);
  assert.equal(bob.news(), ["granted"]);
  assert.is(await site.close(), 0);
});

test("a listener that vanishes in mid-burst is dropped, and the others hear on", async () => {
  const { site, clock, alice, bob } = await threeAtOneSite({ talkMs: 100_000 });
  const dave = await site.member("dave", { reports: false });
  site.news();
  await press(site, alice);
  await say(clock, alice, payloads(2_600));
  assert.ok(site.news().includes("lost"));
  assert.ok(dave.heard.length < 2_600);
  assert.is(bob.heard.length, 2_600);
  assert.is(await site.close(), 0);
});

test("a phone without floor control hears, and is told nothing", async () => {
  const { site, clock, alice } = await threeAtOneSite();
  const phone = await site.member("phone", { floor: false });
  await press(site, alice);
  await say(clock, alice, payloads(3));
  await say(clock, phone, payloads(3));
  assert.equal(numbersOf(phone), upTo(3));
  assert.equal(phone.news(), []);
  assert.is(alice.heard.length, 0);
  assert.is(await site.close(), 0);
});

test("a conference server that closes in mid-burst leaves no timer and no port behind", async () => {
  const { site, clock, alice, bob } = await threeAtOneSite();
  await press(site, alice);
  await say(clock, alice, payloads(3));
  site.conference.receive({ type: "provision", options: site.legOptions("late") });
  assert.is(await site.close(), 0);
  site.conference.receive({ type: "role", talkgroup: "ops", role: { in: "controlling", peers: ["south"] } });
  site.conference.receive({ type: "provision", options: site.legOptions("later") });
  await clock.advance(100);
  assert.is(clock.pending(), 0);
  const machine = site.network.host("10.0.0.1");
  const bound = await Promise.all(
    upTo(20_200, 20_000).map((port) => machine.udp({ host: "10.0.0.1", port }, () => {})),
  );
  for (const socket of bound) socket.close();
  assert.is(bob.heard.length, 3);
});

test.run();
