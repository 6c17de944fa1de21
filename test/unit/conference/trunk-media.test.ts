import { test } from "uvu";
import * as assert from "uvu/assert";
import { readRtp, rtpView } from "../../../firmware/media/rtp.ts";
import { hears, northAndSouth, realm } from "./realm.ts";
import { payloads, say, upTo } from "./site.ts";

test("media that overtakes the word of its burst is not lost", async () => {
  const { clock, trunk, sam, nora, close } = await northAndSouth();
  trunk.floorMs = 200;
  sam.press();
  await clock.advance(0);
  await say(clock, sam, payloads(50));
  hears(nora, upTo(50));
  const [first, second] = nora.heard;
  assert.ok(first?.marker);
  assert.is(first.at, second?.at);
  assert.is(await close(), 0);
});

test("a packet for other gateways takes nothing with it to another thread but itself", async () => {
  const { clock, site, sam, close } = await northAndSouth();
  sam.press();
  await clock.advance(20);
  await say(clock, sam, payloads(3));
  const packets = ["north", "south"].flatMap((name) =>
    site(name).events.flatMap((event) => (event.type === "trunk-media" ? [event.packet] : [])),
  );
  assert.equal(
    packets.map(({ buffer, length }) => buffer.byteLength - length),
    [0, 0, 0],
  );
  assert.is(await close(), 0);
});

test("what is kept for a burst is its own gateway's, and of late", async () => {
  const { clock, trunk, site, close } = await realm("south", "north", "west");
  const sam = await site("south").member("sam");
  const nora = await site("north").member("nora");
  const wes = await site("west").member("wes");
  sam.press();
  await clock.advance(20);
  await say(clock, sam, payloads(1));
  const packet = site("south").events.findLast(({ type }) => type === "trunk-media");
  if (packet?.type !== "trunk-media") throw new Error("no media on the trunk");
  sam.release();
  await clock.advance(1_000);
  const stray = (from: string): void => {
    const copy = packet.packet.slice();
    copy[1] = 111;
    copy[copy.length - 4] = 99;
    site("north").conference.receive({ type: "trunk-media", from, talkgroup: "ops", packet: copy });
  };
  const send = (from: string, data: Uint8Array): void =>
    site("north").conference.receive({ type: "trunk-media", from, talkgroup: "ops", packet: data });
  stray("west");
  await clock.advance(501);
  stray("south");
  nora.heard.length = 0;
  trunk.floorMs = 100;
  wes.press();
  await clock.advance(200);
  await say(clock, wes, payloads(3, 10));
  // Empty, truncated, huge, and of no codec that a trunk knows.
  send("west", packet.packet.slice(0, 12));
  send("west", packet.packet.slice(0, 5));
  send(
    "west",
    Uint8Array.from({ length: 4_000 }, (_, index) => packet.packet[index] ?? 0),
  );
  send("west", packet.packet.with(1, 96));
  await clock.advance(100);
  hears(nora, [10, 11, 12]);
  assert.is(await close(), 0);
});

test("a flood of media before its burst is bounded", async () => {
  const { clock, trunk, site, nora, sam, close } = await northAndSouth();
  sam.press();
  await clock.advance(20);
  await say(clock, sam, payloads(1));
  const packet = site("south").events.findLast(({ type }) => type === "trunk-media");
  if (packet?.type !== "trunk-media") throw new Error("no media on the trunk");
  sam.release();
  await clock.advance(1_000);
  nora.heard.length = 0;
  trunk.lost = () => true;
  for (let count = 0; count < 5_000; count++) {
    const copy = packet.packet
      .with(1, 111)
      .with(3, count & 0xff)
      .with(2, count >> 8);
    site("north").conference.receive({ type: "trunk-media", from: "south", talkgroup: "ops", packet: copy });
  }
  trunk.lost = () => false;
  sam.press();
  await clock.advance(20);
  assert.ok(nora.heard.length > 0 && nora.heard.length <= 100);
  assert.is(await close(), 0);
});

test("what leaves on the trunk is one stream: marked where a burst begins, numbered on, timed by the clock", async () => {
  const { clock, site, sam, close } = await northAndSouth();
  const sue = await site("south").member("sue");
  for (const talker of [sam, sue]) {
    talker.press();
    await clock.advance(0);
    // Who talks on from a burst of another session has no mark to give.
    for (const payload of payloads(5)) {
      talker.speak(payload);
      await clock.advance(20);
    }
    talker.release();
    await clock.advance(900);
  }
  const view = rtpView();
  const out = site("south").events.flatMap((event) =>
    event.type === "trunk-media" && readRtp(event.packet, view) ? [{ ...view }] : [],
  );
  assert.equal(
    out.map(({ marker }) => marker),
    upTo(10).map((index) => index % 5 === 0),
  );
  const [first] = out;
  if (!first) throw new Error("nothing on the trunk");
  // One number is left free where a first packet without a mark may have been overtaken.
  assert.equal(
    out.map(({ sequence }) => (sequence - first.sequence) & 0xffff),
    [...upTo(5), ...upTo(11, 6)],
  );
  assert.equal(
    out.map(({ timestamp }) => ((timestamp - first.timestamp) >>> 0) / 960),
    [...upTo(5), ...upTo(55, 50)],
  );
  assert.is(await close(), 0);
});

test("what came late of the burst before is not heard in the next one", async () => {
  const { clock, trunk, sam, nora, close } = await northAndSouth();
  sam.press();
  await clock.advance(20);
  await say(clock, sam, payloads(5));
  trunk.mediaMs = 200;
  await say(clock, sam, payloads(3, 5));
  sam.release();
  await clock.advance(250);
  trunk.mediaMs = 5;
  sam.press();
  await clock.advance(0);
  await say(clock, sam, payloads(5, 10));
  await clock.advance(20);
  hears(nora, [...upTo(5), ...upTo(15, 10)]);
  assert.is(await close(), 0);
});

test("a burst in one codec that follows the last of one in another is read right", async () => {
  const { clock, trunk, site, sam, close } = await northAndSouth();
  const phone = await site("south").member("phone", { codec: "PCMA" });
  const listener = await site("north").member("listener", { codec: "PCMU" });
  const alaw = new Uint8Array(160).fill(0xd5);
  sam.press();
  await clock.advance(20);
  await say(clock, sam, payloads(5));
  trunk.mediaMs = 40;
  sam.speak(payloads(1)[0] ?? alaw);
  sam.release();
  await clock.advance(0);
  phone.press();
  await clock.advance(15);
  await say(
    clock,
    phone,
    Array.from({ length: 5 }, () => alaw),
  );
  await clock.advance(40);
  const silent = listener.heard.slice(-4).every(({ payload }) => payload.every((byte) => (byte & 0x7f) > 0x7c));
  assert.ok(silent, "silence in A-law is silence in mu-law");
  assert.is(await close(), 0);
});

test("media from a gateway that has not the talker is dropped", async () => {
  const { clock, site, close } = await realm("south", "north", "west");
  const nora = await site("north").member("nora");
  const wes = await site("west").member("wes");
  wes.press();
  await clock.advance(30);
  await say(clock, wes, payloads(3));
  const packet = site("west").events.findLast(({ type }) => type === "trunk-media");
  if (packet?.type !== "trunk-media") throw new Error("no media on the trunk");
  for (let count = 0; count < 300; count++)
    site("north").conference.receive({
      type: "trunk-media",
      from: "south",
      talkgroup: "ops",
      packet: packet.packet.slice(),
    });
  await say(clock, wes, payloads(3, 3));
  await clock.advance(10);
  hears(nora, upTo(6));
  assert.is(await close(), 0);
});

test.run();
