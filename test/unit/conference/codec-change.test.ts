import { test } from "uvu";
import * as assert from "uvu/assert";
import { sampleRates } from "../../../firmware/media/codec.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import type { Terminal } from "../../support/terminal.ts";
import { correlation, rms } from "../media/signals.ts";
import { openSite, upTo } from "./site.ts";
import { frames, heardBy, saidIn, speech } from "./sound.ts";

const opus = await loadOpus();
const half = frames / 2;

async function threeInBurst(talkerCodec: "opus" | "PCMU" = "opus") {
  const site = openSite({ opus });
  const talker = await site.member("talker", { codec: talkerCodec });
  const one = await site.member("one");
  const other = await site.member("other", { codec: "PCMA" });
  talker.press();
  await site.clock.advance(0);
  return { site, clock: site.clock, talker, one, other };
}

async function talk(terminal: Terminal, { clock }: Awaited<ReturnType<typeof threeInBurst>>, packets: Uint8Array[]) {
  for (const [index, payload] of packets.entries()) {
    terminal.speak(payload, { marker: index === 0 });
    await clock.advance(20);
  }
}

/** Numbered one by one, timed by the clock, of one source. */
function isContinuous({ heard }: Terminal, clockRate: number): boolean {
  const [first] = heard;
  if (!first) return false;
  return heard.every(
    ({ sequence, timestamp, ssrc, at }, index) =>
      ssrc === first.ssrc &&
      ((sequence - first.sequence) & 0xffff) === index &&
      Math.abs(((timestamp - first.timestamp) >>> 0) - ((at - first.at) * clockRate) / 1000) < 0.001 * clockRate,
  );
}

test("a listener that changes its codec in mid-burst hears the rest in it, and the others notice nothing", async () => {
  const scene = await threeInBurst();
  const { site, talker, one, other } = scene;
  const said = await speech("opus");
  await talk(talker, scene, said.slice(0, half));
  site.reoffer("one", one, { codec: "PCMU" });
  for (const payload of said.slice(half)) {
    talker.speak(payload);
    await scene.clock.advance(20);
  }
  assert.equal(
    one.heard.map(({ payloadType }) => payloadType),
    upTo(frames).map((index) => (index < half ? 111 : 0)),
  );
  const rest = one.heard.slice(half);
  assert.ok(rest[0]?.marker);
  assert.is(new Set(rest.map(({ ssrc }) => ssrc)).size, 1);
  const { value } = correlation(saidIn("PCMU").subarray(half * 160), await heardBy(one, rest), 160);
  assert.ok(value > 0.9, `correlation ${value}`);
  assert.is(other.heard.length, frames);
  assert.ok(isContinuous(other, 8_000));
  assert.is(await site.close(), 0);
});

test("between codecs of one clock the listener's stream is the same source, numbered and timed on", async () => {
  const scene = await threeInBurst();
  const { site, talker, other } = scene;
  const said = await speech("opus");
  await talk(talker, scene, said.slice(0, half));
  site.reoffer("other", other, { codec: "PCMU" });
  for (const payload of said.slice(half)) {
    talker.speak(payload);
    await scene.clock.advance(20);
  }
  assert.is(other.heard.length, frames);
  assert.ok(isContinuous(other, 8_000));
  assert.equal([...new Set(other.heard.map(({ payloadType }) => payloadType))], [8, 0]);
  assert.is(await site.close(), 0);
});

test("a listener that comes to the talker's own codec in mid-burst misses no number", async () => {
  const scene = await threeInBurst("PCMU");
  const { site, talker, other } = scene;
  const said = await speech("PCMU");
  await talk(talker, scene, said.slice(0, half));
  site.reoffer("other", other, { codec: "PCMU" });
  for (const payload of said.slice(half)) {
    talker.speak(payload);
    await scene.clock.advance(20);
  }
  assert.is(other.heard.length, frames);
  assert.ok(isContinuous(other, 8_000));
  assert.is(await site.close(), 0);
});

for (const [from, to] of [
  ["opus", "PCMU"],
  ["PCMU", "opus"],
] as const)
  test(`a talker that changes from ${from} to ${to} in mid-burst is heard on by everybody, in one stream each`, async () => {
    const scene = await threeInBurst(from);
    const { site, talker, one, other } = scene;
    await talk(talker, scene, (await speech(from)).slice(0, half));
    site.reoffer("talker", talker, { codec: to });
    await talk(talker, scene, (await speech(to)).slice(half));
    for (const listener of [one, other]) {
      const rate = sampleRates[listener.codec()];
      assert.is(listener.heard.length, frames);
      assert.ok(isContinuous(listener, rate), `${listener.codec()} is not continuous`);
      const heard = await heardBy(listener);
      assert.ok(rms(heard, (half + 2) * (rate / 50)) > 1_000, "the second half is heard as well");
      const { value } = correlation(
        saidIn(listener.codec()).subarray(0, half * (rate / 50)),
        heard.subarray(0, half * (rate / 50)),
        rate / 50,
      );
      assert.ok(value > 0.9, `correlation ${value}`);
    }
    assert.equal(talker.told.map(({ type }) => type).slice(1), ["granted"], "the floor is its own all the while");
    assert.is(await site.close(), 0);
  });

test("a codec that is offered again is kept, though another would be preferred", async () => {
  const site = openSite({ opus });
  const phone = await site.member("phone", { codec: "PCMU" });
  const offer = phone
    .offer()
    .replace("RTP/AVP 0", "RTP/AVP 111 0")
    .replace("a=rtpmap:0", "a=rtpmap:111 opus/48000/2\r\na=rtpmap:0");
  site.conference.receive({ type: "reoffer", leg: "phone", offer });
  const event = site.events.at(-1);
  assert.match(event?.type === "reanswer" && "sdp" in event ? event.sdp : "", /^m=audio \d+ RTP\/AVP 0\r$/m);
  assert.is(await site.close(), 0);
});

test.run();
