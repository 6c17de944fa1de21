import { test } from "uvu";
import * as assert from "uvu/assert";
import { clockRates, codecNames, sampleRates } from "../../../firmware/media/codec.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import type { HeardPacket, Terminal } from "../../support/terminal.ts";
import { rms } from "../media/signals.ts";
import { northAndSouth } from "./realm.ts";
import { type MemberOptions, numbersOf, openSite, payloads, say, upTo } from "./site.ts";
import { heardBy, speech } from "./sound.ts";

const opus = await loadOpus();
const spoken = (await speech("PCMU")).slice(0, 10);
const tones = { permit: 910, deny: 330, revoke: 620, warning: 1400 };

async function withPhone(change: MemberOptions = {}, settings = {}) {
  const site = openSite({ opus, settings });
  const alice = await site.member("alice");
  const phone = await site.member("phone", { floor: false, keys: true, codec: "PCMU", ...change });
  alice.news();
  site.news();
  return { site, clock: site.clock, alice, phone };
}

/** The share of a sound's power that a frequency has, 0 to 1, looked for in pieces of 20 ms. */
function share(sound: Int16Array, hertz: number, rate: number): number {
  const length = rate / 50;
  let power = 0;
  for (let start = 0; start < sound.length; start += length) {
    let [re, im] = [0, 0];
    for (const [index, sample] of sound.subarray(start, start + length).entries()) {
      re += sample * Math.cos((2 * Math.PI * hertz * index) / rate);
      im += sample * Math.sin((2 * Math.PI * hertz * index) / rate);
    }
    power += (2 * (re * re + im * im)) / length;
  }
  return power / (sound.length * rms(sound) ** 2);
}

/** Which tone a terminal has heard, and nothing else; "" for silence. */
async function toneIn(terminal: Terminal, packets: readonly HeardPacket[] = terminal.heard): Promise<string> {
  if (packets.length === 0) return "";
  const sound = await heardBy(terminal, packets);
  assert.ok(rms(sound) > 500, `rms ${rms(sound)}`);
  const rate = sampleRates[terminal.codec()];
  const shares = Object.entries(tones).map(([name, hertz]) => ({ name, value: share(sound, hertz, rate) }));
  const [loudest] = shares.toSorted((one, other) => other.value - one.value);
  assert.ok(loudest && loudest.value > 0.2, JSON.stringify(shares));
  return loudest.name;
}

const sequencesOf = ({ heard }: Terminal): number[] =>
  heard.map(({ sequence }) => (sequence - (heard[0]?.sequence ?? 0)) & 0xffff);
/** By how many ms the timestamps are off the clock, at most. */
function drift({ heard, codec }: Terminal): number {
  const [first] = heard;
  const off = heard.map(
    ({ timestamp, at }) =>
      (((timestamp - (first?.timestamp ?? 0)) >>> 0) * 1000) / clockRates[codec()] - (at - (first?.at ?? 0)),
  );
  return Math.max(...off.map(Math.abs));
}

test("a telephone keys up with * and unkeys with #, hears that it may talk, and is heard", async () => {
  for (const lost of [[], [0], [0, 1, 2], upTo(7)]) {
    const { site, clock, alice, phone } = await withPhone();
    phone.dial("*", { lost });
    await clock.advance(400);
    assert.equal(alice.news(), ["taken"]);
    assert.is(await toneIn(phone), "permit");
    await say(clock, phone, spoken);
    assert.is(alice.heard.length, spoken.length);
    phone.dial("#", { lost });
    await clock.advance(20);
    assert.equal(alice.news(), ["idle"], `lost ${lost}`);
    assert.is(await site.close(), 0);
  }
});

test("keys are never relayed, nor taken for speech, nor for a loss of speech", async () => {
  const { site, clock, alice, phone } = await withPhone({ codec: "opus" });
  phone.dial("*");
  await clock.advance(20);
  await say(clock, phone, payloads(3));
  for (const key of "0123456789ABCD") phone.dial(key);
  await say(clock, phone, payloads(3, 3));
  assert.equal(numbersOf(alice), upTo(6));
  assert.equal(sequencesOf(alice), upTo(6));
  assert.equal(alice.news(), ["taken"]);
  assert.is(await site.close(), 0);
});

