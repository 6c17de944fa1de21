import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ScanOptions } from "../../../firmware/conference/protocol.ts";
import { encodeFloor, type FloorMessage } from "../../../firmware/floor/message.ts";
import { writeRtpHeader } from "../../../firmware/media/rtp.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import type { Terminal } from "../../support/terminal.ts";
import { type MemberOptions, numbersOf, openSite, payloads, say, upTo } from "./site.ts";
import { mouth } from "./voiced.ts";

const opus = await loadOpus();
const rights = { mayTalk: true, mayPreempt: true, priority: 0 };
const list = (change: Partial<ScanOptions> = {}): ScanOptions => ({
  groups: ["fire", "sea"].map((talkgroup) => ({ talkgroup, ...rights })),
  priority: "ops",
  hangMs: 3_000,
  answerBack: false,
  ...change,
});

/** Sam is in ops and scans fire and sea; there is one more of each. */
async function threeGroups(change: Partial<ScanOptions> = {}, more: MemberOptions = {}) {
  const site = openSite({ opus });
  for (const name of ["fire", "sea"]) site.talkgroup({ name });
  const ops = await site.member("ops1");
  const fire = await site.member("fire1", { talkgroup: "fire" });
  const sea = await site.member("sea1", { talkgroup: "sea" });
  const sam = await site.member("sam", { scan: list(change), ...more });
  for (const each of [ops, fire, sea, sam]) each.news();
  site.news();
  return { site, clock: site.clock, ops, fire, sea, sam };
}

type Story = Awaited<ReturnType<typeof threeGroups>>;

async function talk({ clock }: Story, talker: Terminal, ...numbers: readonly number[]): Promise<void> {
  talker.press();
  await clock.advance(1);
  await say(
    clock,
    talker,
    numbers.flatMap((number) => payloads(1, number)),
  );
}

async function stop({ clock }: Story, talker: Terminal): Promise<void> {
  talker.release();
  await clock.advance(1);
}

/** What was heard since it was last asked. */
function heard(terminal: Terminal): number[] {
  const numbers = numbersOf(terminal);
  terminal.heard.length = 0;
  return numbers;
}

/** Whom a terminal was told of since it was last asked: a name, or "" for nobody; granted, denied and revoked as they are. */
function shown(terminal: Terminal): string[] {
  const all = terminal.told.splice(0).map((message) => {
    if (message.type === "taken") return message.party.replace("sip:", "").replace("@example.org", "");
    return message.type === "idle" ? "" : message.type;
  });
  return all.filter((name, index) => name !== all[index - 1]);
}

const sequences = (terminal: Terminal): number[] =>
  terminal.told.flatMap((message) => (message.type === "taken" || message.type === "idle" ? [message.sequence] : []));

test("who scans hears another talkgroup's burst from its first word, and its own after the hang time", async () => {
  const story = await threeGroups();
  const { site, clock, ops, fire, sam } = story;
  await talk(story, fire, 1, 2, 3);
  await stop(story, fire);
  assert.equal(heard(sam), [1, 2, 3]);
  assert.is(sam.told.filter(({ type }) => type === "taken").length, 1, "told once");
  await clock.advance(1_000);
  await talk(story, fire, 4);
  await stop(story, fire);
  await clock.advance(3_100);
  await talk(story, ops, 5);
  assert.equal(heard(sam), [4, 5]);
  assert.equal(shown(sam), ["fire1;group=fire", "", "fire1;group=fire", "", "ops1"]);
  assert.is(await site.close(), 0);
});

test("it stays with the talkgroup that it hears, and comes into another's burst after that", async () => {
  const story = await threeGroups();
  const { site, clock, fire, sea, sam } = story;
  await talk(story, fire, 1);
  await talk(story, sea, 100);
  await say(clock, fire, payloads(1, 2));
  await stop(story, fire);
  await say(clock, sea, payloads(1, 101));
  assert.equal(heard(sam), [1, 2], "the hang time is not over");
  await clock.advance(3_000);
  await say(clock, sea, payloads(2, 102));
  assert.equal(heard(sam), [102, 103]);
  await stop(story, sea);
  assert.equal(shown(sam), ["fire1;group=fire", "", "sea1;group=sea", ""]);
  assert.is(await site.close(), 0);
});

test("what has priority cuts in at once, be it home or another", async () => {
  for (const priority of ["ops", "sea"]) {
    const story = await threeGroups({ priority });
    const { site, clock, ops, fire, sea, sam } = story;
    const first = priority === "ops" ? ops : sea;
    const last = priority === "ops" ? sea : ops;
    await talk(story, fire, 1);
    await talk(story, last, 100);
    await talk(story, first, 50);
    await say(clock, fire, payloads(1, 2));
    await say(clock, first, payloads(1, 51));
    assert.equal(heard(sam), [1, 50, 51]);
    assert.equal(shown(sam), ["fire1;group=fire", priority === "ops" ? "ops1" : "sea1;group=sea"]);
    await stop(story, first);
    await clock.advance(3_000);
    await say(clock, fire, payloads(1, 3));
    await say(clock, last, payloads(1, 101));
    assert.equal(heard(sam), [priority === "ops" ? 3 : 101], "then home, then who has waited longest");
    assert.is(await site.close(), 0);
  }
});

