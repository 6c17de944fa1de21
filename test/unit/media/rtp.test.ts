import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  isRtcp,
  readRtp,
  rtpHeaderLength,
  rtpView,
  sequenceAfter,
  sequenceDistance,
  timestampDistance,
  unwrapSequence,
  writeRtpHeader,
} from "../../../firmware/media/rtp.ts";
import { seeded } from "./signals.ts";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));

test("a header that was written is read back", () => {
  const packet = new Uint8Array(rtpHeaderLength + 3);
  const fields = { payloadType: 111, marker: true, sequence: 65_535, timestamp: 4_294_967_295, ssrc: 0xdeadbeef };
  writeRtpHeader(packet, fields);
  const view = rtpView();
  assert.ok(readRtp(packet, view));
  assert.equal(view, { ...fields, payloadOffset: 12, payloadLength: 3 });
});

test("contributing sources, an extension and padding are passed over", () => {
  const view = rtpView();
  //           V=2 P X CC=2, M PT=0              CSRCs             extension of one word    payload padding
  const packet = bytes("b2 80 0001 00000002 00000003 00000004 00000005 bede 0001 aabbccdd 1122 000003");
  assert.ok(readRtp(packet, view));
  assert.is(view.payloadOffset, 28);
  assert.is(view.payloadLength, 2);
  assert.is(packet[view.payloadOffset], 0x11);
});

test("a packet whose lengths do not add up is no RTP", () => {
  const header = "80 00 0001 00000002 00000003";
  const refused = {
    "of another version": `40${header.slice(2)}`,
    "shorter than a header": header.slice(0, -2),
    "with sources beyond its end": `8f${header.slice(2)}`,
    "with half an extension header": `90${header.slice(2)} bede`,
    "with an extension beyond its end": `90${header.slice(2)} bede 0002 00000000`,
    "with more padding than payload": `a0${header.slice(2)} 0003`,
    "with padding of nothing": `a0${header.slice(2)} 0000`,
  };
  for (const [what, hex] of Object.entries(refused)) assert.not(readRtp(bytes(hex), rtpView()), what);
});

test("RTCP and RTP are told apart on one port", () => {
  assert.ok(isRtcp(bytes("80 c8 0001")), "sender report");
  assert.ok(isRtcp(bytes("81 cc 0002")), "application packet");
  assert.not(isRtcp(bytes("80 6f 0001")), "Opus");
  assert.not(isRtcp(bytes("80 ef 0001")), "Opus with marker");
  assert.not(isRtcp(bytes("80 80 0001")), "PCMU with marker");
});

test("sequences and timestamps are compared across their wrap-around", () => {
  assert.ok(sequenceAfter(2, 65_534));
  assert.not(sequenceAfter(65_534, 2));
  assert.not(sequenceAfter(7, 7));
  assert.is(sequenceDistance(65_530, 4), 10);
  assert.is(timestampDistance(0xffff_fc40, 0), 960);
  assert.is(unwrapSequence(3, 65_534), 65_539);
  assert.is(unwrapSequence(65_534, 65_539), 65_534);
});

test("3,000 mutated packets are refused or lie within their data", () => {
  const random = seeded(1);
  const view = rtpView();
  const sound = bytes("b2 80 0001 00000002 00000003 00000004 00000005 bede 0001 aabbccdd 1122 000003");
  for (let count = 0; count < 3000; count++) {
    const packet = sound.slice(0, Math.ceil(random() * sound.length));
    for (let flips = 0; flips < 3; flips++) packet[Math.floor(random() * packet.length)] = random() * 256;
    if (!readRtp(packet, view)) continue;
    assert.ok(view.payloadOffset >= 12 && view.payloadLength >= 0);
    assert.ok(view.payloadOffset + view.payloadLength <= packet.length);
  }
});

test.run();
