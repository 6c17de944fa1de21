import { test } from "uvu";
import * as assert from "uvu/assert";
import type { TelephoneOptions } from "../../../firmware/conference/protocol.ts";
import { type CodecName, sampleRates } from "../../../firmware/media/codec.ts";
import { packSpeech } from "../../../firmware/media/packed-speech.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import type { Terminal } from "../../support/terminal.ts";
import { correlation } from "../media/signals.ts";
import { northAndSouth } from "./realm.ts";
import { type MemberOptions, openSite, payloads, say, upTo } from "./site.ts";
import { heardBy, saidIn, speech as spoken } from "./sound.ts";
import { mouth } from "./voiced.ts";

const opus = await loadOpus();

const last = new WeakMap<Terminal, string>();
/** The turns that a terminal was told of since it was last asked: each once, however often it was said. */
const turns = (terminal: Terminal): string[] =>
  terminal.news().filter((type) => {
    const isNew = type !== last.get(terminal);
    last.set(terminal, type);
    return isNew && type !== "granted";
  });

/** The most that any 20 ms have of a frequency, as an amplitude; at 8 kHz. */
function loudest(sound: Int16Array, hertz: number): number {
  let most = 0;
  for (let at = 0; at + 160 <= sound.length; at += 160) {
    let [sine, cosine] = [0, 0];
    for (let index = 0; index < 160; index++) {
      sine += (sound[at + index] ?? 0) * Math.sin((2 * Math.PI * hertz * index) / 8_000);
      cosine += (sound[at + index] ?? 0) * Math.cos((2 * Math.PI * hertz * index) / 8_000);
    }
    most = Math.max(most, Math.hypot(sine, cosine) / 80);
  }
  return most;
}

const voice: TelephoneOptions = { voice: { thresholdDb: 12, hangMs: 800 } };

async function withPhone(change: MemberOptions = {}, settings = {}) {
  const site = openSite({ opus, settings });
  const alice = await site.member("alice", { codec: change.codec ?? "PCMU" });
  const options = { floor: false, codec: "PCMU", telephone: voice, ...change } as const;
  const phone = await site.member("phone", options);
  const user = await mouth(site.clock, phone, options.codec);
  await user.hush(600);
  turns(alice);
  site.news();
  return { site, clock: site.clock, alice, phone, user };
}

for (const codec of ["PCMU", "PCMA", "G722", "opus"] as const satisfies readonly CodecName[])
  test(`who speaks into a telephone of ${codec} is heard from the first syllable to the last, and unkeys by silence`, async () => {
    const { site, clock, alice, user } = await withPhone({ codec });
    await user.speak(1_200);
    assert.equal(turns(alice), ["taken"]);
    await user.hush(700);
    assert.equal(turns(alice), []);
    await user.hush(300);
    assert.equal(turns(alice), ["idle"]);
    const rate = sampleRates[codec];
    const heard = await heardBy(alice);
    const { value, lag } = correlation(saidIn(codec), heard, rate / 2);
    assert.ok(value > 0.95, `likeness ${value}`);
    assert.ok(lag >= 0, "the beginning is there");
    assert.equal(
      alice.heard.map(({ sequence }) => (sequence - (alice.heard[0]?.sequence ?? 0)) & 0xffff),
      upTo(alice.heard.length),
      "no hole",
    );
    assert.ok(alice.heard[0]?.marker);
    await clock.advance(200);
    assert.is(await site.close(), 0);
  });

test("it hears no tone when it keys up, and one when it has unkeyed, which it does not take for its user", async () => {
  const { site, phone, user, alice } = await withPhone();
  await user.speak(1_000);
  assert.equal(phone.heard, []);
  await user.hush(1_000);
  const tone = await heardBy(phone);
  assert.ok(loudest(tone, 780) > 3_000 && tone.length / 8 <= 120, `${tone.length / 8} ms`);
  // Its microphone hears the tone.
  await user.sound(Int16Array.from({ length: 1_600 }, (_, at) => 600 * Math.sin((2 * Math.PI * 780 * at) / 8_000)));
  await user.hush(1_000);
  assert.equal(turns(alice), ["taken", "idle"]);
  assert.is(await site.close(), 0);
});

