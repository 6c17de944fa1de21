import { test } from "uvu";
import * as assert from "uvu/assert";
import { codecNames, sampleRates } from "../../../firmware/media/codec.ts";
import { samplesOf } from "../../../firmware/media/tones.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import type { HeardPacket } from "../../support/terminal.ts";
import { largestStep, sine } from "../media/signals.ts";
import { singer } from "./choir.ts";
import { countedOpus } from "./counted-opus.ts";
import { openSite } from "./site.ts";
import { heardBy } from "./sound.ts";

const opus = await loadOpus();
const denyHz = 330;
const speechHz = 1_000;

/** Amplitude of a line somewhere in a sound. */
function amplitude(sound: Int16Array, hertz: number, rate: number): number {
  let [re, im] = [0, 0];
  for (let index = 0; index < sound.length; index++) {
    const phase = (2 * Math.PI * hertz * index) / rate;
    re += (sound[index] ?? 0) * Math.cos(phase);
    im += (sound[index] ?? 0) * Math.sin(phase);
  }
  return (2 * Math.hypot(re, im)) / sound.length;
}

/** Alice, with floor control, talks in a steady tone; a telephone of some codec hears it. */
async function scene(codec: (typeof codecNames)[number] = "PCMU", more = {}, port = opus) {
  const site = openSite({ opus: port });
  const alice = await singer(site, "alice", speechHz, { codec, floor: true });
  const phone = await singer(site, "phone", 2_000, { codec, keys: true, ...more });
  alice.terminal.press();
  await site.clock.advance(0);
  let sent = 0;
  async function talk(frames: number, hole: (frame: number) => boolean = () => false): Promise<void> {
    for (let frame = 0; frame < frames; frame++, sent++) {
      const payload = alice.next(true);
      if (hole(frame)) alice.terminal.skip(1, 20);
      else alice.terminal.speak(payload, { marker: sent === 0 });
      await site.clock.advance(20);
    }
  }
  const deny = () => site.conference.receive({ type: "tone", leg: "phone", tone: "deny" });
  return { site, clock: site.clock, alice, phone, talk, deny };
}

const sequences = (heard: readonly HeardPacket[]): number[] =>
  heard.map(({ sequence }) => (sequence - (heard[0]?.sequence ?? 0)) & 0xffff);

for (const codec of codecNames)
  test(`${codec}: a tone sounds over what somebody says, which is turned down meanwhile and comes back`, async () => {
    const { site, phone, talk, deny } = await scene(codec);
    await talk(50);
    const before = phone.terminal.heard.length;
    deny();
    await talk(50);
    const rate = sampleRates[codec];
    const sound = await heardBy(phone.terminal);
    const at = (packets: number): number => (packets * rate) / 50;
    // The tone lasts 350 ms; a second of speech before it and half a second behind it are whole swells of the voice.
    const under = sound.subarray(at(before + 2), at(before + 17));
    const level = amplitude(under, denyHz, rate) / 7_000;
    assert.ok(level > 0.8 && level < 1.2, `the tone at ${level} of its level`);
    const [alone, below] = [sound.subarray(0, at(before)), under].map((part) => amplitude(part, speechHz, rate));
    const ducked = (below ?? 0) / (alone ?? 1);
    assert.ok(ducked > 0.15 && ducked < 0.6, `speech at ${ducked} of its level`);
    const after = sound.subarray(at(before + 25));
    assert.ok(amplitude(after, denyHz, rate) < 250, `${amplitude(after, denyHz, rate)} of the tone is left`);
    const { heard } = phone.terminal;
    // Two more bring a decoder of G.722 to rest, which goes over from one encoder to another.
    assert.is(heard.length, codec === "G722" ? 102 : 100, "a packet for a packet");
    assert.equal(sequences(heard), [...heard.keys()]);
    assert.is(await site.close(), 0);
  });

test("nothing clicks where the tone begins and ends, nor where speech does under it", async () => {
  const { site, clock, phone, talk, deny } = await scene();
  await talk(20);
  deny();
  await talk(25);
  await clock.advance(1_000);
  deny();
  await clock.advance(100);
  await talk(30);
  const step = largestStep(await heardBy(phone.terminal));
  const steepest = largestStep(sine(speechHz, 8_000, 8_000, 4_200)) + largestStep(sine(denyHz, 8_000, 8_000, 7_000));
  assert.ok(step < 1.2 * steepest, `a step of ${step}, of ${steepest} that the sounds have`);
  assert.is(await site.close(), 0);
});

