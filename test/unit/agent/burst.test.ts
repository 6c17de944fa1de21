import { test } from "uvu";
import * as assert from "uvu/assert";
import { correlation, rms, voice } from "../media/signals.ts";
import { decoded, open, opus } from "./bench.ts";
import { denied, granted, idle, revoked, taken } from "./far-end.ts";
import { openServer } from "./server.ts";

/** ms: how far into a frame of the microphone the press comes, how long the burst is, how long the grant takes. */
const bursts = [
  [0, 1_000, 0],
  [3, 1_234, 0],
  [7.5, 700, 60],
  [13.4, 1_111, 300],
  [19.9, 512.3, 0],
] as const;

for (const [phase, length, delay] of bursts)
  test(`speech of ${length} ms from the press ${phase} ms into a frame to the release arrives whole, the grant after ${delay} ms`, async () => {
    const { clock, agent, far, microphone, press, order } = await open(granted, delay);
    await clock.advance(500 + phase);
    const said = voice(48_000, Math.round(length * 48));
    press();
    microphone.hear(said);
    await clock.advance(length + 15);
    agent.release(clock.now() - 15);
    await clock.advance(500);
    assert.is(order(), "request rtp release");

    const heard = await decoded(far.packets);
    const room = 28 * 48;
    assert.ok(heard.length >= said.length + 6 * 48, `${heard.length / 48} ms`);
    assert.ok(heard.length <= said.length + 55 * 48, `${heard.length / 48} ms`);
    const padded = new Int16Array(said.length + room);
    padded.set(heard.subarray(0, padded.length));
    const { value, lag } = correlation(said, padded, room);
    assert.ok(value > 0.95, `correlation ${value}`);
    for (const [name, from] of [
      ["first", 0],
      ["last", said.length - 480],
    ] as const) {
      const share = rms(padded, lag + from, lag + from + 480) / rms(said, from, from + 480);
      assert.ok(share > 0.5 && share < 1.3, `the ${name} 10 ms come at ${share}`);
      const like = correlation(said.subarray(from, from + 480), padded.subarray(lag + from, lag + from + 480), 0);
      assert.ok(like.value > 0.7, `the ${name} 10 ms are like what was said: ${like.value}`);
    }
  });

test("nothing that was said before the press is sent but what shares a frame with it, and nothing after the release", async () => {
  const { clock, far, microphone, press, release } = await open(granted, 100);
  microphone.hear(voice(48_000, 48_000));
  await clock.advance(510);
  press();
  microphone.hush();
  await clock.advance(300);
  microphone.hear(voice(48_000, 96_000));
  release();
  await clock.advance(1_000);
  const heard = await decoded(far.packets);
  assert.ok(rms(heard, 0, 960) > 300, "the frame of the press");
  const silent = heard.subarray(3 * 960, heard.length - 960);
  assert.ok(silent.length > 10 * 960 && rms(silent) < 10, `rms ${rms(silent)}`);
  assert.is(far.packets.length, 16, "from 500 to 820 ms");
});

test("no packet goes out before the grant, and all that was kept goes out with it", async () => {
  const { clock, far, told, press, release } = await open(granted, 200);
  await clock.advance(100);
  const pressedAt = clock.now();
  press();
  await clock.advance(205);
  assert.equal(
    far.floor.map(({ type, at }) => [type, at - pressedAt]),
    [["request", 5]],
    "at once, but for the way",
  );
  assert.is(far.packets.length, 0);
  await clock.advance(15);
  const grantedAt = far.packets[0]?.at;
  assert.is(far.packets.filter(({ at }) => at === grantedAt).length, 10);
  assert.equal(told, ["permit"]);
  await clock.advance(280);
  release();
  await clock.advance(100);
  assert.equal(told, ["permit", "unkeyed"]);
  const stamps = far.packets.map(({ timestamp }) => timestamp);
  assert.ok(stamps.every((stamp, index) => index === 0 || stamp - (stamps[index - 1] ?? 0) === 960));
});

