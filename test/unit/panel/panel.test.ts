import { test } from "uvu";
import * as assert from "uvu/assert";
import { rms } from "../media/signals.ts";
import { amplitude, openPanel } from "./bench.ts";

test("a press counts at its first edge, a release once the contact has settled, and bounce counts for nothing", async () => {
  const { clock, outside, asked } = openPanel();
  await clock.advance(100);
  const pressed = outside.press("ptt", { bounce: true });
  assert.equal(asked, [`press ${pressed}`], "without waiting for the contact to settle");
  await clock.advance(500);
  const released = outside.release("ptt", { bounce: true });
  await clock.advance(10);
  assert.is(asked.length, 1);
  await clock.advance(30);
  assert.is(asked.length, 2);
  const at = Number(asked[1]?.split(" ")[1]);
  assert.match(asked[1] ?? "", /^release /);
  assert.ok(at >= released && at <= released + 5, `the contact opened at ${released} to ${released + 5}, not ${at}`);
  await clock.advance(500);
  assert.is(asked.length, 2);
});

test("a button held at start-up does nothing until it has been let go, bounce in between or not", async () => {
  const { clock, outside, asked, logged } = openPanel({ heldAtStart: true });
  assert.match(logged[0] ?? "", /held at start-up/);
  await clock.advance(1_000);
  outside.release("ptt");
  await clock.advance(5);
  outside.press("ptt");
  await clock.advance(1_000);
  assert.equal(asked, [], "that was bounce: it is still held");
  outside.release("ptt", { bounce: true });
  await clock.advance(100);
  assert.equal(asked, []);
  outside.press("ptt");
  assert.is(asked.length, 1);
});

test("the button of an emergency asks for the floor like the other, more urgently, and the burst goes on until both are up", async () => {
  const { clock, outside, asked } = openPanel();
  await clock.advance(100);
  outside.press("ptt");
  await clock.advance(500);
  outside.press("emergency");
  await clock.advance(500);
  outside.release("ptt");
  await clock.advance(500);
  outside.press("ptt");
  await clock.advance(500);
  outside.release("emergency");
  await clock.advance(500);
  assert.equal(
    asked.map((what) => what.split(" ")[0]),
    ["press", "emergency"],
  );
  outside.release("ptt");
  await clock.advance(500);
  outside.press("emergency-over");
  assert.equal(
    asked.slice(2).map((what) => what.split(" ")[0]),
    ["release", "calm"],
  );
});

test("an emergency is lit and heard while it lasts, and its tone is kept from whoever talks", async () => {
  const { clock, outside, signals, lit, hear } = openPanel();
  signals.urgent("emergency");
  assert.equal(lit(), ["emergency-lamp"]);
  assert.ok(amplitude(await hear(100), 1550) > 1000);
  await clock.advance(2000);
  signals.urgent("normal");
  assert.equal(lit(), []);
  outside.press("emergency");
  signals.urgent("emergency");
  assert.ok(rms(await hear(200)) < 1);
});

test("who waits for the floor hears so, and who will soon be cut off", async () => {
  const { clock, signals, hear } = openPanel();
  signals.queued();
  assert.ok(amplitude(await hear(60), 520) > 1000);
  await clock.advance(1000);
  signals.permit();
  await clock.advance(1000);
  signals.warned();
  assert.ok(amplitude(await hear(60), 1400) > 1000);
});

test("the replay button asks once a press, and a board without one asks for nothing", async () => {
  const { clock, outside, asked } = openPanel();
  outside.press("replay", { bounce: true });
  await clock.advance(500);
  outside.release("replay", { bounce: true });
  await clock.advance(500);
  assert.equal(asked, ["replay"]);
  const inputs = { ptt: { line: "GPIO17", activeLow: true, bias: "pull-up" } } as const;
  const plain = openPanel({ inputs });
  plain.outside.press("ptt");
  assert.is(plain.asked.length, 1);
});

test("lamps show whether a press will be heard, who talks here, and that somebody talks elsewhere", async () => {
  const { signals, lit } = openPanel();
  assert.equal(lit(), []);
  signals.ready(true);
  assert.equal(lit(), ["ready-lamp"]);
  signals.permit();
  assert.equal(lit(), ["transmit-lamp", "ready-lamp"]);
  signals.unkeyed();
  assert.equal(lit(), ["ready-lamp"]);
  signals.listening("sip:bob@example.org");
  assert.equal(lit(), ["receive-lamp", "ready-lamp"]);
  signals.listening("");
  assert.equal(lit(), ["receive-lamp", "ready-lamp"], "somebody who withholds a name talks all the same");
  signals.listening(undefined);
  assert.equal(lit(), ["ready-lamp"]);
  for (const end of [signals.denied, signals.revoked]) {
    signals.permit();
    end();
    assert.equal(lit(), ["ready-lamp"]);
  }
  signals.ready(false);
  assert.equal(lit(), []);
});

const heard = { permit: [910], denied: [330], revoked: [620, 480] } as const;
const every = [910, 330, 620, 480];

