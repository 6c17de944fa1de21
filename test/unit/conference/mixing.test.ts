import { test } from "uvu";
import * as assert from "uvu/assert";
import { codecNames, openDecoder } from "../../../firmware/media/codec.ts";
import { speechIn } from "../../../firmware/media/packed-speech.ts";
import type { Opus } from "../../../hal/opus/port.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { largestStep, seeded } from "../media/signals.ts";
import { levels, lineIn, lineLevel, type Singer, sing, singer } from "./choir.ts";
import { countedOpus } from "./counted-opus.ts";
import { realmWith } from "./realm.ts";
import { openSite, type Site } from "./site.ts";
import { heardBy } from "./sound.ts";

const opus = await loadOpus();
const absent = -35;

/** So many telephones of these codecs in turn, 110 Hz apart. They have been silent for a while, as people are. */
async function choir(site: Site, count: number, codecs: readonly (typeof codecNames)[number][]): Promise<Singer[]> {
  const all: Singer[] = [];
  for (let index = 0; index < count; index++) {
    const codec = codecs[index % codecs.length] ?? "opus";
    all.push(await singer(site, `singer${index}`, 370 + 110 * index, { codec }));
  }
  await sing(site, all, [], 200);
  return all;
}

const mixingSite = (more = {}, port: Opus = opus): Site =>
  openSite({ opus: port, settings: { mixing: true, ...more } });

function everybodyHears(expected: readonly number[], found: readonly number[], tolerance: number, whom: string): void {
  for (const [index, level] of found.entries()) {
    const wanted = expected[index] ?? absent;
    const fits = wanted <= absent ? level < absent : Math.abs(level - wanted) < tolerance;
    assert.ok(fits, `${whom} hears ${index} at ${level} dB, expected ${wanted}`);
  }
}

/** Each hears all that sing at the level that they sing at, but for itself; nobody else is heard. */
async function hearEachOther(all: readonly Singer[], sing: readonly Singer[], tolerance: number): Promise<void> {
  for (const listener of all) {
    const expected = all.map((each) => (each !== listener && sing.includes(each) ? 0 : absent));
    everybodyHears(expected, await levels(listener, all), tolerance, `${listener.name} (${listener.terminal.codec()})`);
  }
}

for (const [name, codecs] of [
  ["PCMU", ["PCMU"]],
  ["G722", ["G722"]],
  ["opus", ["opus"]],
  ["every codec", codecNames],
] as const)
  test(`three of six telephones talk at once, in ${name}: each hears the others as loud as they are, and not itself`, async () => {
    const site = mixingSite();
    const all = await choir(site, 6, codecs);
    const loud = all.slice(0, 3);
    await sing(site, all, loud, 2_000);
    await hearEachOther(all, loud, 1);
    assert.is(await site.close(), 0);
  });

test("eight of twenty talk at once, and all of them are heard", async () => {
  const site = mixingSite();
  const all = await choir(site, 20, ["PCMU", "G722", "PCMA"]);
  await sing(site, all, all.slice(4, 12), 2_000);
  await hearEachOther(all, all.slice(4, 12), 1);
  assert.is(await site.close(), 0);
});

test("of twenty that talk at once the eight loudest are heard, and nothing is torn", async () => {
  const site = mixingSite();
  const all = await choir(site, 20, ["PCMU"]);
  await sing(site, all, all, 2_000);
  for (const listener of all) {
    const found = await levels(listener, all);
    assert.ok((found[all.indexOf(listener)] ?? 0) < absent, `${listener.name} hears itself`);
    const heard = found.filter((level) => level > -15).length;
    assert.ok(heard === 7 || heard === 8, `${listener.name} hears ${heard}`);
  }
  assert.is(await site.close(), 0);
});

test("voices that add up to more than full scale are turned down, not cut", async () => {
  const site = mixingSite();
  const all = await choir(site, 9, ["PCMU"]);
  for (const each of all) {
    const next = each.next;
    // Six times as loud: mu-law steps of 8 dB down, as near as code words go.
    each.next = (sings) => next(sings).map((code) => (sings ? (code & 0x80) | Math.max(0, (code & 0x7f) - 40) : code));
  }
  const [listener] = all.splice(0, 1);
  if (!listener) throw new Error("nobody listens");
  await sing(site, [listener, ...all], all, 2_000);
  const found = await levels(listener, all);
  assert.ok(Math.max(...found) - Math.min(...found) < 3, `they keep their balance: ${found}`);
  const [between] = await levels(listener, [{ ...listener, hertz: 2 * 370 + 55 }]);
  assert.ok((between ?? 0) < -25, `nothing new between them: ${between} dB`);
  assert.is(await site.close(), 0);
});