test("speech that begins under a tone, and ends under it, leaves the tone whole", async () => {
  const { site, clock, phone, talk, deny } = await scene();
  deny();
  await clock.advance(100);
  await talk(5);
  await clock.advance(500);
  const { heard } = phone.terminal;
  const tone = Math.ceil(samplesOf("deny").length / 960) + 1;
  // Of the pause that shows that nobody speaks any more nothing is heard.
  assert.ok(heard.length >= tone && heard.length <= tone + 1, `${heard.length} packets of ${tone}`);
  assert.equal(sequences(heard), [...heard.keys()]);
  const stamps = heard.map(({ timestamp }) => ((timestamp - (heard[0]?.timestamp ?? 0)) >>> 0) / 160);
  assert.ok(
    stamps.every((stamp, index) => index === 0 || stamp > (stamps[index - 1] ?? 0)),
    `${stamps}`,
  );
  const sound = await heardBy(phone.terminal);
  // The pause is one of the tone as well.
  const parts = Array.from({ length: 11 }, (_, index) => sound.subarray(index * 240, (index + 1) * 240));
  const levels = parts.map((part) => Math.round(amplitude(part, denyHz, 8_000)));
  assert.ok(levels.filter((level) => level > 5_000).length >= 9, `${levels}`);
  assert.is(await site.close(), 0);
});

test("a packet that is lost under a tone leaves the gap that it left at its source", async () => {
  const { site, phone, talk, deny } = await scene();
  await talk(10);
  deny();
  await talk(12, (frame) => frame === 6);
  const numbers = sequences(phone.terminal.heard);
  const gaps = numbers.filter((number, index) => index > 0 && number !== (numbers[index - 1] ?? 0) + 1);
  assert.is(gaps.length, 1, `${numbers}`);
  assert.is(await site.close(), 0);
});

test("it costs nothing where no tone sounds, or nobody speaks, and no more than the tone lasts", async () => {
  const { count, counting } = countedOpus(opus);
  const { site, clock, talk, deny } = await scene("opus", {}, counting);
  await talk(5);
  deny();
  await clock.advance(1_000);
  const made = { ...count };
  deny();
  await clock.advance(1_000);
  assert.equal(count, made, "the tone is encoded already");
  deny();
  await talk(60);
  assert.equal([count.opened - made.opened, count.open], [2, made.open]);
  assert.ok(
    count.encoded - made.encoded <= 19 && count.encoded - made.encoded >= 17,
    `${count.encoded - made.encoded}`,
  );
  deny();
  await talk(3);
  site.conference.receive({ type: "release", leg: "phone" });
  await talk(3);
  assert.is(count.open, made.open, "it ends with the leg");
  assert.is(await site.close(), 0);
});

test("who talks hears a tone alone, and not its own voice under it", async () => {
  const { site, clock, alice, phone, deny } = await scene();
  alice.terminal.release();
  phone.terminal.dial("*");
  await clock.advance(500);
  phone.terminal.heard.length = 0;
  for (let frame = 0; frame < 50; frame++) {
    if (frame === 20) deny();
    phone.terminal.speak(phone.next(true), { marker: frame === 0 });
    await clock.advance(20);
  }
  assert.ok(alice.terminal.heard.length >= 48);
  const sound = await heardBy(phone.terminal);
  const [tone, self] = [denyHz, phone.hertz].map((hertz) => amplitude(sound, hertz, 8_000));
  assert.ok((tone ?? 0) > 5_000 && (self ?? 0) < 50, `the tone at ${tone}, itself at ${self}`);
  assert.is(await site.close(), 0);
});

test("of thirty telephones that hear a tone while somebody talks, twenty hear both, and the others the tone alone", async () => {
  const { site, alice, talk } = await scene();
  const others = [];
  for (let index = 0; index < 30; index++) others.push(await singer(site, `other${index}`, 2_000, { codec: "PCMU" }));
  await talk(10);
  for (const { name } of others) site.conference.receive({ type: "tone", leg: name, tone: "deny" });
  await talk(16);
  let both = 0;
  for (const { terminal } of others) {
    const sound = await heardBy(terminal, terminal.heard.slice(12));
    assert.ok(amplitude(sound, denyHz, 8_000) > 3_000);
    if (amplitude(sound, speechHz, 8_000) > 200) both += 1;
  }
  assert.is(both, 20);
  assert.ok(alice);
  assert.is(await site.close(), 0);
});

test.run();
