import { test } from "uvu";
import * as assert from "uvu/assert";
import { denyCause, type FloorMessage, revokeCause } from "../../../firmware/floor/message.ts";
import { sessionReason, sessionType } from "../../../firmware/floor/session-message.ts";
import { correlation, rms, sine, voice } from "../media/signals.ts";
import { amplitude } from "../panel/bench.ts";
import { decoded, open, opus } from "./bench.ts";
import { connect, denied, disconnect, type FarEnd, granted, idle, revoked, taken } from "./far-end.ts";

const caller = "sip:bob@example.org";
/** An agent within reach of private calls; `called` where one is connected already. */
async function openReached({ called = false } = {}) {
  const bench = await open(granted, 0, { direct: 200 });
  const { clock, direct, told } = bench;
  if (called) {
    direct.sendControl(connect);
    direct.sendFloor(idle);
    await clock.advance(20);
  }
  told.length = 0;
  return {
    ...bench,
    /** Speech of these far ends, side by side. */
    async say(...speakers: readonly (readonly [FarEnd, Int16Array])[]): Promise<void> {
      const encoders = await Promise.all(speakers.map(() => opus.encoder({ bitrate: 24_000 })));
      const frames = Math.max(...speakers.map(([, samples]) => samples.length / 960));
      for (let frame = 0; frame < frames; frame++) {
        for (const [index, [far, samples]] of speakers.entries()) {
          const packet = encoders[index]?.encode(samples.subarray(frame * 960, (frame + 1) * 960));
          if (packet) far.speak(packet, { marker: frame === 0 });
        }
        await clock.advance(20);
      }
    },
    /** A press of half a second. */
    async burst(): Promise<void> {
      bench.press();
      await clock.advance(500);
      bench.release();
      await clock.advance(100);
    },
  };
}

test("both lines come up; the idle one carries reports and nothing else, and the talkgroup is what is ready", async () => {
  const { clock, server, direct, told, logged, decodings } = await openReached();
  assert.equal(server.direct.story, ["session"]);
  assert.ok(logged.includes("private calls can come"));
  await clock.advance(60_000);
  assert.is(decodings(), 0);
  assert.equal([direct.order, direct.control, told], [[], [], []]);
  assert.is(direct.rtcpTypes.filter((type) => type === "receiver-report").length, 12);
  server.bye();
  await clock.advance(50);
  assert.equal(told, ["not ready"]);
});

test("a call is acknowledged and told, heard while the talkgroup is idle, and told to be over", async () => {
  const { clock, direct, told, heard, say } = await openReached();
  direct.sendControl(connect);
  await clock.advance(20);
  assert.equal(direct.control, [
    {
      type: "acknowledgement",
      session: connect.session,
      sessionType: sessionType.private,
      reason: sessionReason.accepted,
    },
  ]);
  direct.sendFloor(taken);
  const said = voice(48_000, 100 * 960);
  await say([direct, said]);
  assert.ok(rms(heard.slice(-50)) > 0.8 * rms(said));
  direct.sendFloor(idle);
  direct.sendControl(disconnect);
  await clock.advance(1_000);
  assert.is(heard.at(-1), 0);
  assert.equal(told, [`called by ${caller}`, `hears ${caller}`, "silence", "call over"]);
  assert.is(direct.control.length, 2);
});

test("a talker of the call is gone with it, and what comes late of it brings neither back", async () => {
  const { clock, far, direct, told, burst } = await openReached({ called: true });
  direct.sendFloor(taken);
  direct.sendControl(disconnect);
  direct.sendFloor(taken);
  direct.sendControl(connect);
  await clock.advance(100);
  assert.equal(told, [`hears ${caller}`, "silence", "call over"]);
  await burst();
  assert.ok(far.packets.length >= 25);
});

