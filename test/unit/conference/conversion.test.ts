import { test } from "uvu";
import * as assert from "uvu/assert";
import { sampleRates } from "../../../firmware/media/codec.ts";
import type { Opus } from "../../../hal/opus/port.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import type { Terminal } from "../../support/terminal.ts";
import { correlation } from "../media/signals.ts";
import { countedOpus } from "./counted-opus.ts";
import { openSite, type Site, say, upTo } from "./site.ts";
import { frames, heardBy, saidIn, speech } from "./sound.ts";

const opus = await loadOpus();
async function press(site: Site, terminal: Terminal): Promise<void> {
  terminal.press();
  await site.clock.advance(0);
}

for (const [from, to] of [
  ["opus", "PCMU"],
  ["opus", "PCMA"],
  ["PCMU", "opus"],
  ["PCMA", "PCMU"],
  ["opus", "G722"],
  ["G722", "opus"],
  ["G722", "PCMA"],
] as const)
  test(`${to} terminals hear an ${from} talker, from the first word to the last`, async () => {
    const site = openSite({ opus });
    const talker = await site.member("talker", { codec: from });
    const one = await site.member("one", { codec: to });
    const other = await site.member("other", { codec: to });
    await press(site, talker);
    await say(site.clock, talker, await speech(from));
    for (const listener of [one, other]) {
      assert.is(listener.heard.length, frames, "a packet for a packet");
      assert.equal([...new Set(listener.heard.map(({ payloadType }) => payloadType))].length, 1);
      assert.equal(
        listener.heard.map(({ marker }) => marker),
        upTo(frames).map((index) => index === 0),
      );
      const heard = await heardBy(listener);
      const { value, lag } = correlation(saidIn(to), heard, sampleRates[to] / 50);
      assert.ok(value > 0.95, `correlation ${value}`);
      assert.ok(lag <= (sampleRates[to] * 17) / 1000, `${lag} samples late`);
    }
    assert.is(await site.close(), 0);
  });

test("a burst is transcoded once a codec, however many listen, and not at all where nobody needs it", async () => {
  const { count, counting } = countedOpus(opus);
  const site = openSite({ opus: counting });
  const alice = await site.member("alice");
  await site.member("bob");
  await press(site, alice);
  await say(site.clock, alice, (await speech("opus")).slice(0, 5));
  assert.is(count.opened, 0);
  alice.release();
  const phones = [];
  for (const name of ["one", "two", "three"]) phones.push(await site.member(name, { codec: "PCMU" }));
  await site.member("four", { codec: "PCMA" });
  await press(site, alice);
  await say(site.clock, alice, (await speech("opus")).slice(0, 5));
  assert.is(count.opened, 2, "a decoder for PCMU, one for PCMA");
  for (const phone of phones) assert.is(phone.heard.length, 5);
  alice.release();
  const [phone] = phones;
  if (!phone) throw new Error("no phone");
  await press(site, phone);
  await say(site.clock, phone, (await speech("PCMU")).slice(0, 5));
  assert.is(count.opened, 3, "and an encoder");
  assert.is(count.open, 1, "what a burst needed is closed");
  for (const name of ["one", "two", "three", "four"]) site.conference.receive({ type: "release", leg: name });
  await press(site, alice);
  await say(site.clock, alice, (await speech("opus")).slice(0, 5));
  assert.is(count.opened, 3, "nobody listens in another codec any more");
  assert.is(await site.close(), 0);
  assert.is(count.open, 0);
});

test("codecs that open slowly cost no word", async () => {
  const { count, counting } = countedOpus(opus);
  const slow: Opus = {
    ...counting,
    decoder: () => new Promise((resolve) => site.clock.after(90, () => resolve(counting.decoder()))),
  };
  const site = openSite({ opus: slow });
  const alice = await site.member("alice");
  const phone = await site.member("phone", { codec: "PCMA" });
  await press(site, alice);
  await say(site.clock, alice, await speech("opus"));
  assert.is(phone.heard.length, frames);
  const { value } = correlation(saidIn("PCMU"), await heardBy(phone), 160);
  assert.ok(value > 0.95, `correlation ${value}`);
  alice.release();
  await site.clock.advance(500);
  await press(site, alice);
  await say(site.clock, alice, (await speech("opus")).slice(0, 2));
  await site.close();
  await site.clock.advance(100);
  assert.equal([count.opened, count.open], [2, 0], "what opened too late is closed");
  assert.is(site.clock.pending(), 0);
});

test("losses are made up, and a pause of the talker is a pause", async () => {
  const site = openSite({ opus });
  const alice = await site.member("alice");
  const phone = await site.member("phone", { codec: "PCMU" });
  await press(site, alice);
  for (const [index, payload] of (await speech("opus")).entries()) {
    if (index === 20) alice.skip(3, 60);
    if (index === 30) {
      // Duplicated, and out of order: it has been made up for.
      alice.skip(-2, -40);
      alice.speak(payload);
      alice.skip(1, 20);
    }
    // No packets are numbered in silence (RFC 3551 §4.1).
    if (index === 40) alice.skip(0, 800);
    await say(site.clock, alice, [payload]);
  }
  const first = phone.heard[0]?.timestamp ?? 0;
  assert.equal(
    phone.heard.map(({ timestamp }) => ((timestamp - first) >>> 0) / 160),
    [...upTo(43), ...upTo(63 + 40, 43 + 40)],
  );
  assert.equal(
    phone.heard.map(({ sequence }) => (sequence - (phone.heard[0]?.sequence ?? 0)) & 0xffff),
    upTo(63),
  );
  assert.is(await site.close(), 0);
});

test("a burst of 250 lost packets and a talker that starts its numbers afresh do not tear the listener's time", async () => {
  const site = openSite({ opus });
  const phone = await site.member("phone", { codec: "PCMU" });
  const alice = await site.member("alice");
  const packets = await speech("opus");
  await press(site, alice);
  await say(site.clock, alice, packets.slice(0, 10));
  alice.skip(250, 5_000);
  await say(site.clock, alice, packets.slice(10, 20));
  alice.skip(20_000, -400_000);
  await say(site.clock, alice, packets.slice(20, 30));
  const first = phone.heard[0]?.timestamp ?? 0;
  assert.equal(
    phone.heard.map(({ timestamp }) => ((timestamp - first) >>> 0) / 160),
    [...upTo(10), ...upTo(280, 260)],
  );
  assert.equal(
    upTo(30).filter((index) => phone.heard[index]?.marker),
    [0, 10, 20],
    "the first of all, and the first after each leap",
  );
  assert.is(await site.close(), 0);
});

test("a phone that sends packets of 10, 30 or 60 ms is heard in frames of 20 ms", async () => {
  const site = openSite({ opus });
  const phone = await site.member("phone", { codec: "PCMU" });
  const alice = await site.member("alice");
  const said = Uint8Array.from((await speech("PCMU")).flatMap((payload) => [...payload]));
  for (const ms of [10, 30, 60]) {
    await press(site, phone);
    alice.heard.length = 0;
    for (let at = 0; at < said.length; at += ms * 8) {
      phone.speak(said.subarray(at, at + ms * 8), { marker: at === 0, ms });
      await site.clock.advance(ms);
    }
    assert.is(alice.heard.length, frames);
    const { value } = correlation(saidIn("opus"), await heardBy(alice), 960);
    assert.ok(value > 0.95, `packets of ${ms} ms: correlation ${value}`);
    phone.release();
    await site.clock.advance(500);
  }
  assert.is(await site.close(), 0);
});

test.run();