test("its stream has no hole and no other source, whatever it hears, and what it is told is numbered on", async () => {
  const story = await threeGroups();
  const { site, clock, ops, fire, sam } = story;
  for (let round = 0; round < 3; round++) {
    await talk(story, fire, 1, 2);
    await talk(story, ops, 3, 4);
    await stop(story, ops);
    await stop(story, fire);
    await clock.advance(3_500);
  }
  const first = sam.heard[0];
  assert.equal(
    sam.heard.map(({ sequence }) => (sequence - (first?.sequence ?? 0)) & 0xffff),
    upTo(12),
  );
  assert.equal(new Set(sam.heard.map(({ ssrc }) => ssrc)).size, 1);
  assert.equal(
    sam.heard.map(({ marker }) => marker),
    Array.from({ length: 12 }, (_, index) => index % 2 === 0),
  );
  const told = sequences(sam);
  assert.equal(
    told,
    told.toSorted((one, other) => one - other),
  );
  assert.is(new Set(told).size, told.length);
  assert.is(await site.close(), 0);
});

test("who scans talks at home, whatever is heard, and hears the answer there", async () => {
  const story = await threeGroups();
  const { site, clock, ops, fire, sam } = story;
  await talk(story, fire, 1);
  heard(sam);
  sam.press();
  await clock.advance(1);
  await say(clock, sam, payloads(2, 50));
  await say(clock, fire, payloads(1, 2));
  assert.equal([heard(ops), heard(fire), heard(sam)], [[50, 51], [], []]);
  assert.equal(shown(sam), ["fire1;group=fire", "granted"]);
  await stop(story, sam);
  await say(clock, fire, payloads(1, 3));
  await talk(story, ops, 60);
  assert.equal(heard(sam), [60], "the answer, and not what goes on elsewhere");
  await stop(story, ops);
  await clock.advance(3_000);
  await say(clock, fire, payloads(1, 4));
  assert.equal(heard(sam), [4]);
  assert.is(await site.close(), 0);
});

test("who is cut off by another hears that one", async () => {
  const story = await threeGroups({ priority: "sea" });
  const { site, clock, ops, fire, sea, sam } = story;
  const chief = await site.member("chief", { priority: 9 });
  sam.press();
  await clock.advance(1);
  chief.press();
  await clock.advance(1_100);
  await say(clock, chief, payloads(1, 1));
  assert.equal(heard(sam), [1]);
  await talk(story, sea, 2);
  assert.equal(heard(sam), [2], "it talks no more: the priority cuts in");
  for (const each of [ops, fire]) heard(each);
  assert.is(await site.close(), 0);
});

test("with answerBack, what is said within the hang time goes where the burst was", async () => {
  const story = await threeGroups({ answerBack: true });
  const { site, clock, ops, fire, sam } = story;
  await talk(story, fire, 1);
  await stop(story, fire);
  await clock.advance(1_000);
  heard(sam);
  await talk(story, sam, 50, 51);
  assert.equal([heard(fire), heard(ops)], [[50, 51], []]);
  await stop(story, sam);
  await clock.advance(2_000);
  await talk(story, fire, 2);
  await stop(story, fire);
  assert.equal(heard(sam), [2]);
  await clock.advance(3_100);
  await talk(story, sam, 52);
  assert.equal([heard(fire), heard(ops)], [[], [52]], "after it, home");
  assert.equal(shown(fire), ["granted", "", "sam", "", "granted", ""]);
  await stop(story, sam);
  await talk(story, fire, 3);
  assert.equal(heard(sam), [], "and is a member there no more");
  assert.is(await site.close(), 0);
});

test("where its user may only listen, answerBack answers at home", async () => {
  const groups = [{ talkgroup: "fire", ...rights, mayTalk: false }];
  const story = await threeGroups({ answerBack: true, groups });
  const { site, ops, fire, sam } = story;
  await talk(story, fire, 1);
  await stop(story, fire);
  await talk(story, sam, 50);
  assert.equal([heard(fire), heard(ops)], [[], [50]]);
  assert.is(await site.close(), 0);
});

test("a burst that has begun before is come into; a talkgroup that is not there is not heard, and one that goes is left", async () => {
  const site = openSite({ opus });
  site.talkgroup({ name: "sea" });
  const sea = await site.member("sea1", { talkgroup: "sea" });
  const story = { site, clock: site.clock, ops: sea, fire: sea, sea, sam: sea };
  await talk(story, sea, 1);
  const sam = await site.member("sam", { scan: list() });
  await say(site.clock, sea, payloads(1, 2));
  assert.equal(heard(sam), [2]);
  site.talkgroup({ name: "fire" });
  const fire = await site.member("fire1", { talkgroup: "fire" });
  site.conference.receive({ type: "no-talkgroup", talkgroup: "sea" });
  await site.clock.advance(3_100);
  await talk(story, fire, 3);
  assert.equal(heard(sam), [3]);
  site.conference.receive({ type: "no-talkgroup", talkgroup: "ops" });
  await site.clock.advance(1);
  assert.equal(
    site.events.filter(({ type }) => type === "lost").map((event) => "leg" in event && event.leg),
    ["sea1", "sam"],
  );
  await say(site.clock, fire, payloads(1, 4));
  assert.equal(heard(sam), []);
  assert.is(await site.close(), 0);
});

