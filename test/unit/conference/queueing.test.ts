import { test } from "uvu";
import * as assert from "uvu/assert";
import { acknowledgeBit, floorSubtype, queuePosition } from "../../../firmware/floor/message.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import type { Terminal } from "../../support/terminal.ts";
import { realmWith } from "./realm.ts";
import { openSite, payloads, say } from "./site.ts";

const opus = await loadOpus();
const settings = { queueing: true } as const;

/** What a terminal was told since it was last asked, with its place in the queue. */
const news = (terminal: Terminal): string[] =>
  terminal.told
    .splice(0)
    .map((message) =>
      message.type === "queue-info" ? `queued ${message.position}/${message.queueSize}` : message.type,
    );

async function queue() {
  const site = openSite({ opus, settings });
  const alice = await site.member("alice");
  const bob = await site.member("bob");
  const carol = await site.member("carol");
  for (const each of [alice, bob, carol]) news(each);
  return { site, clock: site.clock, alice, bob, carol };
}

test("who presses while another talks is queued, told each place, and granted the floor when it is free", async () => {
  const { site, clock, alice, bob, carol } = await queue();
  for (const each of [alice, bob, carol]) each.press();
  await clock.advance(0);
  assert.equal([alice, bob, carol].map(news), [["granted"], ["taken", "queued 1/1"], ["taken", "queued 2/2"]]);
  alice.release();
  await clock.advance(0);
  assert.equal([alice, bob, carol].map(news), [["taken"], ["granted"], ["taken", "queued 1/1"]]);
  await say(clock, bob, payloads(3));
  assert.is(alice.heard.length, 3);
  carol.release();
  bob.release();
  await clock.advance(0);
  assert.equal(news(carol), ["idle"], "who has let go is granted nothing");
  assert.is(await site.close(), 0);
});

test("a place is told on request", async () => {
  const { site, clock, alice, bob, carol } = await queue();
  for (const each of [alice, bob]) each.press();
  await clock.advance(0);
  news(bob);
  for (const each of [bob, carol]) each.request({ type: "queue-request" });
  await clock.advance(0);
  assert.equal([bob, carol].map(news), [["queued 1/1"], ["taken", `queued ${queuePosition.none}/1`]]);
  assert.is(await site.close(), 0);
});

test("a terminal that did not negotiate queueing is denied, and so is a telephone", async () => {
  const { site, clock, alice } = await queue();
  const plain = await site.member("plain", { queues: false });
  const phone = await site.member("phone", { floor: false, keys: true });
  alice.press();
  await clock.advance(0);
  news(plain);
  plain.press();
  phone.dial("*");
  await clock.advance(400);
  assert.equal(news(plain), ["deny"]);
  alice.release();
  await clock.advance(400);
  assert.equal(news(alice), ["granted", "idle"]);
  assert.is(await site.close(), 0);
});

test("who waits and is released is in the queue no more", async () => {
  const { site, clock, alice, bob, carol } = await queue();
  for (const each of [alice, bob, carol]) each.press();
  await clock.advance(0);
  news(carol);
  site.conference.receive({ type: "release", leg: "bob" });
  await clock.advance(0);
  assert.equal(news(carol), ["queued 1/1"]);
  assert.is(await site.close(), 0);
});

test("a Granted that is acknowledged is not said again, and asks for that", async () => {
  const { site, clock, alice, bob } = await queue();
  bob.onTold = (_, acknowledge) => {
    if (acknowledge) bob.request({ type: "ack", of: floorSubtype.granted | acknowledgeBit, source: 0 });
  };
  for (const each of [alice, bob]) {
    each.press();
    await clock.advance(3_500);
    each.release();
    await clock.advance(500);
  }
  const granted = (terminal: Terminal) => news(terminal).filter((type) => type === "granted").length;
  assert.equal([granted(alice), granted(bob)], [3, 1]);
  assert.is(await site.close(), 0);
});

/** South controls, and its sam talks; nora and ned are at north. */
async function twoSites() {
  const sites = await realmWith(settings, "south", "north");
  const { clock, site } = sites;
  const nora = await site("north").member("nora");
  const ned = await site("north").member("ned", { priority: 3, mayPreempt: false });
  const sam = await site("south").member("sam");
  const sue = await site("south").member("sue");
  sam.press();
  const talking = clock.every(20, () => sam.speak(Uint8Array.of(0xf8, 1)));
  await clock.advance(100);
  for (const each of [nora, ned, sam, sue]) news(each);
  return { ...sites, nora, ned, sam, sue, talking };
}

test("the queue is one for all sites: by priority and then by time, and granted across the trunk", async () => {
  const { clock, nora, ned, sam, sue, talking, close } = await twoSites();
  sue.press();
  await clock.advance(30);
  nora.press();
  await clock.advance(30);
  ned.press();
  await clock.advance(30);
  assert.equal([sue, nora, ned].map(news), [
    ["queued 1/1", "queued 2/3"],
    ["queued 2/2", "queued 3/3"],
    ["queued 1/3"],
  ]);
  talking();
  sam.release();
  await clock.advance(60);
  assert.equal([sue, nora, ned].map(news), [["taken", "queued 1/2"], ["taken", "queued 2/2"], ["granted"]]);
  await say(clock, ned, payloads(5));
  await clock.advance(60);
  assert.is(sue.heard.filter(({ payload }) => payload[2] === 3).length, 5);
  nora.release();
  ned.release();
  await clock.advance(60);
  assert.equal([sue, nora].map(news), [["granted"], ["taken"]]);
  assert.is(await close(), 0);
});

