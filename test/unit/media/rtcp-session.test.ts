import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseRtcp, type RtcpPacket } from "../../../firmware/media/rtcp.ts";
import { openRtcpSession, type RtcpSession } from "../../../firmware/media/rtcp-session.ts";
import { rtpHeaderLength, writeRtpHeader } from "../../../firmware/media/rtp.ts";
import { virtualClock } from "../../../hal/clock/virtual.ts";

/** Two ends whose packets take 30 ms each way. */
function twoEnds(more: { readonly onward?: () => number } = {}) {
  const clock = virtualClock();
  const sent: (readonly RtcpPacket[])[] = [];
  const seen = { bye: false, loss: -1 };
  const talker: RtcpSession = openRtcpSession(
    { clock, send: (packet) => clock.after(30, () => listener.receive(packet, clock.now())) },
    {
      ssrc: 1,
      cname: "talker",
      onLoss(percent) {
        seen.loss = percent;
      },
    },
  );
  const listener: RtcpSession = openRtcpSession(
    {
      clock,
      send(packet) {
        sent.push(parseRtcp(packet) ?? []);
        clock.after(30, () => talker.receive(packet, clock.now()));
      },
    },
    {
      ssrc: 2,
      cname: "listener",
      ...more,
      onBye() {
        seen.bye = true;
      },
    },
  );
  async function talk(from: number, to: number, lost: (index: number) => boolean): Promise<void> {
    const packet = new Uint8Array(rtpHeaderLength + 60);
    for (let index = from; index < to; index++) {
      writeRtpHeader(packet, { payloadType: 111, marker: false, sequence: index, timestamp: index * 960, ssrc: 1 });
      talker.sent(60, index * 960, clock.now());
      if (!lost(index)) listener.received(packet, clock.now());
      await clock.advance(20);
    }
  }
  return { clock, talker, listener, talk, sent, seen };
}

test("jitter and round trip are as the network has them, after RFC 3550 §6.4.1 and A.8", async () => {
  const { talker, listener, clock, sent } = twoEnds();
  talker.start();
  listener.start();
  const packet = new Uint8Array(rtpHeaderLength + 60);
  // Alternately 0 and 12 ms late: each transit differs by 12 ms from the one before, 576 ticks of 48 kHz.
  for (let index = 0; index < 500; index++) {
    writeRtpHeader(packet, { payloadType: 111, marker: false, sequence: index, timestamp: index * 960, ssrc: 1 });
    talker.sent(60, index * 960, clock.now());
    const copy = packet.slice();
    clock.after(index % 2 === 0 ? 0 : 12, () => listener.received(copy, clock.now()));
    await clock.advance(20);
  }
  await clock.advance(100);
  const [report] = sent.at(-1) ?? [];
  if (report?.type !== "receiver-report") throw new Error("a receiver report");
  const [block] = report.reports;
  assert.ok(Math.abs((block?.jitter ?? 0) - 576) < 6, `${block?.jitter} ticks`);
  assert.is(block?.lost, 0);
  assert.is(block?.highestSequence, 499);
  const trip = talker.quality().roundTripMs ?? -1;
  assert.ok(Math.abs(trip - 60) < 1, `${trip} ms`);
});

test("who passes speech on reports what those lose who hear it, where that is more", async () => {
  const { talker, listener, talk, clock, seen } = twoEnds({ onward: () => 25 });
  talker.start();
  listener.start();
  await talk(0, 500, (index) => index % 10 === 9);
  await clock.advance(100);
  assert.is(seen.loss, 25);
});

test("a talker learns from the listener's reports what was lost and how far away it is", async () => {
  const { talker, listener, talk, clock, sent, seen } = twoEnds();
  talker.start();
  listener.start();
  await talk(0, 500, (index) => index % 10 === 9);
  await clock.advance(100);
  assert.ok(Math.abs(seen.loss - 10) <= 1, `${seen.loss} %`);
  const trip = talker.quality().roundTripMs ?? -1;
  assert.ok(Math.abs(trip - 60) < 1, `${trip} ms`);
  assert.is(sent.at(-1)?.[0]?.type, "receiver-report");
});

test("an idle end still reports, so that the other knows that it lives", async () => {
  const { listener, clock, sent } = twoEnds();
  listener.start();
  await clock.advance(20_100);
  assert.is(sent.length, 4);
  assert.equal(sent[0]?.[1], { type: "source-description", sources: [{ ssrc: 2, cname: "listener" }] });
});

test("who stops says goodbye, once, and is silent from then on", async () => {
  const { talker, listener, talk, clock, seen } = twoEnds();
  talker.start();
  listener.start();
  await talk(0, 10, () => false);
  talker.stop();
  talker.stop();
  await clock.advance(30);
  assert.ok(seen.bye);
});

test("a datagram that is no RTCP is refused", () => {
  assert.not(twoEnds().listener.receive(Uint8Array.from([0x80, 200, 0, 9]), 0));
});

test.run();
