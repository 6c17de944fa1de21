import { test } from "uvu";
import * as assert from "uvu/assert";
import { ProtocolError } from "../../../firmware/sip/message.ts";
import { answerTo, describe, parseSdp, type SessionDescription } from "../../../firmware/sip/sdp.ts";

const sdp = (...lines: readonly string[]) => `${lines.join("\r\n")}\r\n`;
const preamble = ["v=0", "o=- 100 2 IN IP4 192.0.2.7", "s=-", "c=IN IP4 192.0.2.7", "t=0 0"];

function status(text: string): number {
  try {
    parseSdp(text);
  } catch (error) {
    if (error instanceof ProtocolError) return error.status;
    throw error;
  }
  return 200;
}

const leg: SessionDescription = {
  origin: { id: "7001", version: 1, host: "192.0.2.1" },
  audio: {
    address: { host: "192.0.2.1", port: 5000 },
    rtcp: { host: "192.0.2.1", port: 5001 },
    codecs: [
      { name: "opus", payloadType: 111, clockRate: 48_000, channels: 2, parameters: "useinbandfec=1;stereo=0" },
      { name: "PCMU", payloadType: 0, clockRate: 8_000 },
      { name: "telephone-event", payloadType: 101, clockRate: 8_000, parameters: "0-15" },
    ],
    direction: "sendrecv",
    ptime: 20,
  },
  floor: { address: { host: "192.0.2.1", port: 5001 }, parameters: "mc_queueing;mc_priority=5" },
  order: ["audio", "floor"],
  others: [],
};

test("a leg's description reads back as it was written", () => {
  assert.equal(parseSdp(describe(leg)), leg);
  assert.ok(describe(leg).includes("a=rtpmap:111 opus/48000/2\r\n"));
  assert.ok(describe(leg).includes("m=application 5001 udp MCPTT\r\na=fmtp:MCPTT mc_queueing;mc_priority=5\r\n"));
});

test("a payload type is one codec however often it is named, and what is said of it first counts", () => {
  const text = sdp(
    ...preamble,
    "m=audio 4000 RTP/AVP 96 0 96 000 96 128 x",
    "a=rtpmap:96 opus/48000/2",
    "a=rtpmap:96 PCMA/8000",
    "a=fmtp:96 useinbandfec=1",
    "a=fmtp:96 useinbandfec=0",
  );
  assert.equal(parseSdp(text).audio?.codecs, [
    { name: "opus", payloadType: 96, clockRate: 48_000, channels: 2, parameters: "useinbandfec=1" },
    { name: "PCMU", payloadType: 0, clockRate: 8_000 },
  ]);
});

test("addresses of their own, IPv6 and RTCP elsewhere read back as they were written", () => {
  const apart: SessionDescription = {
    ...leg,
    origin: { ...leg.origin, host: "2001:db8::1" },
    ...(leg.audio && {
      audio: {
        ...leg.audio,
        address: { host: "2001:db8::1", port: 6000 },
        rtcp: { host: "2001:db8::2", port: 7000 },
        direction: "inactive",
      },
    }),
    floor: { address: { host: "192.0.2.9", port: 6001 }, parameters: "" },
    order: ["floor", "audio"],
  };
  assert.equal(parseSdp(describe(apart)), apart);
});

test("a softphone's answer that refuses the floor line is audio alone", () => {
  const answer = parseSdp(
    sdp(
      "v=0",
      "o=- 1811839921 2050427434 IN IP4 192.168.1.20",
      "s=-",
      "c=IN IP4 192.168.1.20",
      "t=0 0",
      "a=tool:baresip 3.10.1",
      "m=audio 29836 RTP/AVP 111 0",
      "b=AS:125",
      "a=rtpmap:111 OPUS/48000/2",
      "a=fmtp:111 stereo=0;sprop-stereo=0",
      "a=rtpmap:0 PCMU/8000",
      "a=rtcp:29837",
      "a=sendrecv",
      "a=label:1",
      "a=rtcp-rsize",
      "a=ssrc:2884187653 cname:sip:crew@192.168.1.1",
      "a=ptime:20",
      "m=application 0 udp MCPTT",
    ),
  );
  assert.is(answer.floor, undefined);
  assert.equal(answer.order, ["audio", "other"]);
  assert.equal(answer.others, [{ type: "application", protocol: "udp", formats: "MCPTT" }]);
  assert.equal(answer.audio, {
    address: { host: "192.168.1.20", port: 29_836 },
    rtcp: { host: "192.168.1.20", port: 29_837 },
    codecs: [
      { name: "opus", payloadType: 111, clockRate: 48_000, channels: 2, parameters: "stereo=0;sprop-stereo=0" },
      { name: "PCMU", payloadType: 0, clockRate: 8_000 },
    ],
    direction: "sendrecv",
    ptime: 20,
  });
});

