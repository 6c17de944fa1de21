/** Legs that speak SRTP: nothing of them is readable, and nothing is taken for theirs that is not. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { encodeFloor } from "../../../firmware/floor/message.ts";
import { writeRtpHeader } from "../../../firmware/media/rtp.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import type { Terminal } from "../../support/terminal.ts";
import { type MemberOptions, numbersOf, openSite, payloads, say, upTo } from "./site.ts";

const opus = await loadOpus();
const both = { srtp: "accepted", legSrtp: "offered" } as const;

/** Alice speaks SRTP; Bob as it is said. What crosses the wire to and from Alice's ports is kept. */
async function aliceAndBob(aliceOptions: MemberOptions = both, bobOptions: MemberOptions = {}) {
  const site = openSite({ opus });
  const wire: { readonly data: Uint8Array; readonly to: number }[] = [];
  const ports = new Set<number>();
  site.network.onDatagram(({ data, from, to }) => {
    if (ports.has(from.port) || ports.has(to.port)) wire.push({ data: Uint8Array.from(data), to: to.port });
  });
  const alice = await site.member("alice", aliceOptions);
  for (const offset of [0, 1]) ports.add(alice.local.port + offset);
  const bob = await site.member("bob", bobOptions);
  for (const each of [alice, bob]) each.news();
  const dropped = () => {
    const all = { forged: 0, replayed: 0, malformed: 0 };
    for (const event of site.events)
      if (event.type === "srtp-dropped")
        for (const reason of ["forged", "replayed", "malformed"] as const) all[reason] += event.drops[reason];
    return all;
  };
  return { site, clock: site.clock, alice, bob, wire, dropped };
}

type Site = Awaited<ReturnType<typeof aliceAndBob>>;

/** One burst of so many packets. */
async function burst({ clock }: Site, talker: Terminal, count: number, first = 0): Promise<void> {
  talker.press();
  await clock.advance(5);
  await say(clock, talker, payloads(count, first));
  talker.release();
  await clock.advance(200);
}

const holds = (data: Uint8Array, part: string | Uint8Array): boolean =>
  Buffer.from(data).includes(typeof part === "string" ? part : Buffer.from(part));

for (const suite of ["AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80"] as const)
  test(`both are heard, and neither speech, floor control nor reports are readable between (${suite})`, async () => {
    const all = await aliceAndBob({ ...both, suites: [suite] });
    const { site, alice, bob, wire, dropped } = all;
    await burst(all, alice, 5);
    await burst(all, bob, 5, 10);
    await site.clock.advance(20_000);
    assert.equal(numbersOf(bob), upTo(5));
    assert.equal(numbersOf(alice), upTo(15, 10));
    assert.equal(alice.news().slice(0, 2), ["granted", "idle"]);
    assert.ok(alice.reported.length > 2, "reports came");
    assert.ok(wire.length > 20);
    for (const { data } of wire)
      for (const readable of ["MCPT", "MCPC", "sip:", ...payloads(15)]) assert.not.ok(holds(data, readable));
    assert.equal(dropped(), { forged: 0, replayed: 0, malformed: 0 });
    assert.is(await site.close(), 0);
  });

test("two that speak SRTP hear each other, each by keys of its own", async () => {
  const all = await aliceAndBob(both, { ...both, suites: ["AES_CM_128_HMAC_SHA1_80"] });
  await burst(all, all.alice, 5);
  await burst(all, all.bob, 5, 10);
  assert.equal([numbersOf(all.bob), numbersOf(all.alice)], [upTo(5), upTo(15, 10)]);
  assert.is(await all.site.close(), 0);
});

test("plain packets from the terminal's own address neither take the floor nor are heard", async () => {
  const all = await aliceAndBob();
  const { site, clock, alice, bob, dropped } = all;
  alice.sendBareRtcp(encodeFloor({ type: "request" }, { ssrc: 5 }));
  await clock.advance(100);
  assert.equal(bob.news(), []);
  alice.press();
  await clock.advance(5);
  const packet = new Uint8Array(17);
  writeRtpHeader(packet, { ...alice.server(), marker: true, sequence: 1, timestamp: 1, ssrc: 5 });
  for (let count = 0; count < 3; count++) alice.sendRtp(packet);
  await say(clock, alice, payloads(2));
  assert.equal(numbersOf(bob), [0, 1]);
  await clock.advance(10_000);
  const { forged, malformed } = dropped();
  assert.is(forged + malformed, 4);
  assert.is(await site.close(), 0);
});

