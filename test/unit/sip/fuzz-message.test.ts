import { test } from "uvu";
import * as assert from "uvu/assert";
import { streamFramer } from "../../../firmware/sip/framer.ts";
import * as grammar from "../../../firmware/sip/header.ts";
import { ProtocolError, type SipMessage } from "../../../firmware/sip/message.ts";
import { MalformedMessage, parseMessage } from "../../../firmware/sip/parse.ts";
import { answerTo, describe, parseSdp } from "../../../firmware/sip/sdp.ts";
import { responseTo, serialize } from "../../../firmware/sip/serialize.ts";
import { formatUri, parseUri } from "../../../firmware/sip/uri.ts";

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
];

/** mulberry32: the same run for the same seed. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  };
}

const tokens = [
  "\r\n",
  "\r\n\r\n",
  "\n",
  "\r",
  "\0",
  ";",
  ",",
  "<",
  ">",
  '"',
  "\\",
  "%",
  ":",
  "=",
  "[",
  "]",
  " ",
  "\t",
  "@",
];
tokens.push(
  "__proto__",
  ";__proto__=1",
  "Content-Length: -1\r\n",
  "l: 99999999999999999999\r\n",
  "SIP/2.0",
  "\ufeff",
  "m=",
  "a=rtpmap:",
);

type Roll = (sides: number) => number;
const cut = (data: Uint8Array, from: number, to: number) => data.subarray(Math.min(from, to), Math.max(from, to));
const join = (...parts: readonly Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));

const mutations: readonly ((data: Uint8Array, roll: Roll, other: Uint8Array) => Uint8Array)[] = [
  // Bits flipped.
  (data, roll) => {
    const copy = Uint8Array.from(data);
    for (let i = roll(8); i >= 0; i--) {
      const at = roll(copy.length);
      copy[at] = (copy[at] ?? 0) ^ (1 << roll(8));
    }
    return copy;
  },
  // Cut short.
  (data, roll) => data.slice(0, roll(data.length)),
  // A piece taken out.
  (data, roll) => {
    const at = roll(data.length);
    return join(data.subarray(0, at), data.subarray(Math.min(data.length, at + roll(60))));
  },
  // Spliced with another message.
  (data, roll, other) => join(data.subarray(0, roll(data.length)), other.subarray(roll(other.length))),
  // A piece repeated.
  (data, roll) => {
    const [a, b] = [roll(data.length), roll(data.length)];
    return join(data.subarray(0, b), ...Array(roll(20)).fill(cut(data, a, b)), data.subarray(b));
  },
  // A token, or a long run of one, put somewhere.
  (data, roll) => {
    const at = roll(data.length);
    const token = tokens[roll(tokens.length)] ?? "";
    return join(data.subarray(0, at), bytes(token.repeat(roll(4) === 0 ? roll(3_000) : 1)), data.subarray(at));
  },
  // A flood of headers after the start-line.
  (data, roll) => {
    const at = data.indexOf(13) + 2;
    return join(
      data.subarray(0, at),
      bytes(`${["v", "X-Y", " ", "t"][roll(4)]}: z\r\n`.repeat(roll(300))),
      data.subarray(at),
    );
  },
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

const readers = new Map<string, (value: string) => unknown>(
  Object.entries({
    via: (value: string) => grammar.splitList(value).map(grammar.parseVia).map(grammar.formatVia),
    from: (value: string) => formatUri(parseUri(grammar.parseNameAddr(value).uri)),
    to: (value: string) => grammar.formatNameAddr(grammar.parseNameAddr(grammar.withTag(value, "x"))),
    cseq: grammar.parseCSeq,
    contact: (value: string) => grammar.parseContactList([value]),
    event: grammar.parseEvent,
    authorization: grammar.parseAuth,
    route: (value: string) => grammar.splitList(value).map(grammar.parseNameAddr),
  }),
);

/** Everything the endpoint would do with a message that was accepted. */
function use(accepted: SipMessage): void {
  for (const [name, value] of accepted.headers) survives(() => readers.get(name)?.(value), value);
  assert.equal(parseMessage(serialize(accepted)).body, accepted.body);
  if (accepted.kind === "response") return;
  survives(() => formatUri(parseUri(accepted.uri)), accepted.uri);
  parseMessage(serialize(responseTo(accepted, 200, { toTag: "t" })));
}

test("6,000 spoilt messages are each read or refused, and each can be answered", () => {
  const roll = dice(3261);
  let read = 0;
  for (let i = 0; i < 6_000; i++) {
    const pick = () => corpus[roll(corpus.length)] ?? bytes("");
    let data = pick();
    for (let times = roll(3); times >= 0 && data.length > 0; times--)
      data = mutations[roll(mutations.length)]?.(data, roll, pick()) ?? data;
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
    let data: Uint8Array = bytes(sdp);
    for (let times = roll(3); times >= 0 && data.length > 0; times--)
      data = mutations[roll(mutations.length)]?.(data, roll, bytes(sdp)) ?? data;
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
    const data = mutations[roll(mutations.length)]?.(join(...corpus), roll, corpus[0] ?? bytes("")) ?? bytes("");
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

// A reader that is quadratic needs minutes for these, a linear one milliseconds: that they end is the proof.
for (const unit of [
  "<",
  " ",
  ",",
  '"',
  "\\",
  ";",
  "=",
  "%",
  ":",
  "[",
  "a",
  "\t",
  "a ",
  ";a",
  '""',
  "<>",
  " ;",
  "\r\n ",
  "a=b,",
])
  test(`8 KB and 60 KB of ${JSON.stringify(unit)} are read or refused in one pass`, () => {
    // The shorter run stays below the limits on a line, a URI and a description, the longer one does not.
    for (const run of [unit.repeat(Math.floor(7_900 / unit.length)), unit.repeat(Math.floor(60_000 / unit.length))]) {
      const values = [
        "",
        "<",
        '"',
        "To: <   ",
        "<sip:a@b>",
        "sip:a@b;",
        "SIP/2.0/UDP ",
        "m=audio 1 RTP/AVP ",
        "a=rtpmap:",
      ];
      for (const value of values.map((prefix) => `${prefix}${run}`))
        for (const read of [...readers.values(), parseUri, parseSdp]) survives(() => read(value), value);
      for (const name of ["To", "Via", "Subject", "Content-Length"]) {
        const data = bytes(`INVITE sip:a@b SIP/2.0\r\n${name}: ${run}\r\n\r\n`);
        survives(() => parseMessage(data), data);
      }
      const start = bytes(`INVITE ${run} SIP/2.0\r\n\r\n`);
      survives(() => parseMessage(start), start);
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