test("a pause between words does not unkey, a knock does not key", async () => {
  const { site, alice, user } = await withPhone();
  await user.sound(Int16Array.from({ length: 160 }, () => 9_000));
  await user.hush(1_000);
  assert.equal(turns(alice), []);
  for (let words = 0; words < 3; words++) {
    await user.speak(400);
    await user.hush(600);
  }
  assert.equal(turns(alice), ["taken"]);
  await user.hush(400);
  assert.equal(turns(alice), ["idle"]);
  assert.is(await site.close(), 0);
});

test("whoever speaks while another talks hears once that it is not their turn, and asks again after a pause", async () => {
  const { site, clock, alice, phone, user } = await withPhone();
  alice.press();
  await clock.advance(20);
  turns(alice);
  await user.speak(1_200);
  const tone = await heardBy(phone);
  assert.ok(loudest(tone, 330) > 3_000, "deny");
  assert.ok(tone.length / 8 < 500, `${tone.length / 8} ms: one tone`);
  alice.release();
  await user.speak(600);
  assert.equal(turns(alice), ["idle"], "still the same sentence");
  await user.hush(900);
  await user.speak(600);
  assert.equal(turns(alice), ["taken"]);
  assert.is(await site.close(), 0);
});

test("what it hears of the others does not key, who talks it down does: by priority, the floor is the phone's", async () => {
  const { site, clock, alice, user } = await withPhone({ priority: 9 });
  alice.press();
  await clock.advance(20);
  turns(alice);
  await user.speak(1_000, 0.06);
  assert.equal(turns(alice), [], "an echo of the burst");
  await user.speak(1_000);
  assert.ok(turns(alice).includes("revoke"), "the user");
  assert.is(await site.close(), 0);
});

test("an echo lasts a little longer than what it is of", async () => {
  const { site, clock, alice, user } = await withPhone();
  alice.press();
  await clock.advance(20);
  await user.hush(500);
  alice.release();
  await clock.advance(20);
  turns(alice);
  await user.speak(300, 0.06);
  assert.equal(turns(alice), []);
  await user.hush(400);
  await user.speak(300, 0.06);
  assert.equal(turns(alice), ["taken"], "the same loudness, when all is quiet");
  assert.is(await site.close(), 0);
});

test("neither a recording nor a tone that no floor message tells of keys by its echo, who talks it down does", async () => {
  const { site, clock, alice, phone, user } = await withPhone({}, { record: true, announce: true });
  const speech = packSpeech((await spoken("opus")).map((payload, index) => ({ position: index * 960, payload })));
  site.conference.receive({ type: "replay", leg: "phone", speech });
  await user.speak(1_000, 0.06);
  assert.equal(turns(alice), [], "an echo of the recording");
  await user.speak(600);
  assert.equal(turns(alice), ["taken"], "the user");
  await user.hush(1_000);
  await clock.advance(250);
  phone.heard.length = 0;
  turns(alice);
  site.conference.receive({ type: "tone", leg: "phone", tone: "confirm" });
  await user.speak(300, 0.06);
  assert.equal(turns(alice), [], "an echo of the tone");
  assert.ok(phone.heard.length > 3);
  assert.is(await site.close(), 0);
});

test("it is warned before a burst is cut, as other telephones are", async () => {
  const { site, phone, user } = await withPhone({}, { talkMs: 3_000, talkWarningMs: 1_000 });
  await user.speak(1_200);
  await user.speak(700);
  assert.equal(phone.heard, [], "no tone as long as there is time");
  await user.speak(800);
  const warned = await heardBy(phone);
  const other = openSite({ opus, settings: { talkMs: 3_000, talkWarningMs: 1_000 } });
  const pressed = await other.member("pressed", { floor: false, codec: "PCMU" });
  other.key("pressed", "*");
  await say(
    other.clock,
    pressed,
    Array.from({ length: 90 }, () => new Uint8Array(160).fill(0xff)),
  );
  pressed.heard.length = 0;
  await say(
    other.clock,
    pressed,
    Array.from({ length: 45 }, () => new Uint8Array(160).fill(0xff)),
  );
  assert.equal(warned, await heardBy(pressed));
  await site.clock.advance(1_000);
  assert.equal([await site.close(), await other.close()], [0, 0]);
});