test("a leg that is moved scans no more until it is back, and one that is released is heard of nowhere", async () => {
  const story = await threeGroups();
  const { site, clock, ops, fire, sam } = story;
  await talk(story, fire, 1);
  site.talkgroup({ name: "call/1", scope: "gateway" });
  site.move("sam", "call/1");
  await say(clock, fire, payloads(1, 2));
  assert.equal(heard(sam), [1]);
  site.move("sam", "ops");
  await say(clock, fire, payloads(1, 3));
  assert.equal(heard(sam), [3]);
  site.conference.receive({ type: "release", leg: "sam" });
  await say(clock, fire, payloads(1, 4));
  assert.equal(heard(sam), []);
  await stop(story, fire);
  heard(ops);
  assert.is(await site.close(), 0);
});

test("it may change its codec while it hears another talkgroup, and hears that one alone", async () => {
  const story = await threeGroups({ priority: "sea" });
  const { site, clock, ops, fire, sam } = story;
  await talk(story, fire, 1);
  heard(sam);
  site.reoffer("sam", sam, { codec: "PCMU" });
  await talk(story, ops);
  const one = await mouth(clock, fire, "opus");
  const other = await mouth(clock, ops, "opus");
  await one.speak(400);
  await other.speak(400);
  assert.ok(sam.heard.length >= 18 && sam.heard.length <= 20, `${sam.heard.length} packets`);
  assert.ok(sam.heard.every(({ payload, payloadType }) => payload.length === 160 && payloadType === 0));
  assert.is(await site.close(), 0);
});

test("another site's burst is heard from its first word, though that came before the word of it", async () => {
  const { site, clock, sam } = await threeGroups();
  const { conference } = site;
  const send = (sequence: number) => {
    const packet = new Uint8Array(17);
    writeRtpHeader(packet, { payloadType: 111, marker: sequence === 1, sequence, timestamp: 960 * sequence, ssrc: 9 });
    packet.set([0xf8, sequence, 3, 5, 7], 12);
    conference.receive({ type: "trunk-media", from: "south", talkgroup: "sea", packet });
  };
  const floor = (message: FloorMessage) =>
    conference.receive({
      type: "trunk-floor",
      from: "south",
      floor: {
        talkgroup: "sea",
        participant: "south/x",
        epoch: 1,
        priority: 0,
        message: encodeFloor(message, { ssrc: 1 }),
      },
    });
  const role = { in: "participating", controller: "south", peers: ["south"] } as const;
  conference.receive({ type: "role", talkgroup: "sea", role });
  send(1);
  send(2);
  floor({ type: "taken", party: "sip:x@example.org", mayRequest: true, sequence: 1 });
  send(3);
  await clock.advance(1);
  assert.equal(heard(sam), [1, 2, 3]);
  conference.receive({ type: "no-talkgroup", talkgroup: "sea" });
  await clock.advance(3_100);
  const fire = await site.member("fire2", { talkgroup: "fire" });
  await talk({ site, clock, ops: fire, fire, sea: fire, sam }, fire, 7);
  assert.equal(heard(sam), [7], "it does not wait for who is no more");
  assert.is(await site.close(), 0);
});

test("who scans counts for nothing where it only listens: the hang time is that of its members", async () => {
  const site = openSite({ opus });
  site.talkgroup({ name: "fire", hangMs: 1_000 });
  const fire = await site.member("fire1", { talkgroup: "fire" });
  const sam = await site.member("sam", { scan: list() });
  const story = { site, clock: site.clock, ops: sam, fire, sea: fire, sam };
  site.news();
  await talk(story, fire, 1);
  await stop(story, fire);
  await site.clock.advance(1_100);
  assert.equal(site.news(), ["bridged", "floor", "floor", "unbridged"]);
  sam.request({ type: "release" });
  await site.clock.advance(1);
  assert.is(await site.close(), 0);
});

test("a phone that is keyed by voice answers in the talkgroup that it heard", async () => {
  const telephone = { voice: { thresholdDb: 12, hangMs: 800 } };
  const story = await threeGroups({ answerBack: true }, { floor: false, codec: "PCMU", telephone });
  const { site, clock, ops, fire, sam } = story;
  const user = await mouth(clock, sam, "PCMU");
  await user.hush(600);
  const speaker = await mouth(clock, fire, "opus");
  await talk(story, fire);
  await speaker.speak(500);
  await stop(story, fire);
  await user.hush(1_000);
  fire.news();
  await user.speak(500);
  await user.hush(1_000);
  const [first] = fire.news();
  assert.is(first, "taken");
  assert.ok(fire.heard.length > 25 && ops.heard.length === 0);
  await user.hush(3_200);
  ops.news();
  await user.speak(500);
  assert.is(ops.news()[0], "taken");
  assert.is(await site.close(), 0);
});

test.run();
