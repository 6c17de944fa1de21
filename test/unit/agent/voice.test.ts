import { test } from "uvu";
import * as assert from "uvu/assert";
import { openVoice } from "../../../firmware/agent/voice.ts";
import { decodeFloor, encodeFloor } from "../../../firmware/floor/message.ts";
import type { Agreement } from "../../../firmware/sip/negotiation.ts";
import { virtualClock } from "../../../hal/clock/virtual.ts";
import type { Address } from "../../../hal/network/port.ts";
import { simulatedNetwork } from "../../../hal/network/simulated.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";
import { nodeSrtp } from "../../../hal/srtp/node.ts";
import { rms, voice as speech } from "../media/signals.ts";
import { connect, disconnect, granted, openFarEnd } from "./far-end.ts";

const opus = await loadOpus();
const encoder = await opus.encoder({ bitrate: 24_000 });
const said = speech(48_000, 50 * 960);
const spoken = Array.from({ length: 50 }, (_, frame) =>
  encoder.encode(said.subarray(frame * 960, (frame + 1) * 960)).slice(),
);
const packet = spoken[0] ?? new Uint8Array(0);
const rtpAddress = { host: "10.0.0.1", port: 30_000 };

function agreementWith(audio: Address, payloadType = 111): Agreement {
  const next = { ...audio, port: audio.port + 1 };
  const both = { sends: true, queueing: true, hears: true, keyTypes: [], lines: { audio: 1, floor: 2 } };
  return { codec: "opus", payloadType, audio, rtcp: next, floor: next, ...both };
}

/** A voice that is connected to a far end. */
async function open() {
  const clock = virtualClock();
  const network = simulatedNetwork({ clock, latencyMs: 1 });
  const told: string[] = [];
  const far = await openFarEnd({ clock, network: network.host("10.0.0.1") }, rtpAddress);
  const voice = await openVoice(
    { clock, random: seededRandom(5), network: network.host("10.0.0.2"), opus, srtp: nodeSrtp() },
    { range: { host: "10.0.0.2", first: 20_000, last: 20_009 }, cname: "panel@example.org" },
    {
      onFloor: (data) => told.push(decodeFloor(data)?.message.type ?? "no floor message"),
      onCallControl: () => told.push("call control"),
      onSpeech: () => told.push("speech"),
      onLoss: (percent) => told.push(`loss ${percent}`),
      onLost: () => told.push("lost"),
    },
  );
  voice.connect(agreementWith(rtpAddress));
  far.meet(voice.local);
  /** The far end speaks for a second; returns what is played. */
  async function listen(payloadType = 111): Promise<Int16Array> {
    const heard = new Int16Array(50 * 960);
    for (const [frame, payload] of spoken.entries()) {
      far.speak(payload, { marker: frame === 0, payloadType });
      await clock.advance(20);
      voice.fill(heard.subarray(frame * 960, (frame + 1) * 960));
    }
    return heard;
  }
  return { clock, network, far, voice, told, listen };
}

test("packets are well-formed RTP of one source, numbered through bursts and sessions, marked where speech begins", async () => {
  const { clock, far, voice } = await open();
  const send = async (timestamp: number, first: boolean) => {
    voice.send(packet, timestamp, first);
    await clock.advance(20);
  };
  await send(960, true);
  await send(1_920, false);
  await send(96_000, true);
  voice.disconnect();
  voice.send(packet, 100_000, false);
  voice.connect(agreementWith(rtpAddress, 96));
  await send(0xffff_ffff, true);
  await send(959, false);
  assert.equal(
    far.packets.map(({ marker, timestamp, payloadType }) => ({ marker, timestamp, payloadType })),
    [
      { marker: true, timestamp: 960, payloadType: 111 },
      { marker: false, timestamp: 1_920, payloadType: 111 },
      { marker: true, timestamp: 96_000, payloadType: 111 },
      { marker: true, timestamp: 0xffff_ffff, payloadType: 96 },
      { marker: false, timestamp: 959, payloadType: 96 },
    ],
  );
  const [first] = far.packets;
  assert.equal(
    far.packets.map(({ sequence }) => sequence - (first?.sequence ?? 0)),
    [0, 1, 2, 3, 4],
  );
  assert.ok(far.packets.every(({ ssrc, payload }) => ssrc === voice.ssrc && payload.every((b, i) => b === packet[i])));
});