test("the static payload types 0, 8 and 9 need no rtpmap; what nobody explains is left out", () => {
  const { audio } = parseSdp(sdp(...preamble, "m=audio 4000 RTP/AVP 9 8 0 18 97 98 200", "a=rtpmap:98 AMR/x"));
  assert.equal(
    audio?.codecs.map((codec) => `${codec.payloadType} ${codec.name}/${codec.clockRate}`),
    ["9 G722/8000", "8 PCMA/8000", "0 PCMU/8000"],
  );
});

test("audio of which nobody explains a codec is a line to refuse", () => {
  const offer = parseSdp(sdp(...preamble, "m=audio 4000 RTP/AVP 18 97"));
  assert.is(offer.audio, undefined);
  assert.match(describe(answerTo(offer, { origin: leg.origin })), "m=audio 0 RTP/AVP 18 97\r\n");
});

test("a medium's own address and direction win over the session's", () => {
  const session = [...preamble, "a=recvonly"];
  const own = parseSdp(sdp(...session, "m=audio 4000 RTP/AVP 0", "c=IN IP6 2001:DB8:0:0::0007", "a=sendonly"));
  assert.is(own.audio?.address.host, "2001:db8::7");
  assert.is(own.audio?.direction, "sendonly");
  assert.is(parseSdp(sdp(...session, "m=audio 4000 RTP/AVP 0")).audio?.direction, "recvonly");
});

test("an unspecified address is hold (RFC 3264 §8.4)", () => {
  const held = parseSdp(sdp(...preamble, "m=audio 4000 RTP/AVP 0", "c=IN IP4 0.0.0.0"));
  assert.is(held.audio?.direction, "sendonly");
});

const rich = sdp(
  ...preamble,
  "m=video 5004 RTP/AVP 96 97",
  "a=rtpmap:96 VP8/90000",
  "m=application 4001 UDP MCPTT",
  "a=fmtp:MCPTT mc_queueing",
  "m=audio 4002/2 RTP/AVP 0",
  "m=audio 4010 RTP/AVP 8",
  "m=audio 4020 RTP/SAVP 0",
  "m=x-data 9 UDP/DTLS/SCTP webrtc-datachannel",
);

test("an answer mirrors the offer's lines and refuses what it does not speak (RFC 3264 §6)", () => {
  const offer = parseSdp(rich);
  assert.equal(offer.order, ["other", "floor", "audio", "other", "other", "other"]);
  assert.is(offer.audio?.address.port, 4002);
  const lines = (accepted: Pick<SessionDescription, "audio" | "floor">) =>
    describe(answerTo(offer, { origin: leg.origin, ...accepted })).match(/^m=.*$/gm);

  const audio = offer.audio && { ...offer.audio, address: { host: "192.0.2.1", port: 5000 } };
  const refused = ["m=audio 0 RTP/AVP 8", "m=audio 0 RTP/SAVP 0", "m=x-data 0 UDP/DTLS/SCTP webrtc-datachannel"];
  assert.equal(audio && lines({ audio }), [
    "m=video 0 RTP/AVP 96 97",
    "m=application 0 udp MCPTT",
    "m=audio 5000 RTP/AVP 0",
    ...refused,
  ]);
  assert.is(lines({})?.[2], "m=audio 0 RTP/AVP 0");
});

test("an answer never adds a line to the offer", () => {
  const answer = answerTo(parseSdp(sdp(...preamble, "m=audio 4000 RTP/AVP 0")), leg);
  assert.is(answer.floor, undefined);
  assert.not.match(describe(answer), "MCPTT");
});

for (const [what, text, expected] of [
  ["nothing", "", 400],
  ["no origin", sdp("v=0", "s=-", "t=0 0"), 400],
  ["another version", sdp("v=1", ...preamble.slice(1)), 400],
  ["audio without an address", sdp("v=0", "o=- 1 1 IN IP4 h", "m=audio 4000 RTP/AVP 0"), 400],
  ["a short m-line", sdp(...preamble, "m=audio 4000 RTP/AVP"), 400],
  ["a port that is no port", sdp(...preamble, "m=audio 70000 RTP/AVP 0"), 400],
  ["no room for RTCP", sdp(...preamble, "m=audio 65535 RTP/AVP 0"), 400],
  ["a host name", sdp(...preamble, "m=audio 4000 RTP/AVP 0", "c=IN IP4 example.org"), 488],
  ["a multicast group", sdp(...preamble, "m=audio 4000 RTP/AVP 0", "c=IN IP4 224.2.1.1/127"), 488],
  ["seventeen media", sdp(...preamble, ...Array(17).fill("m=audio 4000 RTP/AVP 0")), 400],
  ["more than 16 KiB", sdp(...preamble, `a=${"x".repeat(16_384)}`), 413],
] as const)
  test(`a description with ${what} is refused with ${expected}`, () => assert.is(status(text), expected));

test("nothing that breaks a line is ever written", () => {
  const floor = { address: { host: "192.0.2.1", port: 1 }, parameters: "x\r\na=evil" };
  assert.throws(() => describe({ ...leg, floor }));
  assert.throws(() => describe({ ...leg, origin: { ...leg.origin, id: "1\n" } }));
});

test.run();