for (const [signal, tones] of Object.entries(heard) as [keyof typeof heard, readonly number[]][])
  test(`${signal}: its tone is heard within two frames, alone, and ends within a second`, async () => {
    const { clock, signals, hear } = openPanel();
    await clock.advance(100);
    assert.is(rms(await hear(200)), 0);
    signals[signal]();
    const sound = await hear(1_000);
    const start = sound.findIndex((sample) => sample !== 0);
    assert.ok(start <= 41 * 48, `after ${start / 48} ms`);
    const loud = sound.subarray(start, start + 135 * 48);
    for (const hertz of every) {
      const is = amplitude(tones.includes(hertz) ? sound.subarray(start, start + 540 * 48) : loud, hertz);
      if (tones.includes(hertz)) assert.ok(is > 700, `${hertz} Hz at ${is}`);
      else assert.ok(is < 700, `${hertz} Hz at ${is}`);
    }
    assert.is(rms(await hear(200)), 0);
  });

test("a tone over speech at full scale is heard whole: speech steps back for it, and nothing clips or clicks", async () => {
  for (const full of [32_767, -32_768]) {
    const { clock, signals, told, hear } = openPanel();
    told.speech = full;
    await clock.advance(100);
    signals.denied();
    const sound = await hear(1_000);
    assert.ok(sound.every((sample) => Math.sign(sample) === Math.sign(full)));
    const during = sound.subarray(100 * 48, 300 * 48);
    assert.ok(amplitude(during, 330) > 6_500, `330 Hz at ${amplitude(during, 330)}`);
    assert.ok(during.every((sample) => Math.abs(sample) < 32_000));
    const steps = sound.slice(1).map((sample, index) => Math.abs(sample - (sound[index] ?? 0)));
    assert.ok(Math.max(...steps) < 500, `a step of ${Math.max(...steps)}`);
    assert.is(sound.at(-1), full, "speech is back at its level");
  }
});

test("a press without a microphone is denied at once, and heard again when the microphone is back", async () => {
  const { clock, outside, asked, logged, hear } = openPanel();
  await clock.advance(100);
  outside.microphone.unplug();
  assert.match(logged.at(-1) ?? "", /microphone is gone/);
  outside.press("ptt");
  assert.ok(amplitude((await hear(300)).subarray(50 * 48), 330) > 5_000);
  outside.release("ptt");
  await clock.advance(100);
  assert.not(asked.some((what) => what.startsWith("press")));
  outside.microphone.plug();
  assert.match(logged.at(-1) ?? "", /microphone is back/);
  outside.press("ptt");
  assert.match(asked.at(-1) ?? "", /^press /);
});

test("microphone and loudspeaker work again after they were unplugged", async () => {
  const { clock, outside, told, logged, hear } = openPanel();
  told.speech = 1_000;
  await clock.advance(100);
  outside.microphone.unplug();
  outside.loudspeaker.unplug();
  const before = told.frames;
  assert.is(rms(await hear(400)), 0);
  assert.is(told.frames, before);
  outside.microphone.plug();
  outside.loudspeaker.plug();
  assert.is(rms(await hear(400), 100 * 48), 1_000);
  assert.ok(told.frames >= before + 19);
  assert.equal(
    logged.map((message) => message.split(":")[0]),
    ["the microphone is gone", "the loudspeaker is gone", "the microphone is back", "the loudspeaker is back"],
  );
});

test("closing puts every lamp out and stops the sound, and what the agent still says changes nothing", async () => {
  const { clock, outside, asked, signals, lit, close } = openPanel();
  signals.ready(true);
  signals.permit();
  signals.listening("sip:bob@example.org");
  signals.called("sip:bob@example.org");
  outside.press("ptt");
  outside.release("ptt");
  close();
  assert.equal(lit(), []);
  assert.is(clock.pending(), 0);
  signals.ready(true);
  signals.permit();
  outside.press("ptt");
  await clock.advance(1_000);
  assert.equal(lit(), []);
  assert.is(asked.length, 1, "the press from before");
});

test("a board without lamps serves all the same", async () => {
  const { outside, asked, signals, lit, close } = openPanel({ outputs: {} });
  signals.ready(true);
  signals.permit();
  outside.press("ptt");
  assert.is(asked.length, 1);
  assert.equal(lit(), []);
  close();
});

test("the switch chooses do not disturb when it has settled, and takes it back; its lamp is lit when others are told", async () => {
  const { clock, outside, chosen, signals, lit } = openPanel();
  assert.equal(chosen, [undefined]);
  outside.press("do-not-disturb", { bounce: true });
  await clock.advance(40);
  assert.equal([chosen.length, lit()], [1, []]);
  await clock.advance(60);
  assert.equal([chosen.splice(0), lit()], [[undefined, "do-not-disturb"], []]);
  signals.statusShown(true);
  assert.equal(lit(), ["do-not-disturb-lamp"]);
  outside.release("do-not-disturb");
  await clock.advance(20);
  outside.press("do-not-disturb");
  await clock.advance(1_000);
  assert.equal(chosen, [], "that was bounce");
  outside.release("do-not-disturb", { bounce: true });
  await clock.advance(1_000);
  signals.statusShown(false);
  assert.equal([chosen, lit()], [[undefined], []]);
});

test("a switch that is on at start-up is on, and a board without one chooses nothing", async () => {
  assert.equal(openPanel({ switchedOn: true }).chosen, ["do-not-disturb"]);
  const inputs = { ptt: { line: "GPIO17", activeLow: true, bias: "pull-up" } } as const;
  const { clock, outside, chosen, asked, close } = openPanel({ inputs });
  outside.press("ptt");
  await clock.advance(100);
  assert.equal([chosen, asked.length], [[], 1]);
  close();
  assert.is(clock.pending(), 0);
});

test.run();
