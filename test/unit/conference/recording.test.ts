import { test } from "uvu";
import * as assert from "uvu/assert";
import type { SpokenPiece } from "../../../firmware/conference/protocol.ts";
import { openDecoder } from "../../../firmware/media/codec.ts";
import { packSpeech, speechIn } from "../../../firmware/media/packed-speech.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import type { Terminal } from "../../support/terminal.ts";
import { correlation } from "../media/signals.ts";
import { sing, singer } from "./choir.ts";
import { realmWith } from "./realm.ts";
import { numbersOf, openSite, payloads, type Site, say, upTo } from "./site.ts";
import { frames, heardBy, saidIn, speech } from "./sound.ts";

const opus = await loadOpus();
const recorded = { opus, settings: { record: true } } as const;

const piecesOf = (site: Site): SpokenPiece[] =>
  site.events.flatMap((event) => {
    if (event.type !== "spoken") return [];
    const { type: _, ...piece } = event;
    return [piece];
  });
const packetsOf = (site: Site) => piecesOf(site).flatMap((piece) => [...speechIn(piece.speech)]);
const endsOf = (site: Site) => piecesOf(site).flatMap(({ end, talker }) => (end === undefined ? [] : [[talker, end]]));

async function talk(site: Site, talker: Terminal, said: readonly Uint8Array[]): Promise<void> {
  talker.press();
  await site.clock.advance(20);
  await say(site.clock, talker, said);
  talker.release();
  await site.clock.advance(500);
}

test("a burst of a recorded talkgroup is told of as its listeners hear it, without a byte changed", async () => {
  const site = openSite(recorded);
  const alice = await site.member("alice");
  const bob = await site.member("bob");
  await talk(site, alice, payloads(60));
  assert.equal(numbersOf(bob), upTo(60));
  assert.equal(
    packetsOf(site).map(({ position, payload }) => [position, [...payload]]),
    payloads(60).map((payload, index) => [index * 960, [...payload]]),
  );
  assert.equal(endsOf(site), [["sip:alice@example.org", "complete"]]);
  assert.is(await site.close(), 0);
});

test("nothing leaves a talkgroup that is not recorded", async () => {
  const site = openSite({ opus });
  const alice = await site.member("alice");
  await site.member("bob");
  await talk(site, alice, payloads(60));
  assert.equal(piecesOf(site), []);
  assert.is(await site.close(), 0);
});

for (const listener of ["opus", "PCMU"] as const)
  test(`what a G.711 telephone says is recorded in Opus, whole, where ${listener} is listened to`, async () => {
    const site = openSite(recorded);
    const alice = await site.member("alice", { codec: "PCMU" });
    await site.member("bob", { codec: listener });
    await talk(site, alice, await speech("PCMU"));
    const packets = packetsOf(site);
    assert.equal(
      packets.map(({ position }) => position),
      upTo(frames).map((index) => index * 960),
    );
    const decoder = await openDecoder(opus, "opus");
    const heard = new Int16Array(frames * 960);
    const into = new Int16Array(5_760);
    for (const { position, payload } of packets) {
      const samples = decoder.decode(payload, into);
      heard.set(into.subarray(0, samples), position);
    }
    decoder.close();
    const { value } = correlation(saidIn("opus"), heard, 960);
    assert.ok(value > 0.9, `correlation ${value}`);
    assert.equal(endsOf(site), [["sip:alice@example.org", "complete"]]);
    assert.is(await site.close(), 0);
  });

test("what came over a trunk before its burst was opened is recorded, too", async () => {
  const north = openSite({ ...recorded, gateway: "north" });
  const { clock, network } = north;
  const south = openSite({ ...recorded, gateway: "south", host: "10.0.0.9", clock, network });
  const sites = [north, south];
  for (const site of sites)
    site.onEvent = (event) => {
      for (const other of sites) {
        if (other === site) continue;
        const from = site.gateway;
        if (event.type === "trunk-media") {
          const { talkgroup } = event;
          const packet = event.packet.slice();
          clock.after(5, () => other.conference.receive({ type: "trunk-media", from, talkgroup, packet }));
        }
        // Slower than the media.
        const { type } = event;
        if (type === "trunk-floor")
          clock.after(70, () => other.conference.receive({ type: "trunk-floor", from, floor: event.floor }));
      }
    };
  const alice = await north.member("alice");
  await south.member("bob");
  north.role({ in: "controlling", peers: ["south"] });
  south.role({ in: "participating", controller: "north", peers: ["north"] });
  await clock.advance(500);
  await talk(north, alice, payloads(60));
  for (const site of sites) {
    assert.equal(
      packetsOf(site).map(({ payload }) => payload[1]),
      upTo(60),
      site.gateway,
    );
    assert.equal(endsOf(site), [["sip:alice@example.org", "complete"]]);
  }
  await south.close();
  assert.is(await north.close(), 0);
});