test("both lines are heard at once: the talkgroup as loud as alone, the private call 12 dB behind it while it lasts", async () => {
  const { far, direct, told, played, say } = await openReached({ called: true });
  const [group, privately] = [sine(500, 48_000, 75 * 960), sine(1_300, 48_000, 75 * 960)];
  const levels = (): number[] => [500, 1_300].map((hertz) => amplitude(played(500), hertz));
  await say([direct, privately]);
  const [, alone = 0] = levels();
  direct.sendFloor(taken);
  far.sendFloor({ type: "taken", party: "sip:eve@example.org", mayRequest: true, sequence: 1 });
  await say([far, group], [direct, privately]);
  const [loud = 0, behind = 0] = levels();
  assert.ok(alone > 9_000, `the private call alone: ${alone}`);
  assert.ok(loud > 9_000, `the talkgroup beside it: ${loud}`);
  assert.ok(Math.abs(behind / alone - 0.25) < 0.03, `${behind} of ${alone}`);
  await say([direct, privately]);
  const [over = 0, again = 0] = levels();
  assert.ok(over < 100 && again > 0.95 * alone, `${over}, ${again} of ${alone}`);
  assert.equal(told, [`hears ${caller}`, "hears sip:eve@example.org"]);
});

test("two voices at full scale are clipped, not wrapped", async () => {
  const { far, direct, played, say } = await openReached({ called: true });
  const loud = sine(400, 48_000, 50 * 960, 32_000);
  await say([far, loud], [direct, loud]);
  const sound = played(400);
  assert.ok(sound.some((sample) => sample === 32_767));
  const steps = sound.slice(1).map((sample, index) => Math.abs(sample - (sound[index] ?? 0)));
  assert.ok(Math.max(...steps) < 4_000, `a step of ${Math.max(...steps)}`);
});

test("a press in a private call is for the call, and for the talkgroup again once it is over", async () => {
  const { clock, far, direct, told, burst } = await openReached({ called: true });
  await burst();
  assert.equal([far.order, told], [[], ["permit", "unkeyed"]]);
  assert.ok(direct.packets.length >= 25);
  direct.sendControl(disconnect);
  await clock.advance(20);
  const sent = direct.order.length;
  await burst();
  assert.is(direct.order.length, sent);
  assert.ok(far.packets.length >= 25);
  assert.equal(told, ["permit", "unkeyed", "call over", "permit", "unkeyed"]);
});

test("what is said from the press on arrives whole in a private call too, however late the grant", async () => {
  const { clock, direct, microphone, press, release } = await openReached({ called: true });
  direct.answer = ({ type }) => {
    if (type === "request") clock.after(300, () => direct.sendFloor(granted));
    return undefined;
  };
  await clock.advance(507.5);
  const said = voice(48_000, 48_000);
  press();
  microphone.hear(said);
  await clock.advance(1_000);
  release();
  await clock.advance(500);
  const { value } = correlation(said, await decoded(direct.packets), 28 * 48);
  assert.ok(value > 0.95, `correlation ${value}`);
});

test("a call that comes in mid-burst leaves the burst where it is; the next press is for the call", async () => {
  const { clock, far, direct, told, press, release, burst } = await openReached();
  press();
  await clock.advance(500);
  direct.sendControl(connect);
  direct.sendFloor(taken);
  await clock.advance(500);
  release();
  await clock.advance(100);
  assert.ok(far.packets.length >= 50);
  assert.equal(direct.order, []);
  await burst();
  assert.equal(direct.order.slice(0, 2), ["request", "rtp"]);
  assert.equal(
    far.order.filter((what) => what !== "rtp"),
    ["request", "release"],
  );
  assert.equal(told.slice(0, 4), ["permit", `called by ${caller}`, `hears ${caller}`, "unkeyed"]);
});

test("a press for a call right behind the release of a burst to the talkgroup lets that burst's floor go", async () => {
  const { clock, far, direct, press, release } = await openReached();
  press();
  await clock.advance(494);
  direct.sendControl(connect);
  await clock.advance(6);
  release();
  await clock.advance(1);
  press();
  await clock.advance(500);
  assert.is(far.order.at(-1), "release", "the last frame of the burst had not come yet");
  assert.ok(direct.packets.length >= 20);
});

