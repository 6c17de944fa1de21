import { test } from "uvu";
import * as assert from "uvu/assert";
import { acknowledgeBit, encodeFloor } from "../../../firmware/floor/message.ts";
import { rtpHeaderLength, writeRtpHeader } from "../../../firmware/media/rtp.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";
import { numbersOf, openSite, payloads, say, upTo } from "./site.ts";

const opus = await loadOpus();

/** A machine that has no business here. */
const stranger = "10.66.66.66";

function speech(payloadType: number): Uint8Array {
  const packet = new Uint8Array(rtpHeaderLength + 5);
  writeRtpHeader(packet, { payloadType, marker: true, sequence: 1, timestamp: 1, ssrc: 666 });
  packet.set([0xf8, 66, 6, 6, 6], rtpHeaderLength);
  return packet;
}

test("a leg is provisioned, offered and answered, and its terminal learns that the floor is idle", async () => {
  const site = openSite({ opus });
  const alice = await site.member("alice");
  assert.equal(site.news(), ["offer", "ready"]);
  assert.equal(alice.news(), ["idle"]);
  assert.is(await site.close(), 0);
});

test("a terminal that brings an offer is answered, and its leg is ready at once", async () => {
  const site = openSite({ opus });
  const alice = await site.terminal({ codec: "PCMA" });
  site.conference.receive({ type: "provision", options: site.legOptions("alice"), offer: alice.offer() });
  await site.clock.advance(0);
  const [answer, ready] = site.events;
  if (answer?.type !== "answer") throw new Error(`no answer but ${JSON.stringify(answer)}`);
  assert.is(ready?.type, "ready");
  alice.accept(answer.sdp);
  assert.is(alice.server().codec, "PCMA");
  assert.equal(alice.news(), ["idle"]);
  assert.is(await site.close(), 0);
});

test("an unknown talkgroup is refused with 404, no codec in common with 488, no free ports with 503", async () => {
  const site = openSite({ opus, pairs: 1 });
  const refusal = async (leg: string, act: () => void) => {
    act();
    await site.clock.advance(0);
    const event = site.events.splice(0).at(-1);
    return event?.type === "refused" && event.leg === leg ? event.status : event;
  };
  const { receive } = site.conference;
  const provision = (leg: string, talkgroup = "ops", offer?: string) =>
    receive({ type: "provision", options: site.legOptions(leg, { talkgroup }), ...(offer && { offer }) });
  const foreign = (sdp: string) => sdp.replaceAll("opus", "speex").replaceAll(/ 0 8\b/g, "");

  assert.is(await refusal("1", () => provision("1", "nobody")), 404);
  const offer = await site.offer("2");
  assert.is(await refusal("3", () => provision("3")), 503);
  const answer = foreign((await site.terminal()).answer(offer));
  assert.is(await refusal("2", () => receive({ type: "accept", leg: "2", answer })), 488);
  const other = foreign((await site.terminal()).offer());
  assert.is(await refusal("4", () => provision("4", "ops", other)), 488);
  assert.is(await refusal("5", () => provision("5", "ops", "v=0\r\no=nonsense")), 400);
  assert.is(await refusal("6", () => receive({ type: "accept", leg: "6", answer })), 481);
  await site.offer("7");
  assert.is(await site.close(), 0);
});

test("a name that is in use is refused with 482, and nobody more than 2,000 legs hold", async () => {
  const site = openSite({ opus, pairs: 8_000 });
  await site.offer("0");
  for (let count = 0; count <= 2_000; count++)
    site.conference.receive({ type: "provision", options: site.legOptions(`${count}`) });
  await site.clock.advance(0);
  const refusals = site.events.flatMap((event) => (event.type === "refused" ? [[event.leg, event.status]] : []));
  assert.equal(refusals, [
    ["0", 482],
    ["2000", 503],
  ]);
  assert.is(await site.close(), 0);
});

