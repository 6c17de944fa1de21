import { test } from "uvu";
import * as assert from "uvu/assert";
import { outgoingStream, relayable, sourceTrack } from "../../../firmware/media/rewriter.ts";
import { readRtp, rtpHeaderLength, rtpView, writeRtpHeader } from "../../../firmware/media/rtp.ts";
import { plainStreams } from "../../../hal/network/streams.ts";

const frame = 960;

/** A leg, and a talker whose packets are numbered from `firstSequence` and `firstTimestamp` on. */
function leg() {
  const first = { sequence: 65_530, timestamp: 4_294_960_000 };
  const out = outgoingStream(plainStreams(1), 0, { ssrc: 0xfeed, ...first, clockRate: 48_000, payloadType: 111 });
  const track = sourceTrack(48_000);
  const stream = {
    begin(nowMs: number): void {
      track.begin();
      out.begin(nowMs);
    },
  };
  const view = rtpView();

  function relay(sequence: number, timestamp: number, marker = false) {
    const received = new Uint8Array(rtpHeaderLength + 4 + 2);
    writeRtpHeader(received, {
      payloadType: 96,
      marker,
      sequence: sequence & 0xffff,
      timestamp: timestamp >>> 0,
      ssrc: 77,
    });
    // One contributing source before a payload of two bytes.
    received[0] = 0x81;
    received.set([0xaa, 0xbb], 16);
    assert.ok(readRtp(received, view));
    const written = out.write(relayable(received, view), track.follow(view), 0);
    if (!written) return undefined;
    assert.ok(readRtp(written, view));
    assert.is(view.ssrc, 0xfeed);
    assert.is(view.payloadType, 111);
    assert.equal([...written.subarray(view.payloadOffset)], [0xaa, 0xbb]);
    return { sequence: view.sequence, timestamp: view.timestamp, marker: view.marker };
  }
  return { stream, relay };
}

test("two bursts of two talkers leave as one stream: numbers run on, and the pause is in the timestamp", () => {
  const { stream, relay } = leg();
  stream.begin(1000);
  assert.equal(relay(500, 7000, true), { sequence: 65_530, timestamp: 4_294_960_000, marker: true });
  for (let k = 1; k < 10; k++)
    assert.equal(relay(500 + k, 7000 + k * frame), {
      sequence: (65_530 + k) & 0xffff,
      timestamp: (4_294_960_000 + k * frame) >>> 0,
      marker: false,
    });
  stream.begin(3000);
  const second = relay(30_000, 123, true);
  assert.equal(second, {
    sequence: (65_530 + 10) & 0xffff,
    timestamp: (4_294_960_000 + 2000 * 48) >>> 0,
    marker: true,
  });
});

test("a burst that starts before the last one's sound has ended is put behind it", () => {
  const { stream, relay } = leg();
  stream.begin(1000);
  for (let k = 0; k < 50; k++) relay(k, k * frame, k === 0);
  stream.begin(1100);
  assert.is(relay(9000, 5, true)?.timestamp, (4_294_960_000 + 50 * frame) >>> 0);
});

test("what was lost on the way here stays a gap, and what was out of order stays so", () => {
  const { stream, relay } = leg();
  stream.begin(0);
  const sent = [0, 1, 4, 3, 5].map((k) => relay(65_534 + k, k * frame, k === 0)?.sequence);
  assert.equal(
    sent,
    [0, 1, 4, 3, 5].map((k) => (65_530 + k) & 0xffff),
  );
});

test("the first packet of a burst keeps its place when the second overtakes it", () => {
  const { stream, relay } = leg();
  stream.begin(0);
  const overtaker = relay(101, 960);
  const first = relay(100, 0, true);
  assert.ok(overtaker?.marker, "late entry or not, the first to leave is marked");
  assert.is(first?.sequence, ((overtaker?.sequence ?? 0) - 1) & 0xffff);
  assert.is(first?.timestamp, ((overtaker?.timestamp ?? 0) - 960) >>> 0);
});

test("a packet of before the burst does not go out", () => {
  const { stream, relay } = leg();
  stream.begin(0);
  relay(100, 0, true);
  assert.is(relay(99, -960), undefined);
  for (let k = 1; k < 50_000; k++) assert.ok(relay(100 + k, k * frame), "however long the burst");
});

test("a talker who restarts its numbers in mid-burst does not tear the leg's", () => {
  const { stream, relay } = leg();
  stream.begin(0);
  relay(100, 0, true);
  const before = relay(101, 960);
  const after = relay(40_000, 2_000_000_000);
  assert.is(
    ((after?.sequence ?? 0) - (before?.sequence ?? 0)) & 0xffff,
    2,
    "one number left free for a packet overtaken",
  );
  assert.is(((after?.timestamp ?? 0) - (before?.timestamp ?? 0)) >>> 0, 960);
  assert.is(relay(40_001, 2_000_000_960)?.sequence, ((after?.sequence ?? 0) + 1) & 0xffff);
});

test.run();