test("a call that ends in mid-burst cuts it, and nothing of it reaches the talkgroup", async () => {
  for (const end of ["disconnect", "bye", "another call"] as const) {
    const { clock, server, far, direct, told, press, release, burst } = await openReached({ called: true });
    press();
    await clock.advance(500);
    if (end === "disconnect") direct.sendControl(disconnect);
    if (end === "bye") server.direct.bye();
    if (end === "another call")
      direct.sendControl({ ...connect, session: "sip:call-2@example.org", caller: "sip:al@example.org" });
    await clock.advance(50);
    const sent = direct.packets.length;
    await clock.advance(2_000);
    assert.equal(told.slice(0, 3), ["permit", "revoked", "call over"], end);
    assert.equal([far.order, direct.packets.length], [[], sent], end);
    release();
    await clock.advance(100);
    await burst();
    if (end === "another call") assert.ok(direct.packets.length > sent, end);
    else assert.ok(far.packets.length >= 25, end);
  }
});

test("a burst in a private call goes on while the talkgroup's session ends, or dies, and the talkgroup is back after it", async () => {
  for (const end of ["bye", "dead"] as const) {
    const { clock, server, far, direct, told, press, release } = await openReached({ called: true });
    if (end === "dead") {
      far.fallSilent();
      await clock.advance(15_000);
    }
    press();
    await clock.advance(500);
    if (end === "bye") server.bye();
    await clock.advance(end === "bye" ? 3_000 : 10_000);
    assert.equal(told, end === "bye" ? ["permit", "not ready"] : ["permit"], end);
    assert.ok(direct.packets.length >= 170, end);
    release();
    await clock.advance(15_000);
    assert.is(told.filter((what) => what === "revoked").length, 0, end);
    assert.ok(told.includes("ready"), end);
  }
});

test("a Connect that was lost is made up for by the floor control that follows it", async () => {
  for (const message of [taken, idle]) {
    const { clock, direct, told, burst } = await openReached();
    direct.sendFloor(message);
    await clock.advance(20);
    assert.equal(told.slice(0, 2), message === taken ? [`called by ${caller}`, `hears ${caller}`] : ["called by "]);
    await burst();
    assert.ok(direct.packets.length >= 25);
  }
});

const deserted: readonly (readonly [string, FloorMessage | undefined])[] = [
  ["does not answer", undefined],
  ["says that nobody is there", { type: "deny", cause: denyCause.alone }],
];

for (const [how, answer] of deserted)
  test(`a call whose Disconnect was lost costs one press in vain, where the server ${how}: the next is for the talkgroup`, async () => {
    const { clock, far, direct, told, press, release, burst } = await openReached({ called: true });
    direct.answer = () => answer;
    press();
    await clock.advance(3_000);
    release();
    await clock.advance(100);
    assert.equal(told, ["denied", "call over"]);
    assert.equal(far.order, []);
    await burst();
    assert.ok(far.packets.length >= 25);
  });

test("a call in which somebody else talks goes on, and so does one whose talker is revoked for another reason", async () => {
  const { clock, direct, told, press, release } = await openReached({ called: true });
  direct.answer = ({ type }) => (type === "request" ? denied : undefined);
  press();
  await clock.advance(100);
  release();
  direct.answer = ({ type }) => (type === "request" ? granted : undefined);
  press();
  await clock.advance(100);
  direct.sendFloor(revoked);
  await clock.advance(100);
  release();
  assert.equal(told, ["denied", "permit", "revoked"]);
  press();
  await clock.advance(100);
  direct.sendFloor({ type: "revoke", cause: revokeCause.alone });
  await clock.advance(100);
  assert.equal(told.slice(3), ["permit", "revoked", "call over"]);
});

test("who talks on one line hears neither", async () => {
  for (const called of [true, false]) {
    const { clock, far, direct, heard, press, say } = await openReached({ called });
    const said = voice(48_000, 50 * 960);
    press();
    await clock.advance(100);
    await say([far, said], [direct, said]);
    assert.ok(
      heard.slice(-45).every((level) => level === 0),
      `${heard.slice(-45)}`,
    );
  }
});

test.run();