test("its user may press keys all the same: * is as good as a word, # ends it at once", async () => {
  const { site, clock, alice, phone, user } = await withPhone({ keys: true });
  phone.dial("*");
  await user.hush(400);
  assert.equal(turns(alice), ["taken"]);
  await user.hush(600);
  assert.equal(turns(alice), ["idle"]);
  await user.speak(500);
  phone.dial("#");
  await clock.advance(1);
  assert.equal(turns(alice), ["taken", "idle"]);
  assert.is(await site.close(), 0);
});

test("who floods its leg is not listened to packet by packet, and is heard as any other", async () => {
  let decoded = 0;
  const counting: typeof opus = {
    ...opus,
    async decoder() {
      const decoder = await opus.decoder();
      return {
        ...decoder,
        decode(...packet) {
          decoded += 1;
          return decoder.decode(...packet);
        },
      };
    },
  };
  const site = openSite({ opus: counting });
  const phone = await site.member("phone", { floor: false, telephone: voice });
  await say(site.clock, phone, payloads(2));
  decoded = 0;
  for (let ms = 0; ms < 1_000; ms++) {
    for (const payload of payloads(10)) phone.speak(payload);
    await site.clock.advance(1);
  }
  assert.ok(decoded > 100 && decoded <= 240, `${decoded} packets a second`);
  assert.is(await site.close(), 0);
});

test("a burst that is too long is cut, and the same breath does not go on in another", async () => {
  const { site, clock, alice, phone, user } = await withPhone({}, { talkMs: 2_000, graceMs: 500 });
  for (let seconds = 0; seconds < 6; seconds++) await user.speak(1_000);
  assert.equal(turns(alice), ["taken", "idle"]);
  assert.ok(loudest(await heardBy(phone), 620) > 3_000, "revoke");
  await user.hush(1_000);
  await user.speak(500);
  assert.equal(turns(alice), ["taken"]);
  await clock.advance(5_000);
  assert.is(await site.close(), 0);
});

test("a telephone that falls silent on the network unkeys: silence that is not sent is silence", async () => {
  const { site, clock, alice, user } = await withPhone();
  await user.speak(500);
  await clock.advance(900);
  assert.equal(turns(alice), ["taken", "idle"]);
  assert.is(await site.close(), 0);
});

test("a telephone on hold, its music and what listens only, keys nothing", async () => {
  const { site, clock, alice, phone, user } = await withPhone();
  await user.speak(300);
  site.reoffer("phone", phone, { direction: "sendonly" });
  await clock.advance(20);
  assert.equal(turns(alice), ["taken", "idle"]);
  for (let seconds = 0; seconds < 3; seconds++) await user.speak(1_000);
  assert.equal(turns(alice), []);
  site.reoffer("phone", phone, { direction: "sendrecv" });
  await user.hush(2_200);
  await user.speak(300);
  assert.equal(turns(alice), ["taken"]);
  const deaf = await site.member("deaf", { floor: false, codec: "PCMU", telephone: voice, mayTalk: false });
  const deafs = await mouth(clock, deaf, "PCMU");
  await deafs.hush(500);
  await clock.advance(2_000);
  deaf.heard.length = 0;
  turns(alice);
  await deafs.speak(1_000);
  assert.equal([turns(alice), deaf.heard], [[], []]);
  assert.is(await site.close(), 0);
});

test("a terminal with floor control is not keyed by voice, whatever its account says", async () => {
  const { site, alice, phone, user } = await withPhone({ floor: true });
  phone.news();
  await user.speak(1_000);
  assert.equal([turns(alice), phone.news().filter((type) => type === "granted")], [[], []]);
  assert.is(await site.close(), 0);
});

test("it may change its codec in mid-sentence, and its call", async () => {
  const { site, clock, alice, phone, user } = await withPhone();
  await user.speak(500);
  site.reoffer("phone", phone, { codec: "PCMA" });
  const other = await mouth(clock, phone, "PCMA");
  await other.hush(500);
  await other.speak(500);
  await other.hush(1_000);
  assert.equal(turns(alice), ["taken", "idle"]);
  await other.speak(300);
  assert.equal(turns(alice), ["taken"]);
  site.talkgroup({ name: "other" });
  site.move("phone", "other");
  await clock.advance(20);
  assert.equal(turns(alice), ["idle"]);
  await other.hush(1_000);
  await other.speak(300);
  const talks = site.events.findLast(({ type }) => type === "floor");
  assert.equal(talks, { type: "floor", talkgroup: "other", talker: "sip:phone@example.org" });
  assert.is(await site.close(), 0);
});