test("* while talking changes nothing: no second tone, and no second burst", async () => {
  const { site, clock, alice, phone } = await withPhone();
  phone.dial("*");
  await clock.advance(1_000);
  const heard = phone.heard.length;
  for (let count = 0; count < 3; count++) {
    phone.dial("*");
    await say(clock, phone, payloads(20));
  }
  assert.is(phone.heard.length, heard);
  assert.equal(alice.news(), ["taken"]);
  assert.equal(site.news(), ["bridged", "floor"]);
  assert.is(await site.close(), 0);
});

test("a telephone is warned once before its burst is cut, and hears the cut", async () => {
  const { site, clock, phone } = await withPhone({}, { talkMs: 8_000, talkWarningMs: 3_000, graceMs: 500 });
  phone.dial("*");
  await clock.advance(700);
  const heard: string[] = [];
  for (let second = 0; second < 10; second++) {
    const before = phone.heard.length;
    await say(clock, phone, payloads(50));
    heard.push(await toneIn(phone, phone.heard.slice(before)));
  }
  assert.equal(
    heard.filter((tone) => tone !== ""),
    ["warning", "revoke"],
  );
  assert.is(heard.indexOf("warning"), 4);
  assert.is(await site.close(), 0);
});

test("a key that came by signalling is a key like any other, for a terminal with floor control as well", async () => {
  const { site, clock, alice } = await withPhone({ keys: false });
  site.key("phone", "*");
  await clock.advance(20);
  assert.equal(alice.news(), ["taken"]);
  site.key("phone", "#");
  await clock.advance(0);
  site.key("alice", "5");
  site.key("alice", "*");
  site.key("nobody", "*");
  await clock.advance(0);
  assert.equal(alice.news(), ["idle", "granted"]);
  site.key("alice", "#");
  await clock.advance(300);
  assert.equal(alice.news(), ["idle"]);
  assert.is(await site.close(), 0);
});

test("a terminal with floor control may key by its keys, and hears no tone", async () => {
  const { site, clock, phone } = await withPhone({ floor: true, codec: "opus" });
  phone.news();
  phone.dial("*");
  phone.dial("*");
  await clock.advance(500);
  assert.equal(phone.news(), ["granted"]);
  assert.equal(phone.heard, []);
  assert.is(await site.close(), 0);
});

for (const codec of codecNames)
  test(`a telephone that speaks ${codec} hears each ruling in a stream that has no hole`, async () => {
    const { site, clock, alice, phone } = await withPhone({ codec }, { talkMs: 2_000, graceMs: 500 });
    const turn = async (act: () => void): Promise<string> => {
      const before = phone.heard.length;
      act();
      await clock.advance(900);
      return toneIn(phone, phone.heard.slice(before));
    };
    assert.is(await turn(() => alice.press()), "");
    assert.is(await turn(() => phone.dial("*")), "deny");
    assert.is(await turn(() => alice.release()), "");
    assert.is(await turn(() => phone.dial("*")), "permit");
    await say(clock, phone, payloads(60));
    assert.is(await turn(() => {}), "revoke", "it talked too long");
    assert.equal(sequencesOf(phone), upTo(phone.heard.length));
    assert.ok(drift(phone) < 1, `${drift(phone)} ms`);
    assert.is(await site.close(), 0);
  });

test("a tone takes the place of speech, which goes on after it in the same stream", async () => {
  const { site, clock, alice, phone } = await withPhone({ codec: "opus" });
  alice.press();
  await clock.advance(0);
  await say(clock, alice, payloads(10));
  phone.dial("*");
  for (const payload of payloads(50, 10)) {
    alice.speak(payload);
    await clock.advance(20);
  }
  assert.equal(sequencesOf(phone), upTo(phone.heard.length));
  assert.ok(drift(phone) <= 20, `${drift(phone)} ms`);
  const speech = phone.heard.filter(({ payload }) => payload.length === 5);
  assert.equal(
    speech.map(({ payload }) => payload[1]),
    [...upTo(10), ...upTo(60, 60 - speech.length + 10)],
  );
  assert.ok(speech[10]?.marker, "it begins anew");
  assert.ok(speech.length >= 40, `the tone lasts ${60 - speech.length} packets`);
  assert.is(await site.close(), 0);
});