test("two bursts: one source, one numbering, time that goes on between them, and a marker on the first packet of each", async () => {
  const { clock, far, press, release } = await open();
  for (let burst = 0; burst < 2; burst++) {
    await clock.advance(1_000);
    press();
    await clock.advance(200);
    release();
    await clock.advance(100);
  }
  const starts = far.packets.flatMap(({ marker }, index) => (marker ? [index] : []));
  assert.is(starts.length, 2);
  assert.is(starts[0], 0);
  const [first, second] = starts.map((index) => far.packets[index]);
  assert.is((second?.timestamp ?? 0) - (first?.timestamp ?? 0), 1_300 * 48);
  const sequences = far.packets.map(({ sequence }) => sequence);
  assert.ok(sequences.every((sequence, index) => index === 0 || sequence === (sequences[index - 1] ?? 0) + 1));
  assert.is(new Set(far.packets.map(({ ssrc }) => ssrc)).size, 1);
});

test("a burst that is let go before it is granted sends no speech, and gives the floor back", async () => {
  const { clock, far, told, press, release, order } = await open(granted, 300);
  press();
  await clock.advance(100);
  release();
  await clock.advance(1_000);
  assert.is(far.packets.length, 0);
  assert.match(order(), /^request release/);
  assert.equal(told, ["unkeyed"]);
});

for (const [answer, name] of [
  [denied, "denied"],
  ["silence", "not answered"],
] as const)
  test(`a request that is ${name} is told once, and the button must be let go before it asks again`, async () => {
    const { clock, far, told, encoded, press, release } = await open(answer);
    press();
    await clock.advance(3_000);
    const inVain = encoded();
    await clock.advance(2_000);
    assert.is(encoded(), inVain, "nothing is encoded for nobody");
    assert.equal(told, ["denied"]);
    assert.is(far.packets.length, 0);
    release();
    await clock.advance(100);
    const requests = () => far.floor.filter(({ type }) => type === "request").length;
    const before = requests();
    press();
    await clock.advance(100);
    assert.is(requests(), before + 1);
  });

test("a revoked talker is silent at once, and the button does nothing until it has been let go", async () => {
  const { clock, far, told, press, release } = await open();
  press();
  await clock.advance(500);
  far.sendFloor(revoked);
  await clock.advance(10);
  const sent = far.packets.length;
  await clock.advance(1_000);
  assert.equal([told, far.packets.length], [["permit", "revoked"], sent]);
  release();
  await clock.advance(100);
  press();
  await clock.advance(100);
  assert.equal(told, ["permit", "revoked", "permit"]);
});

test("a press without a session is denied at once; the session that comes meanwhile waits for the next press", async () => {
  const { server, clock, far, told, press, release } = await open();
  server.bye();
  await clock.advance(50);
  press();
  assert.equal(told, ["not ready", "denied"]);
  server.invite();
  await clock.advance(2_000);
  assert.equal([told, far.order], [["not ready", "denied", "ready"], []]);
  release();
  await clock.advance(100);
  assert.equal([told.length, far.packets.length], [3, 0]);
  press();
  await clock.advance(100);
  assert.is(told.at(-1), "permit");
});

test("a session that ends in mid-burst cuts it with a word, and the next one speaks when the button is pressed again", async () => {
  for (const end of ["bye", "replaced", "killed"] as const) {
    const { wire, server, clock, far, told, press, release } = await open();
    press();
    await clock.advance(500);
    if (end === "bye") server.bye();
    if (end === "replaced") server.invite();
    if (end === "killed") {
      wire.network.kill("10.0.0.1");
      far.fallSilent();
      await openServer(wire, { seed: 2 });
    }
    await clock.advance(25_000);
    assert.equal(told.slice(0, 2), ["permit", "revoked"], end);
    assert.is(told.at(-1), "ready", end);
    release();
    await clock.advance(100);
    if (end === "killed") continue;
    press();
    await clock.advance(100);
    assert.is(told.at(-1), "permit", end);
  }
});