test("two telephones in a private call hear each other all the time, and neither keys", async () => {
  const site = openSite({ opus, settings: { scope: "gateway", duplex: true } });
  const options = { floor: false, codec: "PCMU", telephone: voice } as const;
  const one = await site.member("one", options);
  const two = await site.member("two", options);
  const user = await mouth(site.clock, one, "PCMU");
  await user.hush(500);
  await user.speak(500);
  assert.is(two.heard.length, 50);
  assert.equal(one.heard, []);
  assert.equal(site.news().includes("floor"), false);
  assert.is(await site.close(), 0);
});

test("a network that holds up the first syllable loses none of it", async () => {
  const { site, clock, alice, phone, user } = await withPhone({ codec: "opus" });
  const hold = phone.speak;
  const held: Parameters<typeof hold>[] = [];
  // Too little to be noticed by itself, and then nothing for a while.
  await user.speak(20);
  phone.speak = (...packet) => void held.push(packet);
  await user.sound(saidIn("opus").subarray(960, 40_320));
  phone.speak = hold;
  for (const packet of held) phone.speak(...packet);
  await clock.advance(1);
  await user.hush(1_000);
  assert.equal(turns(alice), ["taken", "idle"]);
  const { value, lag } = correlation(saidIn("opus").subarray(0, 40_320), await heardBy(alice), 14_400);
  assert.ok(value > 0.95 && lag > 9_600, `likeness ${value} after ${lag} samples of what was before`);
  assert.is(await site.close(), 0);
});

test("the first syllable outlives the way to the gateway that controls the floor, and back", async () => {
  const { site, clock, trunk, sam, close } = await northAndSouth();
  trunk.floorMs = 150;
  const phone = await site("north").member("phone", { floor: false, codec: "opus", telephone: voice });
  const user = await mouth(clock, phone, "opus");
  await user.hush(600);
  await user.speak(1_200);
  await user.hush(1_500);
  const { value } = correlation(saidIn("opus"), await heardBy(sam), 24_000);
  assert.ok(value > 0.95, `likeness ${value}`);
  assert.equal(turns(sam), ["taken", "idle"]);
  assert.is(await close(), 0);
});

test("keys in the voice are keys, and are not heard as speech but for their beginning", async () => {
  const site = openSite({ opus });
  const alice = await site.member("alice", { codec: "PCMU" });
  const phone = await site.member("phone", { floor: false, codec: "PCMU", telephone: { inbandKeys: true } });
  const deaf = await site.member("deaf", { floor: false, codec: "PCMU" });
  turns(alice);
  const user = await mouth(site.clock, phone, "PCMU");
  const key = (low: number, high: number) =>
    user.sound(
      Int16Array.from({ length: 1_600 }, (_, at) => {
        const t = (2 * Math.PI * at) / 8_000;
        return 6_000 * (Math.sin(low * t) + Math.sin(high * t));
      }),
    );
  await user.hush(100);
  await key(941, 1_209);
  await user.hush(100);
  assert.equal(turns(alice), ["taken"], "*");
  const before = alice.heard.length;
  await key(770, 1_336);
  assert.ok(alice.heard.length - before <= 2, `${alice.heard.length - before} of ten packets of the key`);
  await user.hush(100);
  assert.equal(
    alice.heard.map(({ sequence }) => (sequence - (alice.heard[0]?.sequence ?? 0)) & 0xffff),
    upTo(alice.heard.length),
    "no loss",
  );
  await key(941, 1_477);
  assert.equal(turns(alice), ["idle"], "#");
  const others = await mouth(site.clock, deaf, "PCMU");
  await others.hush(100);
  await others.sound(Int16Array.from({ length: 1_600 }, () => 0));
  assert.equal(turns(alice), []);
  await say(site.clock, phone, payloads(3));
  assert.is(await site.close(), 0);
});

test.run();
