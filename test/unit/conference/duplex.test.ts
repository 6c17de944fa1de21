import { test } from "uvu";
import * as assert from "uvu/assert";
import { type CodecName, sampleRates } from "../../../firmware/media/codec.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import type { Terminal } from "../../support/terminal.ts";
import { correlation } from "../media/signals.ts";
import { openSite, payloads, say } from "./site.ts";
import { frames, heardBy, saidIn, speech } from "./sound.ts";

const opus = await loadOpus();
const phone = { floor: false, keys: true } as const;

async function twoPhones(one: CodecName, other: CodecName, settings = {}) {
  const site = openSite({ opus, settings: { duplex: true, ...settings } });
  const ann = await site.member("ann", { ...phone, codec: one });
  const ben = await site.member("ben", { ...phone, codec: other });
  return { site, clock: site.clock, ann, ben };
}

/** Both at once. */
async function converse({ clock, ann, ben }: Awaited<ReturnType<typeof twoPhones>>, packets = frames): Promise<void> {
  const [byAnn, byBen] = [await speech(ann.codec()), await speech(ben.codec())];
  for (let index = 0; index < packets; index++) {
    for (const [talker, said] of [
      [ann, byAnn],
      [ben, byBen],
    ] as const)
      talker.speak(said[index] ?? new Uint8Array(), { marker: index === 0 });
    await clock.advance(20);
  }
}

async function hearsAll(listener: Terminal): Promise<void> {
  const codec = listener.codec();
  assert.is(listener.heard.length, frames);
  const { value } = correlation(saidIn(codec), await heardBy(listener), sampleRates[codec] / 50);
  assert.ok(value > 0.95, `${codec}: correlation ${value}`);
}

for (const [one, other] of [
  ["opus", "opus"],
  ["PCMU", "PCMA"],
  ["opus", "PCMU"],
  ["G722", "opus"],
] as const)
  test(`two telephones that speak ${one} and ${other} hear each other at once`, async () => {
    const scene = await twoPhones(one, other);
    await converse(scene);
    await hearsAll(scene.ann);
    await hearsAll(scene.ben);
    assert.is(await scene.site.close(), 0);
  });

test("a call that is not duplex is half-duplex, also between two telephones", async () => {
  const { site, clock, ann, ben } = await twoPhones("opus", "opus", { duplex: undefined });
  await say(clock, ann, payloads(5));
  assert.equal(ben.heard, []);
  ann.dial("*");
  await clock.advance(20);
  await say(clock, ann, payloads(5));
  assert.is(ben.heard.length, 5);
  assert.is(await site.close(), 0);
});

test("with a third leg, or with one that has floor control, the floor rules; without it both are heard again", async () => {
  for (const third of [phone, { floor: true }]) {
    const scene = await twoPhones("opus", "opus");
    const { site, clock, ann, ben } = scene;
    await converse(scene, 5);
    const carl = await site.member("carl", third);
    for (const each of [ann, ben]) each.heard.length = 0;
    await clock.advance(1_000);
    await converse(scene, 5);
    assert.equal([ann.heard, ben.heard, carl.heard], [[], [], []]);
    ann.dial("*");
    await clock.advance(0);
    await say(clock, ann, payloads(3));
    assert.is(ben.heard.length, 3);
    assert.is(carl.heard.length, 3);
    for (const each of [ann, ben]) each.heard.length = 0;
    site.conference.receive({ type: "release", leg: "carl" });
    await clock.advance(400);
    const floor = site.events.findLast(({ type }) => type === "floor");
    assert.is(floor?.type === "floor" && floor.talker, undefined, "nobody has the floor");
    ann.heard.length = 0;
    await converse(scene);
    await hearsAll(ann);
    await hearsAll(ben);
    assert.is(await site.close(), 0);
  }
});