test("speech of the far end is played, under the payload number that was agreed and no other", async () => {
  const { voice, told, listen } = await open();
  const heard = await listen();
  assert.ok(rms(heard, 10 * 960) > 0.8 * rms(said), `rms ${rms(heard, 10 * 960)} of ${rms(said)}`);
  assert.is(told.filter((what) => what === "speech").length, 50);
  voice.connect(agreementWith(rtpAddress, 96));
  told.length = 0;
  assert.is(rms(await listen(), 10 * 960), 0);
  assert.equal(told, []);
  assert.ok(rms(await listen(96), 10 * 960) > 0.8 * rms(said));
});

test("what others send is not there: no speech, no floor, no calls, no reports, no sign of life", async () => {
  const { clock, network, far, voice, told } = await open();
  far.fallSilent();
  const stranger = await openFarEnd({ clock, network: network.host("10.0.0.66") }, { host: "10.0.0.66", port: 30_000 });
  const neighbour = await openFarEnd({ clock, network: network.host("10.0.0.1") }, { host: "10.0.0.1", port: 40_000 });
  const frame = new Int16Array(960);
  for (let step = 0; step < 1_000; step++) {
    for (const other of [stranger, neighbour]) {
      other.meet(voice.local);
      other.speak(packet, { marker: step === 0 });
      other.sendFloor(granted);
      other.sendControl(connect);
      other.reportLoss(voice.ssrc, 50);
    }
    await clock.advance(20);
    voice.fill(frame);
    assert.is(rms(frame), 0);
  }
  assert.equal(told, ["lost"]);
});

test("floor control and call control of the far end are told apart", async () => {
  const { clock, far, told } = await open();
  far.sendFloor(granted);
  far.sendControl(connect);
  far.sendControl(disconnect);
  await clock.advance(20);
  assert.equal(told, ["granted", "call control", "call control"]);
});

test("the far end's reports of loss are passed on, those about others are not", async () => {
  const { clock, far, voice, told } = await open();
  far.reportLoss(voice.ssrc, 25);
  far.reportLoss(voice.ssrc + 1, 75);
  far.reportLoss(voice.ssrc, 0);
  await clock.advance(20);
  assert.equal(told, ["loss 25", "loss 0"]);
});

test("the voice reports every five seconds, as a sender where it has sent, and says good-bye", async () => {
  const { clock, far, voice } = await open();
  await clock.advance(5_010);
  voice.send(packet, 960, true);
  await clock.advance(5_000);
  voice.disconnect();
  await clock.advance(60_000);
  assert.equal(
    far.rtcpTypes.filter((type) => type !== "source-description"),
    ["receiver-report", "sender-report", "receiver-report", "bye"],
  );
});

test("floor messages go to where floor control is agreed, and nowhere without a session", async () => {
  const { clock, far, voice } = await open();
  voice.sendFloor(encodeFloor({ type: "request" }, { ssrc: voice.ssrc }));
  await clock.advance(10);
  voice.disconnect();
  voice.sendFloor(encodeFloor({ type: "release" }, { ssrc: voice.ssrc }));
  await clock.advance(10);
  assert.equal(far.order, ["request"]);
});

test("a far end is lost after three reports that did not come; speech or a floor message is as good as a report", async () => {
  const { clock, far, told } = await open();
  await clock.advance(60_000);
  assert.equal(told, []);
  far.fallSilent();
  for (let round = 0; round < 6; round++) {
    await clock.advance(12_000);
    if (round % 2 === 0) far.speak(packet);
    else far.sendFloor(granted);
  }
  assert.not(told.includes("lost"));
  await clock.advance(14_000);
  assert.not(told.includes("lost"));
  await clock.advance(7_000);
  assert.is(told.at(-1), "lost");
});

test("a closed voice leaves its ports and nothing running", async () => {
  const { clock, network, far, voice } = await open();
  voice.close();
  far.close();
  await clock.advance(10);
  assert.is(clock.pending(), 0);
  for (const port of [voice.local.port, voice.local.port + 1])
    (await network.host("10.0.0.2").udp({ host: "10.0.0.2", port }, () => {})).close();
});

test.run();