test("a talker that loses one packet in twenty is heard on, and disturbs nobody", async () => {
  const site = mixingSite();
  const all = await choir(site, 4, ["G722", "opus", "PCMU"]);
  const [lossy, other] = all;
  if (!lossy || !other) throw new Error("too few");
  const random = seeded(5);
  await sing(site, all, [lossy, other], 3_000, (each) => each === lossy && random() < 0.05);
  for (const listener of all.slice(2)) {
    const [one = absent, two = absent] = await levels(listener, [lossy, other]);
    assert.ok(Math.abs(one) < 1.5 && Math.abs(two) < 1, `${listener.name}: ${one} and ${two} dB`);
  }
  assert.is(await site.close(), 0);
});

test("those who only listen share one encoding, each talker has its own, and nobody's silence costs anything", async () => {
  const { count, counting } = countedOpus(opus);
  const site = mixingSite({}, counting);
  const all = await choir(site, 20, ["opus"]);
  const idle = site.clock.pending();
  // Of the tones that a telephone may be told by.
  assert.equal([count.decoded, count.open], [0, 0]);
  // What was kept of their first words is caught up with by then.
  await sing(site, all, all.slice(0, 3), 3_000);
  Object.assign(count, { encoded: 0, decoded: 0 });
  await sing(site, all, all.slice(0, 3), 1_000);
  assert.equal([count.encoded, count.decoded], [4 * 50, 3 * 50], "three mixes of two voices, and one of three");
  assert.is(site.clock.pending(), idle + 1, "the grid");
  await sing(site, all, [], 1_200);
  Object.assign(count, { encoded: 0, decoded: 0 });
  await sing(site, all, [], 1_000);
  assert.equal([count.encoded, count.decoded], [0, 0]);
  await site.clock.advance(10_000);
  assert.is(count.open, 0);
  assert.is(site.clock.pending(), idle);
  await sing(site, all, all.slice(5, 6), 3_000);
  Object.assign(count, { encoded: 0, decoded: 0 });
  await sing(site, all, all.slice(5, 6), 1_000);
  assert.equal([count.encoded, count.decoded], [50, 50], "a talker alone has nobody to hear");
  assert.is(await site.close(), 0);
  assert.is(count.open, 0);
});

test("when the last member leaves in mid-word, nothing is left running, and it is over", async () => {
  const { count, counting } = countedOpus(opus);
  const site = mixingSite({}, counting);
  const idle = site.clock.pending();
  const all = [];
  for (const hertz of [500, 900]) all.push(await singer(site, `${hertz}`, hertz, { reports: false }));
  await sing(site, all, all, 1_000);
  site.news();
  for (const { name } of all) site.conference.receive({ type: "release", leg: name });
  // Their last words are under way.
  await site.clock.advance(0);
  assert.is(site.clock.pending(), idle);
  assert.is(count.open, 0);
  assert.equal(site.news(), ["floor", "unbridged"]);
  const late = await choir(site, 2, ["opus"]);
  await sing(site, late, late, 1_500);
  await hearEachOther(late, late, 1);
  assert.is(await site.close(), 0);
});

test("as talkers come and go, and members join and leave, each stream goes on without a gap or a click", async () => {
  const site = mixingSite();
  const all = await choir(site, 5, ["PCMU"]);
  const [one, two, three, four] = all;
  if (!one || !two || !three || !four) throw new Error("too few");
  await sing(site, all, [one], 600);
  await sing(site, all, [one, two], 500);
  await sing(site, all, [two, four], 1_500);
  site.conference.receive({ type: "release", leg: two.name });
  await sing(site, all, [four], 500);
  const late = await singer(site, "late", 3_000, { codec: "PCMU" });
  await sing(site, [...all, late], [four], 500);
  for (const { terminal, name } of [one, three, four, late]) {
    const numbers = terminal.heard.map(({ sequence }) => (sequence - (terminal.heard[0]?.sequence ?? 0)) & 0xffff);
    assert.equal(numbers, [...numbers.keys()], `${name}: no packet is missing`);
    const step = largestStep(await heardBy(terminal));
    assert.ok(step < 4_500, `${name}: a step of ${step}`);
  }
  assert.ok(late.terminal.heard.length > 20, "it comes into what is being said");
  assert.is(await site.close(), 0);
});

test("a telephone that changes its codec is heard and hears on", async () => {
  const site = mixingSite();
  const all = await choir(site, 3, ["opus"]);
  const [one, two] = all;
  if (!one || !two) throw new Error("too few");
  await sing(site, all, [one, two], 1_000);
  site.reoffer(two.name, two.terminal, { codec: "PCMU" });
  const changed = await singer(openSite({ opus }), "elsewhere", two.hertz, { codec: "PCMU" });
  two.next = changed.next;
  for (const { terminal } of all) terminal.heard.length = 0;
  await sing(site, all, [], 300);
  await sing(site, all, [one, two], 1_700);
  await hearEachOther(all, [one, two], 1);
  assert.is(await site.close(), 0);
});

