import { test } from "uvu";
import * as assert from "uvu/assert";
import { streamFramer } from "../../../firmware/sip/framer.ts";
import { header, ProtocolError, type SipMessage } from "../../../firmware/sip/message.ts";
import { MalformedMessage, parseMessage } from "../../../firmware/sip/parse.ts";
import { answerTo, describe, parseSdp } from "../../../firmware/sip/sdp.ts";
import { responseTo, serialize } from "../../../firmware/sip/serialize.ts";
import { formatUri, parseUri } from "../../../firmware/sip/uri.ts";
import { dice, join, mutated } from "../../support/sip-mutations.ts";
import { attempt, headerReaders } from "../../support/sip-readers.ts";
import { traffic } from "../../support/sip-traffic.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);

const sdp = [
  "v=0",
  "o=- 1 1 IN IP4 192.0.2.7",
  "s=-",
  "c=IN IP4 192.0.2.7",
  "t=0 0",
  "m=audio 4000 RTP/AVP 111 0 101",
  "a=rtpmap:111 opus/48000/2",
  "a=fmtp:111 useinbandfec=1;stereo=0",
  "a=rtpmap:101 telephone-event/8000",
  "a=rtcp:4001 IN IP6 2001:db8::1",
  "a=ptime:20",
  "a=sendrecv",
  "m=application 4001 udp MCPTT",
  "a=fmtp:MCPTT mc_queueing;mc_priority=5",
  "m=video 0 RTP/AVP 96",
  "",
].join("\r\n");

function message(start: string, cseq: string, fields: readonly string[], body = ""): Uint8Array {
  const head = [
    start,
    "Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK776;rport, SIP/2.0/TCP [2001:db8::1]:5070;branch=z9hG4bK1",
    "Max-Forwards: 70",
    'From: "Alice \\"A\\", née B" <sip:alice@example.org>;tag=1928301774',
    "To: <sip:bob@example.org;transport=tcp>",
    "Call-ID: a84b4c76e66710@192.0.2.7",
    `CSeq: ${cseq}`,
  ];
  return bytes([...head, ...fields, `Content-Length: ${bytes(body).length}`, "", body].join("\r\n"));
}

const corpus = [
  message("REGISTER sip:example.org SIP/2.0", "1 REGISTER", [
    'Contact: <sip:alice@192.0.2.7:5060;ob>;+sip.instance="<urn:uuid:0>";expires=300, "x" <sip:alice@[::1]>',
    'Authorization: Digest username="alice", realm="r", nonce="n,\\"q", uri="sip:example.org", qop=auth, nc=00000001',
    "Expires: 300",
  ]),
  message("INVITE sip:tg%31@example.org;a=b?x=y SIP/2.0", "2 INVITE", ["c: application/sdp", "m: <sip:a@b>"], sdp),
  message("SUBSCRIBE sip:ops@example.org SIP/2.0", "3 SUBSCRIBE", [
    "o: presence;id=7",
    "u: presence",
    "Accept:",
    " a/b,",
    "\tc/d",
  ]),
  message("ACK tel:+1-555 SIP/2.0", "4 ACK", ["Route: <sip:p1;lr>,<sip:p2;lr>", "__proto__: x"]),
  message("SIP/2.0 200 OK", "5 INVITE", ["Record-Route: <sip:p1;lr>", "Contact: *", "Server: é"], sdp),
  ...traffic.map(({ bytes }) => bytes),
];

/** Runs `read`; anything but a value or a ProtocolError fails the test. */
function survives<T>(read: () => T, input: Uint8Array | string): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof MalformedMessage && error.partial) serialize(responseTo(error.partial, error.status));
    if (error instanceof ProtocolError) return undefined;
    throw new Error(`${error} for ${JSON.stringify(typeof input === "string" ? input : text(input))}`);
  }
}

/** Everything the endpoint would do with a message that was accepted. */
function use(accepted: SipMessage): void {
  for (const [name, value] of accepted.headers) survives(() => headerReaders.get(name)?.(value), value);
  assert.equal(parseMessage(serialize(accepted)).body, accepted.body);
  if (accepted.kind === "response") return;
  survives(() => formatUri(parseUri(accepted.uri)), accepted.uri);
  parseMessage(serialize(responseTo(accepted, 200, { toTag: "t" })));
}

test("60 messages of phones, exchanges and this gateway are read, and all that is in them", () => {
  assert.is(traffic.length, 60);
  for (const { title, bytes } of traffic) {
    const message = parseMessage(bytes);
    for (const [name, value] of message.headers)
      assert.ok(
        attempt(() => headerReaders.get(name)?.(value)),
        title,
      );
    if (header(message, "content-type") === "application/sdp") parseSdp(text(message.body));
    else if (message.body.length === 0) assert.is(text(bytes.slice(-4)), "\r\n\r\n", title);
  }
});

test("6,000 spoilt messages are each read or refused, and each can be answered", () => {
  const roll = dice(3261);
  let read = 0;
  for (let i = 0; i < 6_000; i++) {
    const pick = () => corpus[roll(corpus.length)] ?? bytes("");
    const data = mutated(pick(), roll, pick);
    const accepted = survives(() => parseMessage(data), data);
    if (accepted) {
      read++;
      use(accepted);
    }
  }
  // Both outcomes must be common, or the spoiling proves nothing.
  assert.ok(read > 600 && read < 5_400, `${read} of 6000 read`);
});

test("4,000 spoilt session descriptions are each read or refused, and every one that is read can be answered", () => {
  const roll = dice(8866);
  let read = 0;
  for (let i = 0; i < 4_000; i++) {
    const data = mutated(bytes(sdp), roll, () => bytes(sdp));
    const offer = survives(() => parseSdp(text(data)), data);
    if (offer) {
      read++;
      parseSdp(describe(answerTo(offer, offer)));
    }
  }
  assert.ok(read > 400 && read < 3_600, `${read} of 4000 read`);
});

test("1,000 spoilt streams end in messages or in one error", () => {
  const roll = dice(5626);
  for (let i = 0; i < 1_000; i++) {
    const whole = join(...corpus.slice(0, 8));
    const data = mutated(whole, roll, () => whole);
    let errors = 0;
    const framer = streamFramer({
      onMessage: (frame) => survives(() => parseMessage(frame), frame),
      onPing: () => {},
      onError: () => errors++,
    });
    for (let at = 0; at < data.length; ) {
      const size = 1 + roll(400);
      framer.receive(data.subarray(at, at + size));
      at += size;
    }
    assert.ok(errors <= 1);
  }
});

test("a sender of one byte at a time costs no more than its bytes", () => {
  const data = bytes(`X: y${"\r".repeat(70_000)}`);
  let errors = 0;
  const framer = streamFramer({ onMessage: () => {}, onPing: () => {}, onError: () => errors++ });
  for (let at = 0; at < data.length; at++) framer.receive(data.subarray(at, at + 1));
  assert.is(errors, 1);
});

test.run();