test("a telephone that may not talk is denied by a tone, also where it is in no call", async () => {
  const { site, clock, alice, phone } = await withPhone({ mayTalk: false });
  phone.dial("*");
  await clock.advance(1_000);
  assert.is(await toneIn(phone), "deny");
  assert.equal(alice.news(), []);
  site.move("phone");
  const before = phone.heard.length;
  phone.dial("*");
  await clock.advance(1_000);
  assert.is(await toneIn(phone, phone.heard.slice(before)), "deny");
  assert.is(await site.close(), 0);
});

test("a telephone that sends and has not keyed up is not heard, and not disturbed: it always sends", async () => {
  const { site, clock, alice, phone } = await withPhone();
  await say(clock, phone, payloads(200));
  assert.equal([alice.heard, phone.heard], [[], []]);
  assert.is(await site.close(), 0);
});

test("a telephone that is pre-empted hears that it was cut, and then who took the floor", async () => {
  const { site, clock, phone } = await withPhone({ codec: "opus" });
  const chief = await site.member("chief", { priority: 9 });
  phone.dial("*");
  await clock.advance(1_000);
  const before = phone.heard.length;
  chief.press();
  await clock.advance(1_100);
  assert.is(await toneIn(phone, phone.heard.slice(before)), "revoke");
  await say(clock, chief, payloads(3));
  assert.equal(numbersOf(phone).slice(-3), upTo(3));
  assert.is(await site.close(), 0);
});

test("a tone is played where it is asked for, unless the terminal is on hold", async () => {
  const { site, clock, alice, phone } = await withPhone();
  site.conference.receive({ type: "tone", leg: "phone", tone: "confirm" });
  site.conference.receive({ type: "tone", leg: "alice", tone: "deny" });
  await clock.advance(500);
  assert.equal([await toneIn(phone), await toneIn(alice)], ["permit", "deny"]);
  const before = phone.heard.length;
  site.reoffer("phone", phone, { direction: "sendonly" });
  site.conference.receive({ type: "tone", leg: "phone", tone: "confirm" });
  await clock.advance(500);
  assert.is(phone.heard.length, before);
  assert.is(await site.close(), 0);
});

test("a tone ends with the leg, its codec, or its being heard", async () => {
  const { site, clock, phone } = await withPhone();
  const tone = () => site.conference.receive({ type: "tone", leg: "phone", tone: "deny" });
  tone();
  await clock.advance(50);
  site.reoffer("phone", phone, { codec: "PCMA" });
  const changed = phone.heard.length;
  await clock.advance(500);
  assert.is(phone.heard.length, changed);
  tone();
  await clock.advance(50);
  site.conference.receive({ type: "release", leg: "phone" });
  assert.is(await site.close(), 0);
});

test("a telephone at a participating gateway keys there, and hears what the controlling one has ruled", async () => {
  const { site, clock, sam, close } = await northAndSouth();
  const phone = await site("north").member("phone", { floor: false, keys: true });
  phone.dial("*");
  await clock.advance(500);
  assert.equal([await toneIn(phone), sam.news()], ["permit", ["taken"]]);
  phone.dial("#");
  await clock.advance(20);
  assert.equal(sam.news(), ["idle"]);
  sam.press();
  await clock.advance(20);
  const before = phone.heard.length;
  phone.dial("*");
  await clock.advance(900);
  assert.is(await toneIn(phone, phone.heard.slice(before)), "deny");
  assert.is(await close(), 0);
});

test("who has offered no keys is offered none in the answer, and its 101 is not a key", async () => {
  const site = openSite({ opus });
  const plain = await site.terminal({ codec: "PCMU" });
  const keyed = await site.terminal({ codec: "PCMU", keys: true });
  const answers = [];
  for (const [leg, terminal] of [
    ["plain", plain],
    ["keyed", keyed],
  ] as const) {
    site.conference.receive({ type: "provision", options: site.legOptions(leg), offer: terminal.offer() });
    await site.clock.advance(0);
    const answer = site.events.find((event) => event.type === "answer" && event.leg === leg);
    answers.push(answer?.type === "answer" ? /^m=audio \d+ (.*)\r$/m.exec(answer.sdp)?.[1] : undefined);
  }
  assert.equal(answers, ["RTP/AVP 0", "RTP/AVP 0 101"], "by the clock of the speech");
  assert.is(await site.close(), 0);
});

test.run();