test("bursts that are cut are told to be: by a higher priority, by a talker who is gone, by the end of the talkgroup", async () => {
  const site = openSite(recorded);
  const alice = await site.member("alice");
  const chief = await site.member("chief", { priority: 9 });
  await site.member("bob");
  alice.press();
  await site.clock.advance(20);
  await say(site.clock, alice, payloads(10));
  chief.press();
  await site.clock.advance(20);
  alice.release();
  await site.clock.advance(20);
  await say(site.clock, chief, payloads(10, 100));
  site.conference.receive({ type: "release", leg: "chief" });
  await site.clock.advance(5_000);
  alice.press();
  await site.clock.advance(20);
  await say(site.clock, alice, payloads(10));
  site.conference.receive({ type: "no-talkgroup", talkgroup: "ops" });
  assert.equal(endsOf(site), [
    ["sip:alice@example.org", "revoked"],
    ["sip:chief@example.org", "lost"],
    ["sip:alice@example.org", "lost"],
  ]);
  assert.is(await site.close(), 0);
});

test("each site's recording says alike how a burst ended, wherever its talker and who waits for the floor are", async () => {
  const { site, clock, close } = await realmWith({ record: true, queueing: true }, "south", "north", "west");
  const sam = await site("south").member("sam");
  const nora = await site("north").member("nora");
  const chief = await site("north").member("chief", { priority: 9 });
  async function turn(talker: Terminal, next?: Terminal): Promise<void> {
    talker.press();
    await clock.advance(50);
    await say(clock, talker, payloads(10));
    next?.press();
    await clock.advance(50);
    talker.release();
    await clock.advance(50);
    if (!next) return;
    await say(clock, next, payloads(10));
    next.release();
    await clock.advance(500);
  }
  await turn(sam, chief);
  await turn(nora, sam);
  await turn(sam, nora);
  for (const name of ["south", "north", "west"])
    assert.equal(
      endsOf(site(name)).map(([talker, end]) => `${talker?.slice(4).split("@")[0]} ${end}`),
      ["sam revoked", "chief complete", "nora complete", "sam complete", "sam complete", "nora complete"],
      name,
    );
  assert.is(await close(), 0);
});

test("who falls silent is lost", async () => {
  const site = openSite(recorded);
  const alice = await site.member("alice");
  await site.member("bob");
  alice.press();
  await site.clock.advance(20);
  await say(site.clock, alice, payloads(10));
  await site.clock.advance(8_000);
  assert.equal(endsOf(site), [["sip:alice@example.org", "lost"]]);
  assert.is(await site.close(), 0);
});

/** With a loss of 60 ms in it. */
async function recording(): Promise<Uint8Array> {
  const said = await speech("opus");
  return packSpeech(
    said.map((payload, index) => ({ position: index * 960, payload })).filter((_, index) => index < 20 || index > 22),
  );
}

const replayed = (site: Site) => site.events.flatMap((event) => (event.type === "replayed" ? [event.leg] : []));

for (const codec of ["opus", "PCMA"] as const)
  test(`a recording is heard by one ${codec} leg alone, as it was said`, async () => {
    const site = openSite(recorded);
    const alice = await site.member("alice", { codec });
    const bob = await site.member("bob");
    site.conference.receive({ type: "replay", leg: "alice", speech: await recording() });
    await site.clock.advance(500);
    assert.ok(alice.heard.length > 15 && alice.heard.length < 30, `${alice.heard.length} packets in half a second`);
    assert.equal(replayed(site), []);
    await site.clock.advance(1_000);
    assert.equal([replayed(site), bob.heard.length], [["alice"], 0]);
    const { value } = correlation(saidIn(codec), await heardBy(alice), 320);
    assert.ok(value > 0.8, `correlation ${value}`);
    assert.equal(packetsOf(site), [], "it is no burst");
    assert.is(await site.close(), 0);
  });

