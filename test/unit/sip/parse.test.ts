import { test } from "uvu";
import * as assert from "uvu/assert";
import { streamFramer } from "../../../firmware/sip/framer.ts";
import { parseVia } from "../../../firmware/sip/header.ts";
import { header, headers, type ProtocolError, type SipRequest } from "../../../firmware/sip/message.ts";
import { isKeepAlive, MalformedMessage, parseMessage } from "../../../firmware/sip/parse.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);

const mandatory = [
  "Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK1;rport",
  "From: <sip:alice@example.org>;tag=a1",
  "To: <sip:bob@example.org>",
  "Call-ID: 42@192.0.2.7",
  "CSeq: 7 MESSAGE",
];

function message(fields: readonly string[] = [], body = "", start = "MESSAGE sip:bob@example.org SIP/2.0"): Uint8Array {
  return bytes([start, ...mandatory, ...fields, "", body].join("\r\n"));
}

/** The same message with one mandatory line replaced or left out. */
function altered(find: string, replacement?: string): Uint8Array {
  const lines = text(message()).split("\r\n");
  const changed = lines.flatMap((line) => (line.startsWith(find) ? (replacement ?? []) : line));
  return bytes(changed.join("\r\n"));
}

function fault(data: Uint8Array): MalformedMessage {
  try {
    parseMessage(data);
  } catch (error) {
    if (error instanceof MalformedMessage) return error;
    throw error;
  }
  throw new Error(`accepted: ${text(data).slice(0, 80)}`);
}

function requestOf(data: Uint8Array): SipRequest {
  const parsed = parseMessage(data);
  if (parsed.kind !== "request") throw new Error("a response");
  return parsed;
}

test("a request is read with long lower-case names, compact forms expanded and folded lines joined", () => {
  const request = requestOf(
    message(["m: <sip:alice@192.0.2.7>", "S: late\r\n\t entry\r\n   now", "X-Odd  :a: b"], "hi"),
  );
  assert.is(request.method, "MESSAGE");
  assert.is(request.uri, "sip:bob@example.org");
  assert.is(header(request, "contact"), "<sip:alice@192.0.2.7>");
  assert.is(header(request, "subject"), "late entry now");
  assert.is(header(request, "x-odd"), "a: b");
  assert.is(text(request.body), "hi");
});

test("a response is read, with or without a reason", () => {
  const ringing = parseMessage(message([], "", "SIP/2.0 180 Ça sonne"));
  assert.is(ringing.kind === "response" && ringing.reason, "Ça sonne");
  const bare = parseMessage(message([], "", "SIP/2.0 100 "));
  assert.is(bare.kind === "response" && bare.status, 100);
});

test("a body ends where Content-Length says and does not share the datagram's memory", () => {
  const data = message(["Content-Length: 3"], "abcdef");
  const request = requestOf(data);
  data.fill(0);
  assert.is(text(request.body), "abc");
});

test("bytes that are not UTF-8 are replaced", () => {
  const data = message(["Subject: x"]);
  data[text(data).indexOf("Subject: x") + 9] = 0xff;
  assert.is(header(parseMessage(data), "subject"), "\ufffd");
});

test("names that objects inherit are names like any other", () => {
  const request = requestOf(message(["__proto__: x", "constructor: y", "toString: z"]));
  assert.equal(headers(request, "__proto__"), ["x"]);
  assert.is(header(request, "constructor"), "y");
  assert.is(parseVia("SIP/2.0/UDP h;__proto__;hasownproperty=1").params.get("__proto__"), "");
});