test("who waits at a gateway that is lost waits no more", async () => {
  const { clock, lose, roles, nora, sam, sue, talking, close } = await twoSites();
  nora.press();
  await clock.advance(30);
  sue.press();
  await clock.advance(30);
  assert.equal(news(sue), ["queued 2/2"]);
  await lose("north");
  roles("south");
  await clock.advance(30);
  assert.equal(news(sue), ["queued 1/1"]);
  talking();
  sam.release();
  await clock.advance(30);
  assert.equal(news(sue), ["granted"]);
  assert.is(await close(), 0);
});

test("who waits and loses the way to the controller is told so when asking, and is granted the site's own floor", async () => {
  const { clock, trunk, site, nora, talking, close } = await twoSites();
  nora.press();
  await clock.advance(30);
  assert.equal(news(nora), ["queued 1/1"]);
  talking();
  trunk.lost = () => true;
  site("north").role({ in: "controlling", peers: [] });
  nora.request({ type: "queue-request" });
  await clock.advance(0);
  assert.equal(news(nora), [`queued ${queuePosition.none}/0`]);
  // The burst that was lost with the other site is over after T1.
  await clock.advance(4_500);
  nora.press();
  await clock.advance(0);
  assert.is(news(nora).at(-1), "granted");
  assert.is(await close(), 0);
});

test("control changes hands when nobody waits any more, and whoever waits then waits at the next", async () => {
  const { clock, roles, nora, sam, talking, close } = await twoSites();
  nora.press();
  await clock.advance(30);
  roles("north", "south");
  talking();
  sam.release();
  await clock.advance(60);
  assert.equal(
    news(nora).filter((type) => type !== "taken" && type !== "idle"),
    ["queued 1/1", "granted"],
  );
  nora.release();
  await clock.advance(60);
  sam.press();
  await clock.advance(60);
  assert.is(news(sam).at(-1), "granted");
  nora.press();
  await clock.advance(60);
  assert.is(news(nora).at(-1), "queued 1/1");
  assert.is(await close(), 0);
});

test("in a broadcast the others are told that they may not ask, and are denied until it is over", async () => {
  const site = openSite({ opus, settings: { broadcast: true, queueing: true, hangMs: 1_000 } });
  const alice = await site.member("alice");
  const bob = await site.member("bob");
  alice.press();
  await site.clock.advance(0);
  const taken = bob.told.at(-1);
  assert.equal(taken?.type === "taken" && [taken.mayRequest, taken.indicator], [false, 0x8000 | 0x4000 | 0x0400]);
  bob.press();
  await site.clock.advance(0);
  assert.is(news(bob).at(-1), "deny");
  alice.release();
  await site.clock.advance(500);
  bob.press();
  await site.clock.advance(0);
  assert.is(news(bob).at(-1), "deny");
  await site.clock.advance(600);
  bob.press();
  await site.clock.advance(0);
  assert.is(news(bob).at(-1), "granted");
  assert.is(await site.close(), 0);
});

test("a broadcast stays its originator's when control changes hands in it, and is over for all at once", async () => {
  const { clock, site, roles, close } = await realmWith({ broadcast: true, hangMs: 3_000 }, "south", "north");
  const nora = await site("north").member("nora");
  const sam = await site("south").member("sam");
  nora.press();
  await clock.advance(60);
  roles("north", "south");
  nora.release();
  await clock.advance(60);
  roles("south", "north");
  sam.press();
  await clock.advance(60);
  assert.is(news(sam).at(-1), "deny", "who controls again has not forgotten");
  roles("north", "south");
  for (const each of [sam, nora]) {
    each.press();
    await clock.advance(60);
  }
  assert.equal([news(sam).slice(-2), news(nora).at(-1)], [["deny", "taken"], "granted"]);
  nora.release();
  await clock.advance(60);
  await clock.advance(3_500);
  sam.press();
  await clock.advance(60);
  assert.is(news(sam).at(-1), "granted");
  assert.is(await close(), 0);
});

test("a talker at a participating gateway is told how much is left", async () => {
  const { clock, site, close } = await realmWith({ talkMs: 8_000, talkWarningMs: 3_000 }, "south", "north");
  const nora = await site("north").member("nora");
  nora.press();
  const stop = clock.every(20, () => nora.speak(Uint8Array.of(0xf8, 1)));
  await clock.advance(5_500);
  stop();
  const left = nora.told.flatMap((message) => (message.type === "granted" ? [message.durationS] : []));
  assert.equal(left, [8, 3]);
  assert.is(await close(), 0);
});

test.run();
