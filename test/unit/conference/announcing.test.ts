import { test } from "uvu";
import * as assert from "uvu/assert";
import { clockRates } from "../../../firmware/media/codec.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import type { Terminal } from "../../support/terminal.ts";
import { amplitude } from "../panel/bench.ts";
import { numbersOf, openSite, payloads, type Site, say, upTo } from "./site.ts";
import { heardBy } from "./sound.ts";

const opus = await loadOpus();
const announced = { opus, settings: { record: true, announce: true } } as const;

/** What a terminal has heard since it was last asked, as a count of packets and the level of the tone in them. */
async function news(terminal: Terminal): Promise<{ packets: number; tone: number }> {
  const sound = await heardBy(terminal);
  const packets = terminal.heard.splice(0).length;
  return { packets, tone: sound.length === 0 ? 0 : amplitude(sound, (1_400 * 48_000) / clockRates[terminal.codec()]) };
}

async function talk(site: Site, talker: Terminal, first: number): Promise<void> {
  talker.press();
  await site.clock.advance(20);
  await say(site.clock, talker, payloads(10, first));
  talker.release();
  await site.clock.advance(100);
}

for (const codec of ["opus", "PCMU"] as const)
  test(`who comes into a recorded talkgroup by ${codec} hears so, alone`, async () => {
    const site = openSite(announced);
    const alice = await site.member("alice", { codec });
    await site.clock.advance(1_000);
    const first = await news(alice);
    assert.ok(first.packets >= 10 && first.tone > 2_000, JSON.stringify(first));
    const bob = await site.member("bob");
    await site.clock.advance(1_000);
    assert.ok((await news(bob)).tone > 2_000);
    assert.equal(await news(alice), { packets: 0, tone: 0 });
    assert.is(await site.close(), 0);
  });

test("behind a burst everybody hears so, not more often than every 15 s, and never in place of speech", async () => {
  const site = openSite(announced);
  const alice = await site.member("alice");
  const bob = await site.member("bob");
  await site.clock.advance(1_000);
  for (const terminal of [alice, bob]) terminal.heard.splice(0);
  await talk(site, alice, 0);
  assert.equal(numbersOf(bob), upTo(10));
  bob.heard.splice(0);
  await site.clock.advance(1_000);
  for (const terminal of [alice, bob]) assert.ok((await news(terminal)).tone > 2_000);
  await talk(site, bob, 20);
  await site.clock.advance(1_000);
  assert.equal([numbersOf(alice), bob.heard.length], [upTo(30, 20), 0], "it was said a moment ago");
  alice.heard.splice(0);
  await site.clock.advance(15_000);
  await talk(site, bob, 40);
  alice.heard.splice(0);
  await site.clock.advance(1_000);
  assert.ok((await news(alice)).tone > 2_000);
  assert.is(await site.close(), 0);
});

test("who talks while the tone sounds is heard from the first word on, under the tone and then alone", async () => {
  const site = openSite(announced);
  const alice = await site.member("alice");
  const bob = await site.member("bob");
  await site.clock.advance(1_000);
  await talk(site, alice, 0);
  await site.clock.advance(200);
  assert.ok(bob.heard.length > 10, "it sounds");
  alice.press();
  await site.clock.advance(0);
  const before = bob.heard.length;
  await say(site.clock, alice, payloads(40, 50));
  assert.is(bob.heard.length - before, 40, "each packet, with the tone over it or as it was");
  assert.equal(numbersOf(bob).slice(-20), upTo(90, 70));
  assert.is(await site.close(), 0);
});

test("who comes into a burst hears it, and the tone behind it", async () => {
  const site = openSite(announced);
  const alice = await site.member("alice");
  await site.member("bob");
  await site.clock.advance(1_000);
  alice.press();
  await site.clock.advance(20);
  await say(site.clock, alice, payloads(5));
  const carol = await site.member("carol");
  await say(site.clock, alice, payloads(5, 5));
  assert.equal(numbersOf(carol), upTo(10, 5));
  carol.heard.splice(0);
  alice.release();
  await site.clock.advance(1_000);
  assert.ok((await news(carol)).tone > 2_000);
  assert.is(await site.close(), 0);
});

test("a talkgroup that is recorded in silence says nothing", async () => {
  const site = openSite({ opus, settings: { record: true } });
  const alice = await site.member("alice");
  const bob = await site.member("bob");
  await talk(site, alice, 0);
  await site.clock.advance(2_000);
  assert.equal([alice.heard.length, numbersOf(bob)], [0, upTo(10)]);
  assert.is(await site.close(), 0);
});

test.run();