const answerable: [string, number, Uint8Array][] = [
  ["a Content-Length larger than the datagram", 400, message(["Content-Length: 9"], "short")],
  ["a Content-Length that is no number", 400, message(["Content-Length: abc"])],
  ["a negative Content-Length", 400, message(["l: -1"])],
  ["two Content-Lengths, one of them compact", 400, message(["Content-Length: 0", "l: 0"])],
  ["two From", 400, message(["f: <sip:eve@example.org>;tag=e"])],
  ["two Max-Forwards", 400, message(["Max-Forwards: 5", "Max-Forwards: 70"])],
  ["Max-Forwards out of range", 400, message(["Max-Forwards: 256"])],
  ["a line without a colon", 400, message(["no colon here"])],
  ["a name with a space", 400, message(["Bad Name: x"])],
  ["a LF alone", 400, message(["Subject: a\nEvil: b"])],
  ["a CR alone", 400, message(["Subject: a\rEvil: b"])],
  ["a line of more than 8 KiB", 400, message([`Subject: ${"x".repeat(8_200)}`])],
  ["a folded line of more than 8 KiB", 400, message([`Subject: x${`\r\n ${"x".repeat(100)}`.repeat(90)}`])],
  ["a CSeq of another method", 400, altered("CSeq", "CSeq: 7 INVITE")],
  ["another version", 505, message([], "", "MESSAGE sip:bob@example.org SIP/7.0")],
  ["a Request-URI in brackets", 400, message([], "", "MESSAGE <sip:bob@example.org> SIP/2.0")],
  ["white space in the Request-URI", 400, message([], "", "MESSAGE sip:bob@example.org; lr SIP/2.0")],
  ["white space after the version", 400, message([], "", "MESSAGE sip:bob@example.org SIP/2.0 \t")],
  ["a start-line of more than 8 KiB", 414, message([], "", `MESSAGE sip:${"b".repeat(8_200)}@example.org SIP/2.0`)],
  ["a method that nobody knows and a CSeq of another", 501, message([], "", "NEWMETHOD sip:bob@example.org SIP/2.0")],
  ["a Via of another version", 400, altered("Via", "Via: SIP/3.0/UDP 192.0.2.7")],
  ["no From", 400, altered("From")],
  ["no To", 400, altered("To")],
  ["no CSeq", 400, altered("CSeq")],
  ["an unclosed quote in To", 400, altered("To", 'To: "Mr. J. User <sip:j.user@example.com>')],
  ["a LF alone in From", 400, altered("From", 'From: "a\nb" <sip:alice@example.org>;tag=a1')],
  ["a CSeq beyond 2^31", 400, altered("CSeq", "CSeq: 36893488147419103232 MESSAGE")],
  ["a parameter of nothing in a Via", 400, altered("Via", "Via: SIP/2.0/UDP 192.0.2.7;;branch=z9hG4bK1")],
  ["a list of nothing after the first Via", 400, message(["Via: SIP/2.0/UDP 192.0.2.8, ,"])],
  ["a parameter of nothing in a Contact", 400, message(["m: <sip:bob@192.0.2.7>;"])],
];

for (const [what, status, data] of answerable)
  test(`${what} is refused with ${status}, and can be answered`, () => {
    const error = fault(data);
    assert.is(error.status, status);
    const partial = error.partial ?? { headers: [] };
    assert.is(header(partial, "call-id"), "42@192.0.2.7");
    assert.not.match(JSON.stringify(partial.headers), "\\n");
  });

const unanswerable: [string, Uint8Array][] = [
  ["no Via", altered("Via")],
  ["an unreadable Via", altered("Via", "Via: SIP/2.0/UDP")],
  ["a Via of nothing", altered("Via", "Via: ,")],
  ["a LF alone in its Via", altered("Via", "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\n;rport")],
  ["a response", message(["Content-Length: 9"], "", "SIP/2.0 200 OK")],
  ["a status beyond 699", message([], "", "SIP/2.0 4294967301 better not")],
  ["no empty line", bytes("MESSAGE sip:bob@example.org SIP/2.0\r\nVia: x\r\n")],
  ["nothing", bytes("")],
  ["129 headers", message(Array.from({ length: 124 }, (_, i) => `X-${i}: y`))],
  ["a folded start-line", message([], "", "MESSAGE\r\n sip:bob@example.org SIP/2.0")],
];