test("a leg takes one answer; a second one ends it", async () => {
  const site = openSite({ opus });
  const alice = await site.member("alice", { codec: "PCMU" });
  const bob = await site.member("bob");
  site.news();
  site.conference.receive({ type: "accept", leg: "alice", answer: (await site.terminal()).offer() });
  assert.equal(site.news(), ["refused"]);
  bob.press();
  await site.clock.advance(0);
  await say(site.clock, bob, payloads(2));
  assert.is(alice.heard.length, 0);
  assert.is(await site.close(), 0);
});

test("a leg that is given back while its ports are being opened leaves nothing behind", async () => {
  const site = openSite({ opus, pairs: 1 });
  site.conference.receive({ type: "provision", options: site.legOptions("early") });
  site.conference.receive({ type: "release", leg: "early" });
  await site.clock.advance(0);
  assert.equal(site.news(), []);
  await site.member("alice");
  assert.equal(site.news(), ["offer", "ready"]);
  site.conference.receive({ type: "provision", options: site.legOptions("in vain") });
  site.conference.receive({ type: "release", leg: "in vain" });
  await site.clock.advance(0);
  assert.equal(site.news(), [], "there are no ports, but nobody wants any");
  assert.is(await site.close(), 0);
});

test("a leg that is given back the moment it is answered does not stand", async () => {
  const site = openSite({ opus, pairs: 1 });
  const offer = (await site.terminal()).offer();
  site.onEvent = ({ type }) => {
    if (type === "answer") site.conference.receive({ type: "release", leg: "brief" });
  };
  site.conference.receive({ type: "provision", options: site.legOptions("brief"), offer });
  await site.clock.advance(0);
  assert.equal(site.news(), ["answer"]);
  await site.offer("next");
  assert.is(await site.close(), 0);
});

test("the floor and the voice are the terminal's alone: what a stranger sends is nothing", async () => {
  const site = openSite({ opus });
  const alice = await site.member("alice");
  const bob = await site.member("bob");
  const outside = await site.network.host(stranger).udp({ host: stranger, port: 5000 }, () => {});
  const { audio, rtcp, payloadType } = alice.server();
  await site.clock.advance(5_000);
  alice.news();

  outside.send(encodeFloor({ type: "request" }, { ssrc: 666 }), rtcp);
  await site.clock.advance(0);
  assert.equal(alice.news(), [], "nobody asked");

  alice.press();
  await site.clock.advance(0);
  outside.send(speech(payloadType), audio);
  outside.send(encodeFloor({ type: "release" }, { ssrc: 666 }), rtcp);
  await say(site.clock, alice, payloads(3));
  assert.equal(alice.news(), ["granted"]);
  assert.equal(numbersOf(bob), upTo(3));
  outside.close();
  assert.is(await site.close(), 0);
});

test("only the codec that was agreed is relayed: no comfort noise, no other payload type, no empty packet", async () => {
  const site = openSite({ opus });
  const alice = await site.member("alice");
  const bob = await site.member("bob");
  alice.press();
  await site.clock.advance(0);
  for (const payloadType of [0, 13, 101, 110]) alice.sendRtp(speech(payloadType));
  alice.sendRtp(speech(111).subarray(0, rtpHeaderLength));
  await say(site.clock, alice, payloads(2));
  assert.equal(numbersOf(bob), upTo(2));
  assert.is(await site.close(), 0);
});

test("a stranger who is first to send does not hear the talkgroup once the terminal has been heard", async () => {
  const site = openSite({ opus });
  const alice = await site.member("alice");
  const bob = await site.member("bob");
  let overheard = 0;
  const outside = await site.network.host(stranger).udp({ host: stranger, port: 5000 }, () => overheard++);
  outside.send(speech(111), alice.server().audio);
  outside.send(encodeFloor({ type: "request" }, { ssrc: 666 }), alice.server().rtcp);
  await site.clock.advance(5_000);

  overheard = 0;
  bob.press();
  await site.clock.advance(0);
  outside.send(speech(111), alice.server().audio);
  await say(site.clock, bob, payloads(5));
  assert.equal(numbersOf(alice), upTo(5));
  assert.is(overheard, 0);
  outside.close();
  assert.is(await site.close(), 0);
});