test("a burst, and a request that waits for its end, are over when the floor is", async () => {
  const site = openSite({ opus, settings: { duplex: true } });
  const ann = await site.member("ann", phone);
  const ben = await site.member("ben", { ...phone, priority: 9 });
  await site.member("carl", phone);
  ann.dial("*");
  await site.clock.advance(500);
  ben.dial("*");
  await site.clock.advance(600);
  site.conference.receive({ type: "release", leg: "carl" });
  await site.clock.advance(500);
  const floor = site.events.findLast(({ type }) => type === "floor");
  assert.is(floor?.type === "floor" && floor.talker, undefined);
  for (const each of [ann, ben]) each.heard.length = 0;
  await say(site.clock, ann, payloads(250));
  await say(site.clock, ben, payloads(250));
  assert.equal([ann.heard.length, ben.heard.length], [250, 250], "speech, and no tone");
  assert.is(await site.close(), 0);
});

test("one telephone and one terminal with floor control take turns", async () => {
  const site = openSite({ opus, settings: { duplex: true } });
  const ann = await site.member("ann", phone);
  const bob = await site.member("bob");
  await say(site.clock, ann, payloads(5));
  assert.equal(bob.heard, []);
  assert.is(await site.close(), 0);
});

test("a call of two telephones is bridged for as long as it has two, however quiet, and un-bridged a hang time after", async () => {
  const { site, clock } = await twoPhones("opus", "opus", { scope: "gateway" });
  assert.equal(
    site.news().filter((type) => type.endsWith("bridged")),
    ["bridged"],
  );
  await clock.advance(30_000);
  assert.equal(site.news(), []);
  site.conference.receive({ type: "release", leg: "ben" });
  await clock.advance(9_999);
  assert.equal(site.news(), []);
  await clock.advance(1);
  assert.equal(site.news(), ["unbridged"]);
  assert.is(await site.close(), 0);
});

test("a call that waits for its second leg is not over; with legs that take turns its hang time begins", async () => {
  const site = openSite({ opus, settings: { duplex: true, scope: "gateway" } });
  await site.member("ann", phone);
  site.news();
  await site.clock.advance(60_000);
  assert.equal(site.news(), []);
  await site.member("bob");
  await site.clock.advance(9_000);
  assert.equal(site.news(), ["offer", "ready"]);
  await site.clock.advance(1_000);
  assert.equal(site.news(), ["unbridged"]);
  assert.is(await site.close(), 0);
});

test("where another gateway has members the floor rules, and no media of a duplex call crosses the trunk", async () => {
  const { site, clock, ann, ben } = await twoPhones("opus", "opus");
  await say(clock, ann, payloads(3));
  assert.not(site.events.some(({ type }) => type.startsWith("trunk")));
  site.role({ in: "controlling", peers: ["south"] });
  await clock.advance(200);
  ben.heard.length = 0;
  await say(clock, ann, payloads(3));
  assert.equal(ben.heard, []);
  assert.is(await site.close(), 0);
});

test("who may only listen is not heard in a duplex call either, and who is on hold hears nothing", async () => {
  const site = openSite({ opus, settings: { duplex: true } });
  const ann = await site.member("ann", { ...phone, mayTalk: false });
  const ben = await site.member("ben", phone);
  await say(site.clock, ann, payloads(3));
  await say(site.clock, ben, payloads(3));
  assert.equal([ann.heard.length, ben.heard.length], [3, 0]);
  site.reoffer("ann", ann, { direction: "sendonly" });
  await say(site.clock, ben, payloads(3));
  assert.is(ann.heard.length, 3);
  assert.is(await site.close(), 0);
});

test("who says that they send nothing is not heard, whatever they send", async () => {
  const { site, clock, ann, ben } = await twoPhones("opus", "opus");
  site.reoffer("ann", ann, { direction: "recvonly" });
  await say(clock, ann, payloads(3));
  await say(clock, ben, payloads(3));
  assert.equal([ann.heard.length, ben.heard.length], [3, 0]);
  assert.is(await site.close(), 0);
});

test("a telephone that changes its codec in a duplex call is heard and hears on", async () => {
  const scene = await twoPhones("opus", "opus");
  await converse(scene, 10);
  scene.site.reoffer("ben", scene.ben, { codec: "PCMU" });
  for (const each of [scene.ann, scene.ben]) each.heard.length = 0;
  await converse(scene);
  await hearsAll(scene.ann);
  await hearsAll(scene.ben);
  assert.is(await scene.site.close(), 0);
});

test.run();