test("a session in no call hears a recording, too", async () => {
  const site = openSite(recorded);
  const alice = await site.member("alice", { talkgroup: "" });
  site.conference.receive({ type: "replay", leg: "alice", speech: await recording() });
  await site.clock.advance(1_500);
  assert.equal([replayed(site), alice.heard.length], [["alice"], frames - 3]);
  assert.is(await site.close(), 0);
});

test("who is heard live ends a recording at once, and is heard from the first word on", async () => {
  const site = openSite(recorded);
  const alice = await site.member("alice");
  const bob = await site.member("bob");
  site.conference.receive({ type: "replay", leg: "alice", speech: await recording() });
  await site.clock.advance(200);
  bob.press();
  await site.clock.advance(0);
  const before = alice.heard.length;
  assert.equal(replayed(site), ["alice"]);
  await say(site.clock, bob, payloads(20, 200));
  assert.equal(numbersOf(alice).slice(before), upTo(220, 200));
  // Nothing is played over it.
  site.conference.receive({ type: "replay", leg: "alice", speech: await recording() });
  assert.equal(replayed(site), ["alice", "alice"]);
  assert.is(alice.heard.length, before + 20);
  const sequence = alice.heard.map((packet) => packet.sequence);
  assert.ok(
    sequence.every((number, index) => index === 0 || ((number - (sequence[index - 1] ?? 0)) & 0xffff) <= 2),
    "one stream",
  );
  assert.is(await site.close(), 0);
});

test("where everybody talks at once a recording makes way, too, and a telephone asks for it by the same key", async () => {
  const site = openSite({ opus, settings: { record: true, mixing: true } });
  const [alice, bob] = [await singer(site, "alice", 400, { codec: "PCMU" }), await singer(site, "bob", 600, {})];
  await sing(site, [alice, bob], [], 200);
  site.key("alice", "1");
  assert.is(site.events.filter(({ type }) => type === "replay-wanted").length, 1);
  site.conference.receive({ type: "replay", leg: "alice", speech: await recording() });
  await sing(site, [alice, bob], [], 300);
  assert.ok(alice.terminal.heard.length > 10);
  assert.equal(replayed(site), []);
  await sing(site, [alice, bob], [bob], 600);
  assert.equal(replayed(site), ["alice"]);
  await sing(site, [alice, bob], [], 2_000);
  assert.is(await site.close(), 0);
});

test("who talks in another talkgroup is nothing to whoever hears a recording", async () => {
  const site = openSite(recorded);
  site.talkgroup({ name: "sea", record: true });
  const alice = await site.member("alice", { talkgroup: "sea" });
  const bob = await site.member("bob");
  site.conference.receive({ type: "replay", leg: "alice", speech: await recording() });
  await site.clock.advance(200);
  const before = alice.heard.length;
  bob.press();
  await site.clock.advance(20);
  await say(site.clock, bob, payloads(5, 200));
  assert.ok(before > 5 && alice.heard.length > before, "what is said elsewhere is nothing to it");
  assert.equal(replayed(site), []);
  await site.clock.advance(2_000);
  assert.is(await site.close(), 0);
});

test("the key 1 asks for the last burst again, where there is a recording", async () => {
  const site = openSite(recorded);
  await site.member("alice", { codec: "PCMU", floor: false });
  const wanted = () => site.events.filter(({ type }) => type === "replay-wanted");
  site.key("alice", "1");
  assert.equal(wanted(), [{ type: "replay-wanted", leg: "alice", talkgroup: "ops" }]);
  site.key("alice", "2");
  assert.is(wanted().length, 1);
  assert.is(await site.close(), 0);
  const other = openSite({ opus });
  await other.member("alice", { codec: "PCMU", floor: false });
  other.key("alice", "1");
  assert.equal(
    other.events.filter(({ type }) => type === "replay-wanted"),
    [],
  );
  assert.is(await other.close(), 0);
});

test("no more recordings are played at a time than there is time for", async () => {
  const site = openSite(recorded);
  const speech = await recording();
  for (let number = 0; number < 22; number++) await site.member(`m${number}`);
  for (let number = 0; number < 22; number++) site.conference.receive({ type: "replay", leg: `m${number}`, speech });
  assert.equal(replayed(site), ["m20", "m21"]);
  site.conference.receive({ type: "release", leg: "m0" });
  await site.clock.advance(2_000);
  assert.is(replayed(site).length, 22);
  assert.is(await site.close(), 0);
});

test.run();