test("another terminal at the same host does not take the place of the one that was described", async () => {
  const site = openSite({ opus });
  const alice = await site.member("alice");
  const bob = await site.member("bob");
  const neighbour = await site.network.host("10.0.0.1").udp({ host: "10.0.0.1", port: 5000 }, () => {});
  neighbour.send(speech(111), alice.server().audio);
  neighbour.send(encodeFloor({ type: "request" }, { ssrc: 666 }), alice.server().rtcp);
  await site.clock.advance(5_000);
  // The neighbour was taken for her, and fell silent: she says that she has let go.
  alice.release();
  alice.press();
  await site.clock.advance(0);
  await say(site.clock, alice, payloads(1));
  neighbour.send(speech(111), alice.server().audio);
  neighbour.send(encodeFloor({ type: "release" }, { ssrc: 666 }), alice.server().rtcp);
  await say(site.clock, alice, payloads(4, 1));
  assert.equal(numbersOf(bob), upTo(5));
  neighbour.close();
  assert.is(await site.close(), 0);
});

test("a terminal behind a NAT is heard and reached where its packets come from", async () => {
  const site = openSite({ opus });
  const away = { local: { host: "10.9.9.9", port: 31_000 }, describedAs: "192.168.1.2" };
  const alice = await site.member("alice", away);
  const bob = await site.member("bob");
  const outside = await site.network.host(stranger).udp({ host: stranger, port: 5000 }, () => {});
  for (const garbage of [[], [0], [0x80, 7, 7, 7], speech(0)]) {
    outside.send(Uint8Array.from(garbage), alice.server().audio);
    outside.send(Uint8Array.from(garbage), alice.server().rtcp);
  }
  await site.clock.advance(0);
  alice.press();
  await site.clock.advance(0);
  assert.equal(alice.news(), ["granted"]);
  await say(site.clock, alice, payloads(3));
  assert.equal(numbersOf(bob), upTo(3));
  alice.release();
  await site.clock.advance(0);
  bob.press();
  await site.clock.advance(0);
  await say(site.clock, bob, payloads(3));
  assert.equal(numbersOf(alice), upTo(3));
  outside.close();
  assert.is(await site.close(), 0);
});

test("an idle leg is kept open by an empty datagram every 15 s, and speech makes it needless", async () => {
  const site = openSite({ opus });
  const start = site.clock.now();
  const alice = await site.member("alice");
  const bob = await site.member("bob");
  await site.clock.advance(46_000);
  assert.equal(
    alice.keptAliveAt.map((at) => at - start),
    [15_000, 30_000, 45_000],
  );
  bob.press();
  await site.clock.advance(0);
  await say(site.clock, bob, payloads(200));
  bob.release();
  await site.clock.advance(14_000);
  assert.is(alice.keptAliveAt.length, 3);
  assert.is(await site.close(), 0);
});

test("a terminal that gives no sign of life for 45 s is lost, and its ports are free again", async () => {
  const site = openSite({ opus, pairs: 1 });
  const alice = await site.terminal({ reports: false });
  const answer = alice.answer(await site.offer("alice"));
  await site.clock.advance(7_000);
  site.conference.receive({ type: "accept", leg: "alice", answer });
  site.news();
  await site.clock.advance(44_999);
  assert.equal(site.news(), []);
  await site.clock.advance(5_001);
  assert.equal(site.news(), ["lost"]);
  await site.offer("next");
  assert.is(await site.close(), 0);
});

