import { test } from "uvu";
import * as assert from "uvu/assert";
import { openTalker } from "../../../firmware/agent/talker.ts";
import { virtualClock } from "../../../hal/clock/virtual.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { rms, sine } from "../media/signals.ts";

const opus = await loadOpus();
const start = 1_000;
const firstTimestamp = 0xffff_0000;
const loud = sine(400, 48_000, 960);
const quiet = new Int16Array(960);

/** A talker whose microphone has frame n begin `n` times 20 ms after the start; a packet is known by its frame's number. */
async function open() {
  const clock = virtualClock({ startMs: start });
  const sent: { readonly frame: number; readonly first: boolean; readonly packet: Uint8Array; readonly at: number }[] =
    [];
  let deaths = 0;
  let next = 0;
  const talker = await openTalker(
    { clock, opus },
    { bitrate: 24_000, firstTimestamp },
    {
      send: (packet, timestamp, first) =>
        sent.push({
          frame: ((timestamp - firstTimestamp) >>> 0) / 960 - 1,
          first,
          packet: packet.slice(),
          at: clock.now() - start,
        }),
      onDead: () => deaths++,
    },
  );
  return {
    clock,
    talker,
    sent,
    frames: () => sent.map(({ frame }) => frame),
    firsts: () => sent.filter(({ first }) => first).map(({ frame }) => frame),
    deaths: () => deaths,
    /** The microphone delivers every frame that ends by `ms` after the start. */
    async until(ms: number, samples = loud): Promise<void> {
      for (; (next + 1) * 20 <= ms; next++) {
        await clock.advance(start + (next + 1) * 20 - clock.now());
        talker.capture(samples, start + next * 20);
      }
      await clock.advance(start + ms - clock.now());
    },
    /** Nothing comes from the microphone until then. */
    async dead(ms: number): Promise<void> {
      await clock.advance(start + ms - clock.now());
      next = Math.ceil(ms / 20);
    },
  };
}

/** Edges in ms, the frames that hold what lies between them, and when the floor may be released. */
const edges: readonly (readonly [press: number, release: number, frames: readonly number[], released: number])[] = [
  [100, 160, [5, 6, 7, 8], 180],
  [101, 153, [5, 6, 7], 168],
  [119.9, 153.6, [5, 6, 7, 8], 180],
  [120, 133, [6], 148],
  [120, 133.6, [6, 7], 160],
  [125, 126, [6], 141],
];

for (const [press, release, frames, released] of edges)
  test(`pressed at ${press} and released at ${release} ms: every frame between is sent, and what the encoder holds back, no more`, async () => {
    const { talker, until, sent, clock } = await open();
    let done = Number.NaN;
    await until(press);
    talker.press(start + press);
    talker.keep();
    talker.talk();
    // The contact takes 15 ms to settle.
    await until(release + 15);
    talker.release(start + release, () => {
      done = clock.now() - start;
      talker.mute();
    });
    await until(400);
    assert.equal(
      sent.map(({ frame }) => frame),
      frames,
    );
    assert.ok(Math.abs(done - released) < 1e-6, `released at ${done}`);
  });

test("frames of before the press that the microphone delivers late are not sent", async () => {
  const { clock, talker, until, dead, frames } = await open();
  await dead(100);
  talker.press(start + 100);
  talker.keep();
  talker.talk();
  for (let late = 0; late < 5; late++) talker.capture(loud, start + late * 20);
  await until(140);
  assert.equal(frames(), [5, 6]);
  assert.is(clock.now(), start + 140);
});

test("what is said before the grant is kept, and sent with it, in order and once", async () => {
  const { talker, until, sent, frames, firsts } = await open();
  await until(200);
  talker.press(start + 205);
  talker.keep();
  await until(500);
  assert.equal(frames(), []);
  talker.talk();
  assert.equal(
    frames(),
    Array.from({ length: 15 }, (_, index) => 10 + index),
  );
  await until(560);
  talker.talk();
  assert.equal(frames().slice(15), [25, 26, 27], "a second grant changes nothing");
  assert.ok(sent.slice(0, 15).every(({ at }) => at === 500));
  assert.equal(firsts(), [10]);
});

test("of a grant that takes longer than a second, the last second is sent", async () => {
  const { talker, until, frames } = await open();
  talker.press(start);
  talker.keep();
  await until(1_400);
  talker.talk();
  assert.equal([frames().length, frames()[0], frames().at(-1)], [50, 20, 69]);
});

test("what was kept and not granted is never sent, not even the little that the encoder holds", async () => {
  const { talker, until, frames, sent } = await open();
  talker.press(start);
  talker.keep();
  await until(200);
  talker.mute();
  await until(300);
  talker.press(start + 300);
  talker.keep();
  await until(320, quiet);
  talker.talk();
  assert.equal(frames(), [15]);
  const decoder = await opus.decoder();
  const heard = new Int16Array(960);
  decoder.decode(sent[0]?.packet ?? new Uint8Array(1), heard);
  assert.ok(rms(heard) < 20, `rms ${rms(heard)}`);
});

test("with no burst to end, a release does not wait", async () => {
  const { talker, until } = await open();
  let done = 0;
  await until(105);
  talker.release(start + 104, () => done++);
  assert.is(done, 1);
});

test("a release waits 200 ms for a microphone that died, and a new press waits for nothing", async () => {
  const { clock, talker, until } = await open();
  let done = 0;
  const burst = () => {
    talker.press(clock.now());
    talker.keep();
    talker.talk();
    talker.release(clock.now(), () => done++);
  };
  await until(105);
  burst();
  await clock.advance(199);
  assert.is(done, 0);
  await clock.advance(1);
  assert.is(done, 1);
  burst();
  assert.is(done, 1);
  talker.press(clock.now());
  assert.is(done, 2);
  await clock.advance(1_000);
  assert.is(done, 2);
  talker.close();
  assert.is(clock.pending(), 0);
});

test("frames that the microphone lost are counted, and what follows them begins anew", async () => {
  const { talker, until, dead, frames, firsts } = await open();
  talker.press(start);
  talker.keep();
  talker.talk();
  await until(100);
  await dead(1_100);
  await until(1_160);
  assert.equal(frames(), [0, 1, 2, 3, 4, 55, 56, 57]);
  assert.equal(firsts(), [0, 55]);
});

test("a microphone that drifts loses no frame of the count", async () => {
  const { clock, talker, frames } = await open();
  talker.press(start);
  talker.keep();
  talker.talk();
  for (let frame = 0; frame < 5_000; frame++) {
    await clock.advance(20.01);
    talker.capture(quiet, start + frame * 20.01);
  }
  assert.equal([frames().length, frames().at(-1)], [5_000, 4_999]);
  talker.close();
});

test("a burst into a dead microphone is told after 3 s, once; one into a living microphone never, nor one that has ended", async () => {
  const { talker, until, dead, deaths } = await open();
  talker.press(start);
  talker.keep();
  talker.talk();
  await until(8_000);
  await dead(10_000);
  await until(12_000);
  assert.is(deaths(), 0);
  await dead(14_990);
  assert.is(deaths(), 0);
  await dead(15_010);
  assert.is(deaths(), 1);
  await dead(60_000);
  assert.is(deaths(), 1);
  await until(60_100);
  talker.mute();
  talker.keep();
  talker.talk();
  talker.mute();
  await dead(90_000);
  assert.is(deaths(), 1);
});

test.run();