test("who may only listen is not heard, and who is on hold neither speaks nor hears", async () => {
  const site = mixingSite();
  const muted = await singer(site, "muted", 500, { codec: "PCMU", mayTalk: false });
  const [held, other] = await choir(site, 2, ["PCMU"]);
  if (!held || !other) throw new Error("too few");
  site.reoffer(held.name, held.terminal, { direction: "inactive" });
  const all = [muted, held, other];
  await sing(site, all, all, 1_500);
  assert.equal([other.terminal.heard.length, held.terminal.heard.length], [0, 0]);
  everybodyHears([absent, absent, 0], await levels(muted, all), 1, "muted");
  assert.is(await site.close(), 0);
});

test("the music of who holds the session is not heard, and who comes back is", async () => {
  const site = mixingSite();
  const [held, other] = await choir(site, 2, ["PCMU"]);
  const keyed = await singer(site, "keyed", 700, { floor: true });
  if (!held || !other) throw new Error("too few");
  const all = [held, other, keyed];
  keyed.terminal.press();
  await site.clock.advance(20);
  for (const { name, terminal } of [held, keyed]) site.reoffer(name, terminal, { direction: "sendonly" });
  await site.clock.advance(20);
  assert.equal(keyed.terminal.news().slice(-2), ["revoke", "idle"]);
  await sing(site, all, [held, keyed], 1_500);
  assert.is(other.terminal.heard.length, 0);
  site.reoffer(held.name, held.terminal, { direction: "sendrecv" });
  await sing(site, all, [held], 1_500);
  everybodyHears([0, absent, absent], await levels(other, all), 1, "other");
  assert.is(await site.close(), 0);
});

test("what is said at three gateways is heard at all of them, once, and never comes back", async () => {
  const sites = await realmWith({ mixing: true }, "south", "north", "west");
  const all: Singer[] = [];
  for (const [index, name] of ["south", "north", "west"].entries())
    for (const each of [0, 1])
      all.push(await singer(sites.site(name), `${name}${each}`, 400 + 230 * (2 * index + each), { codec: "PCMU" }));
  const singing = all.filter((_, index) => index !== 1);
  for (let at = 0; at < 2_500; at += 20) {
    for (const each of all) each.terminal.speak(each.next(at > 300 && singing.includes(each)));
    await sites.clock.advance(20);
  }
  await hearEachOther(all, singing, 1.5);
  const shown = sites.site("west").events.findLast(({ type }) => type === "floor");
  assert.ok(shown?.type === "floor" && shown.talker?.startsWith("sip:"), "a person is shown, not a gateway");
  assert.is(await sites.close(), 0);
});

test("what is said is recorded as it is heard, in one burst from the first talker to the last, whatever codecs there are", async () => {
  const site = mixingSite({ record: true });
  const all = await choir(site, 3, ["PCMU"]);
  await sing(site, all, all.slice(0, 1), 1_000);
  await sing(site, all, all.slice(0, 2), 1_500);
  await sing(site, all, [], 2_000);
  const pieces = site.events.flatMap((event) => (event.type === "spoken" ? [event] : []));
  assert.equal([...new Set(pieces.map(({ burst, talker }) => `${burst} ${talker}`))], ["1 sip:singer0@example.org"]);
  assert.is(pieces.at(-1)?.end, "complete");
  const decoder = await openDecoder(opus, "opus");
  const sound = new Int16Array(10 * 48_000);
  let end = 0;
  for (const { speech } of pieces)
    for (const { position, payload } of speechIn(speech))
      end = position + decoder.decode(payload, sound.subarray(position, position + 5_760));
  // The last second of what was sung by both ends a hang time before the recording.
  const both = sound.subarray(0, end - 48_000);
  for (const { hertz } of all.slice(0, 2)) {
    const level = 20 * Math.log10(lineIn(both, hertz, 48_000) / lineLevel);
    assert.ok(Math.abs(level) < 1.5, `${hertz} Hz at ${level} dB`);
  }
  decoder.close();
  assert.is(await site.close(), 0);
});

test("a telephone that takes the floor by voice is heard, from the first word", async () => {
  const site = mixingSite();
  const all = await choir(site, 2, ["PCMU"]);
  const voiced = await singer(site, "voiced", 2_000, {
    codec: "PCMU",
    telephone: { voice: { hangMs: 1_000, thresholdDb: 12 } },
  });
  await sing(site, [...all, voiced], [], 300);
  await sing(site, [...all, voiced], [voiced, ...all.slice(0, 1)], 2_000);
  await hearEachOther([...all, voiced], [voiced, ...all.slice(0, 1)], 1);
  assert.is(await site.close(), 0);
});

test.run();