test("reports go both ways and keep a silent leg alive; a leg that is given back says goodbye", async () => {
  const site = openSite({ opus });
  const alice = await site.member("alice");
  site.news();
  await site.clock.advance(120_000);
  assert.equal(site.news(), []);
  const types = alice.reported.map(({ type }) => type);
  assert.is(types.filter((type) => type === "receiver-report").length, 24);
  site.conference.receive({ type: "release", leg: "alice" });
  await site.clock.advance(0);
  assert.is(alice.reported.at(-1)?.type, "bye");
  assert.is(await site.close(), 0);
});

test("a report says what was sent, by the leg's own timestamps, and how the terminal is heard", async () => {
  const site = openSite({ opus });
  const alice = await site.member("alice");
  const bob = await site.member("bob");
  alice.press();
  await site.clock.advance(0);
  await say(site.clock, alice, payloads(10));
  await site.clock.advance(5_000);
  const toBob = bob.reported.find(({ type }) => type === "sender-report");
  const last = bob.heard.at(-1);
  if (toBob?.type !== "sender-report" || !last) throw new Error("no sender report");
  assert.is(toBob.sender.packets, 10);
  assert.is(toBob.sender.octets, 50);
  assert.is((toBob.sender.timestamp - last.timestamp) >>> 0, (toBob.at - last.at) * 48);
  const toAlice = alice.reported.find(({ type }) => type === "receiver-report");
  assert.is(toAlice?.type === "receiver-report" && toAlice.reports[0]?.lost, 0);
  assert.is(await site.close(), 0);
});

test("an Ack is sent where one is asked for", async () => {
  const site = openSite({ opus });
  const alice = await site.member("alice");
  alice.news();
  alice.request({ type: "release" }, true);
  await site.clock.advance(0);
  assert.equal(
    alice.told.map(({ at: _, ...message }) => message),
    [{ type: "ack", of: 4 | acknowledgeBit, source: 2 }],
  );
  assert.is(await site.close(), 0);
});

test("garbage, truncated and huge datagrams, before and after the agreement, harm nobody", async () => {
  const site = openSite({ opus });
  const random = seededRandom(5);
  const alice = await site.member("alice");
  const bob = await site.member("bob");
  const leg = await site.offer("unanswered");
  const port = Number(/m=audio (\d+)/.exec(leg)?.[1]);
  const outside = await site.network.host(stranger).udp({ host: stranger, port: 5000 }, () => {});
  for (let count = 0; count < 500; count++) {
    outside.send(speech(111), { host: "10.0.0.1", port });
    outside.send(encodeFloor({ type: "request" }, { ssrc: 1 }), { host: "10.0.0.1", port: port + 1 });
  }
  alice.press();
  await site.clock.advance(0);
  const floor = encodeFloor({ type: "request", userId: "sip:x" }, { ssrc: 1 });
  for (let count = 0; count < 2_000; count++) {
    const rtp = speech(count % 3 === 0 ? 111 : Math.floor(random.fraction() * 128));
    const control = floor.slice();
    for (let flips = 0; flips < 3; flips++) {
      rtp[Math.floor(random.fraction() * rtpHeaderLength)] = random.fraction() * 256;
      control[Math.floor(random.fraction() * control.length)] = random.fraction() * 256;
    }
    alice.sendRtp(rtp.subarray(0, random.fraction() * rtp.length));
    bob.sendRtp(rtp);
    bob.sendRtcp(control.subarray(0, random.fraction() * control.length));
    bob.sendRtcp(random.bytes(count % 90));
  }
  const huge = new Uint8Array(60_000);
  huge.set(speech(111));
  alice.sendRtp(huge);
  alice.sendRtcp(huge);
  await site.clock.advance(0);
  assert.is(bob.heard.filter(({ payload }) => payload.length > 1_500).length, 0);
  bob.heard.length = 0;
  await say(site.clock, alice, payloads(5));
  assert.equal(numbersOf(bob), upTo(5));
  outside.close();
  assert.is(await site.close(), 0);
});

test.run();