for (const [what, data] of unanswerable)
  test(`a message with ${what} is refused and never answered`, () => {
    assert.is(fault(data).partial, undefined);
  });

test("a request without a Call-ID can be answered without one", () => {
  assert.is(header(fault(altered("Call-ID")).partial ?? { headers: [] }, "call-id"), undefined);
});

test("a separator too many in a response is overlooked: nobody would hear of the refusal", () => {
  const response = parseMessage(message(["Contact: <sip:bob@192.0.2.7>;"], "", "SIP/2.0 200 OK"));
  assert.is(response.kind, "response");
});

test("a malformed ACK is never answered", () => {
  const ack = text(message(["Content-Length: 9"])).replaceAll("MESSAGE", "ACK");
  assert.is(fault(bytes(ack)).partial, undefined);
});

test("a message of more than 64 KiB is refused with 413", () => {
  assert.is(fault(message([], "x".repeat(65_536))).status, 413);
});

test("a keep-alive datagram is known as one", () => {
  assert.ok(isKeepAlive(bytes("\r\n\r\n")));
  assert.ok(isKeepAlive(bytes("\0")));
  assert.not(isKeepAlive(message()));
});

function stream(messageBytes?: number) {
  const got: string[] = [];
  const errors: ProtocolError[] = [];
  const framer = streamFramer({
    onMessage: (data) => got.push(text(data)),
    onPing: () => got.push("ping"),
    onError: (error) => errors.push(error),
    ...(messageBytes !== undefined && { messageBytes }),
  });
  return { framer, got, errors };
}

const framed = (body: string) => text(message([`Content-Length: ${body.length}`], body));

test("a stream is cut into the same messages however its bytes arrive", () => {
  const short = Array.from({ length: 60 }, (_, i) => framed("x".repeat(i)));
  const messages = [framed("one"), framed(""), framed("three".repeat(2_000)), ...short];
  const all = bytes(messages.join(""));
  for (const size of [1, 7, 1_000, all.length]) {
    const { framer, got, errors } = stream();
    for (let at = 0; at < all.length; at += size) framer.receive(all.subarray(at, at + size));
    assert.equal(got, messages);
    assert.equal(errors, []);
  }
});

test("a double CRLF between messages is a ping, a single one is not", () => {
  const { framer, got } = stream();
  for (const part of ["\r", "\n\r\n", framed("a"), "\r\n", framed("b"), "\r\n", framed("c"), "\r\n\r\n"])
    framer.receive(bytes(part));
  assert.equal(got, ["ping", framed("a"), framed("b"), framed("c"), "ping"]);
});

for (const [what, data, status] of [
  ["no Content-Length", text(message()), 400],
  ["two Content-Lengths", text(message(["Content-Length: 0", "l: 5"])), 400],
  ["a Content-Length that is no number", text(message(["Content-Length: abc"])), 400],
  ["a body beyond the limit", text(message(["Content-Length: 70000"])), 413],
  ["a header without end", `${text(message()).trimEnd()}${"\r\nX: y".repeat(20_000)}`, 413],
] as const)
  test(`a stream with ${what} ends with one error and delivers nothing more`, () => {
    const { framer, got, errors } = stream();
    framer.receive(bytes(`${framed("good")}${data}`));
    framer.receive(bytes(framed("late")));
    assert.equal(got, [framed("good")]);
    assert.equal(
      errors.map((error) => error.status),
      [status],
    );
  });

test("a framer closed by its reader delivers nothing more of the same bytes", () => {
  const got: string[] = [];
  const framer = streamFramer({
    onMessage: (data) => {
      got.push(text(data));
      framer.close();
    },
    onPing: () => got.push("ping"),
    onError: () => got.push("error"),
  });
  framer.receive(bytes(framed("a") + framed("b")));
  assert.equal(got, [framed("a")]);
});

test.run();
