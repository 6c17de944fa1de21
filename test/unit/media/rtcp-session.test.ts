import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseRtcp, type RtcpPacket } from "../../../firmware/media/rtcp.ts";
import { openRtcpSession, type RtcpSession } from "../../../firmware/media/rtcp-session.ts";
import { rtpHeaderLength, writeRtpHeader } from "../../../firmware/media/rtp.ts";
import { virtualClock } from "../../../hal/clock/virtual.ts";

/** Two ends whose packets take 30 ms each way. */
function twoEnds() {
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
