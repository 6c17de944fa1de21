import { test } from "uvu";
import * as assert from "uvu/assert";
import { streamFramer } from "../../../firmware/sip/framer.ts";
import { parseCSeq, parseNameAddr, parseVia } from "../../../firmware/sip/header.ts";
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

test("white space wherever the grammar allows it is no obstacle (RFC 4475 §3.1.1.1)", () => {
  const request = requestOf(
    bytes(
      [
        "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0",
        "TO :",
        " sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n",
        'from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>',
        "  ;",
        "  tag = 98asjd8",
        "Max-Forwards: 0068",
        "Call-ID: wsinv.ndaksdj@192.0.2.1",
        "Content-Length   : 4",
        "cseq: 0009",
        "  INVITE",
        "Via  : SIP  /   2.0",
        " /UDP",
        "    192.0.2.2;branch=390skdjuw",
        "NewFangledHeader:   newfangled value",
        " continued newfangled value",
        "v:  SIP  / 2.0  / TCP     spindle.example.com   ;",
        "  branch  =   z9hG4bK9ikj8  ,",
        " SIP  /    2.0   / UDP  192.168.255.111   ; branch=",
        " z9hG4bK30239",
        "",
        "abcd-the rest is not the body",
      ].join("\r\n"),
    ),
  );
  assert.equal([...parseNameAddr(header(request, "to") ?? "").params], [["tag", "1918181833n"]]);
  assert.is(parseNameAddr(header(request, "from") ?? "").display, 'J Rosenberg \\"');
  assert.equal(parseCSeq(header(request, "cseq") ?? ""), { number: 9, method: "INVITE" });
  const via = parseVia(headers(request, "via")[0] ?? "");
  assert.is(`${via.transport} ${via.host} ${via.params.get("branch")}`, "UDP 192.0.2.2 390skdjuw");
  assert.is(text(request.body), "abcd");
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
];

for (const [what, status, data] of answerable)
  test(`${what} is refused with ${status}, and can be answered`, () => {
    const error = fault(data);
    assert.is(error.status, status);
    assert.is(header(error.partial ?? { headers: [] }, "call-id"), "42@192.0.2.7");
  });

const unanswerable: [string, Uint8Array][] = [
  ["no Via", altered("Via")],
  ["no From", altered("From")],
  ["no To", altered("To")],
  ["no Call-ID", altered("Call-ID")],
  ["no CSeq", altered("CSeq")],
  ["an unreadable Via", altered("Via", "Via: SIP/2.0/UDP")],
  ["an unclosed quote in To", altered("To", 'To: "Mr. J. User <sip:j.user@example.com>')],
  // It is understood, but an answer would carry it.
  ["a LF alone in From", altered("From", 'From: "a\nb" <sip:alice@example.org>;tag=a1')],
  ["a CSeq beyond 2^31", altered("CSeq", "CSeq: 36893488147419103232 MESSAGE")],
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