test("a burst goes on when its microphone comes back, and ends when it does not", async () => {
  const { clock, far, told, microphone, press, release, order } = await open();
  await clock.advance(100);
  press();
  await clock.advance(500);
  microphone.unplug();
  await clock.advance(10);
  const sent = far.packets.length;
  await clock.advance(2_000);
  assert.is(far.packets.length, sent);
  microphone.plug();
  await clock.advance(500);
  assert.ok(far.packets.length > sent + 20);
  assert.equal(told, ["permit"]);
  assert.ok(far.packets[sent]?.marker);
  const gap = (far.packets[sent]?.timestamp ?? 0) - (far.packets[sent - 1]?.timestamp ?? 0);
  assert.ok(gap >= 2_000 * 48 && gap <= 2_040 * 48, `${gap / 48} ms`);
  microphone.unplug();
  await clock.advance(3_100);
  assert.equal(told, ["permit", "unkeyed", "revoked"]);
  assert.is(order(), "request rtp release");
  release();
  microphone.plug();
  await clock.advance(1_000);
  assert.is(order(), "request rtp release");
});

test("who talks elsewhere is told, from the first word to the last, and heard", async () => {
  const { clock, far, told, heard } = await open();
  const encoder = await opus.encoder({ bitrate: 24_000 });
  const said = voice(48_000, 100 * 960);
  far.sendFloor(taken);
  for (let frame = 0; frame < 100; frame++) {
    far.speak(encoder.encode(said.subarray(frame * 960, (frame + 1) * 960)), { marker: frame === 0 });
    await clock.advance(20);
  }
  assert.ok(rms(heard.slice(-50)) > 0.8 * rms(said));
  far.sendFloor(idle);
  await clock.advance(1_000);
  assert.is(heard.at(-1), 0);
  assert.equal(told, ["hears sip:bob@example.org", "silence"]);
});

test("a burst whose end was never told is over when its speech has been silent for T103", async () => {
  const { clock, far, told } = await open();
  far.sendFloor(taken);
  for (let frame = 0; frame < 500; frame++) {
    far.speak(Uint8Array.of(0xf8, 0xff, 0xfe), { marker: frame === 0 });
    await clock.advance(20);
  }
  assert.equal(told, ["hears sip:bob@example.org"]);
  await clock.advance(4_300);
  assert.equal(told, ["hears sip:bob@example.org", "silence"]);
});

test("who talks does not hear the end of another's speech, but everything up to the grant and after the burst", async () => {
  const { clock, far, heard, press, release } = await open(granted, 200);
  const encoder = await opus.encoder({ bitrate: 24_000 });
  const said = voice(48_000, 200 * 960);
  let frame = 0;
  const listen = async (frames: number): Promise<readonly number[]> => {
    const from = heard.length;
    for (const end = frame + frames; frame < end; frame++) {
      far.speak(encoder.encode(said.subarray(frame * 960, (frame + 1) * 960)), { marker: frame === 0 });
      await clock.advance(20);
    }
    return heard.slice(from);
  };
  await listen(50);
  press();
  assert.ok(
    (await listen(10)).every((level) => level > 200),
    "the request alone silences nobody",
  );
  const during = await listen(20);
  assert.ok(
    during.slice(3).every((level) => level === 0),
    `${during}`,
  );
  release();
  const after = await listen(20);
  assert.ok(
    after.slice(4).every((level) => level > 200),
    `${after}`,
  );
});

test("the encoder repeats itself until half a minute without loss has been reported, and again at the first loss", async () => {
  const { clock, far, microphone, press } = await open();
  microphone.hear(voice(48_000, 6 * 48_000));
  press();
  await clock.advance(100);
  const ssrc = far.packets[0]?.ssrc ?? 0;

  /** The share of packets that hold the frame before as well. */
  async function redundancy(): Promise<number> {
    await clock.advance(100);
    const before = far.packets.length;
    await clock.advance(500);
    const packets = far.packets.slice(before);
    // RFC 6716 §4.2.3 and §4.2.4, mono, 20 ms: behind the table of contents one bit of voice activity, one of LBRR.
    return packets.filter(({ payload }) => ((payload[1] ?? 0) & 0x40) !== 0).length / packets.length;
  }
  assert.ok((await redundancy()) > 0.5, "nothing is known of the network yet");
  for (let reports = 0; reports < 5; reports++) far.reportLoss(ssrc, 0);
  assert.ok((await redundancy()) > 0.5);
  far.reportLoss(ssrc, 0);
  assert.is(await redundancy(), 0);
  far.reportLoss(ssrc, 2);
  assert.ok((await redundancy()) > 0.5, "as much as repairs, however little was lost");
  far.reportLoss(ssrc, 0);
  assert.ok((await redundancy()) > 0.5);
});

test.run();