test("what is replayed or tampered with is dropped and counted, and the talker is heard on", async () => {
  const all = await aliceAndBob();
  const { site, clock, alice, bob, wire, dropped } = all;
  const server = alice.server().audio;
  alice.press();
  await clock.advance(5);
  await say(clock, alice, payloads(5));
  const spoken = wire.filter(({ to }) => to === server.port).map(({ data }) => data);
  assert.is(spoken.length, 5);
  for (const data of spoken) {
    site.network.forge(alice.local, server, data);
    const tampered = Uint8Array.from(data);
    tampered[14] = (tampered[14] ?? 0) ^ 1;
    // Of a number that is not there yet.
    tampered[3] = (tampered[3] ?? 0) ^ 0x40;
    site.network.forge(alice.local, server, tampered);
  }
  await clock.advance(5);
  await say(clock, alice, payloads(3, 5));
  assert.equal(numbersOf(bob), upTo(8));
  await clock.advance(10_000);
  assert.equal(dropped(), { forged: 5, replayed: 5, malformed: 0 });
  assert.is(await site.close(), 0);
});

test("a stranger's packets do not draw a secured leg to the stranger", async () => {
  const all = await aliceAndBob({ ...both, describedAs: "192.168.7.7" });
  const { site, clock, alice } = all;
  const stranger = await site.terminal();
  const packet = new Uint8Array(40).fill(7);
  writeRtpHeader(packet, { payloadType: 111, marker: true, sequence: 1, timestamp: 1, ssrc: 5 });
  site.network.forge(stranger.local, alice.server().audio, packet);
  await clock.advance(5);
  await burst(all, alice, 2);
  await burst(all, all.bob, 3, 10);
  assert.equal(numbersOf(alice), upTo(13, 10));
  assert.is(stranger.heard.length, 0);
  assert.is(await site.close(), 0);
});

test("a session that is secured is not talked out of it, and goes on after new keys, on hold and in another codec", async () => {
  const all = await aliceAndBob();
  const { site, alice, bob, dropped } = all;
  assert.is(site.reoffer("alice", alice, { srtp: "off" }), 488);
  const answer = site.reoffer("alice", alice, { srtp: "offered" });
  assert.match(`${answer}`, /m=audio \d+ RTP\/SAVP /);
  await burst(all, alice, 3);
  assert.is(typeof site.reoffer("alice", alice, { rekeyed: true }), "string");
  await burst(all, alice, 3, 10);
  await burst(all, bob, 3, 20);
  assert.equal(numbersOf(bob), [...upTo(3), ...upTo(13, 10)]);
  assert.equal(numbersOf(alice), upTo(23, 20));
  site.reoffer("alice", alice, { direction: "inactive" });
  site.reoffer("alice", alice, { direction: "sendrecv" });
  await burst(all, bob, 3, 30);
  assert.equal(numbersOf(alice).slice(3), upTo(33, 30));
  site.reoffer("alice", alice, { codec: "PCMU" });
  await burst(all, alice, 3);
  assert.equal(dropped(), { forged: 0, replayed: 0, malformed: 0 });
  assert.is(await site.close(), 0);
});

test("a plain session may become a secured one, and a leg without SRTP refuses it", async () => {
  const all = await aliceAndBob({ legSrtp: "accepted" });
  const { site, alice, bob } = all;
  await burst(all, alice, 2);
  assert.match(`${site.reoffer("alice", alice, { srtp: "offered" })}`, /RTP\/SAVP/);
  await burst(all, alice, 2, 10);
  assert.equal(numbersOf(bob), [0, 1, 10, 11]);
  assert.is(site.reoffer("bob", bob, { srtp: "offered" }), 488);
  assert.is(await site.close(), 0);
});

test.run();
