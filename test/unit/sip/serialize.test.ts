import { test } from "uvu";
import * as assert from "uvu/assert";
import { tagOf } from "../../../firmware/sip/header.ts";
import { header, headers } from "../../../firmware/sip/message.ts";
import { parseMessage } from "../../../firmware/sip/parse.ts";
import { reasonPhrase, request, responseTo, serialize } from "../../../firmware/sip/serialize.ts";

const invite = request({
  method: "INVITE",
  uri: "sip:bob@example.org",
  via: "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1",
  from: '"Alice" <sip:alice@example.org>;tag=a1',
  to: "sip:bob@example.org",
  callId: "c1",
  cseq: 3,
  headers: [
    ["via", "SIP/2.0/UDP 192.0.2.8;branch=z9hG4bK0"],
    ["record-route", "<sip:p1;lr>"],
    ["record-route", "<sip:p2;lr>"],
    ["timestamp", "54"],
  ],
  body: { type: "text/plain", content: "häl" },
});

test("what is written reads back as the same message", () => {
  assert.equal(parseMessage(serialize(invite)), {
    ...invite,
    headers: [...invite.headers, ["content-length", "4"]],
  });
});

test("header names have the spelling that people know", () => {
  const text = new TextDecoder().decode(
    serialize({ ...invite, headers: [...invite.headers, ["www-authenticate", "x"]] }),
  );
  for (const name of ["Via", "Max-Forwards", "Call-ID", "CSeq", "Record-Route", "WWW-Authenticate", "Content-Length"])
    assert.ok(text.includes(`\r\n${name}: `), name);
});

test("Content-Length is that of the body, whatever the headers claim", () => {
  const lied = { ...invite, headers: [...invite.headers, ["content-length", "999"]] as const };
  assert.equal(headers(parseMessage(serialize(lied)), "content-length"), ["4"]);
});

test("nothing that breaks a line or a start-line is ever written", () => {
  for (const broken of [
    { ...invite, headers: [["subject", "a\r\nEvil: b"]] as const },
    { ...invite, headers: [["subject", "a\nb"]] as const },
    { ...invite, headers: [["a\r\nb", "x"]] as const },
    { ...invite, headers: [["a b", "x"]] as const },
    { ...invite, uri: "sip:bob@example.org SIP/2.0\r\nX: y" },
    { ...invite, method: "INVITE sip:eve@example.org" },
    { ...responseTo(invite, 200), reason: "OK\r\nX: y" },
  ])
    assert.throws(() => serialize(broken));
});

test("a response copies Via, From, To, Call-ID and CSeq, and tags To once", () => {
  const response = responseTo(invite, 200, { toTag: "b2", headers: [["allow", "INVITE"]] });
  for (const name of ["via", "from", "call-id", "cseq"]) assert.equal(headers(response, name), headers(invite, name));
  assert.is(header(response, "to"), "sip:bob@example.org;tag=b2");
  assert.is(header(response, "allow"), "INVITE");
  assert.is(response.reason, "OK");

  const inDialog = { ...invite, headers: response.headers };
  assert.is(tagOf(header(responseTo(inDialog, 200, { toTag: "other" }), "to") ?? ""), "b2");
});

test("Record-Route comes back where a dialog is formed, and nowhere else", () => {
  assert.equal(headers(responseTo(invite, 183, { toTag: "x" }), "record-route"), ["<sip:p1;lr>", "<sip:p2;lr>"]);
  assert.equal(headers(responseTo(invite, 486, { toTag: "x" }), "record-route"), []);
  assert.equal(headers(responseTo({ ...invite, method: "OPTIONS" }, 200), "record-route"), []);
});

test("a 100 carries the Timestamp back and no tag", () => {
  const trying = responseTo(invite, 100, { toTag: "x" });
  assert.is(header(trying, "timestamp"), "54");
  assert.is(header(trying, "to"), "sip:bob@example.org");
});

test("an unknown status speaks the words of its class", () => {
  assert.is(reasonPhrase(489), "Bad Event");
  assert.is(reasonPhrase(499), "Bad Request");
});

test.run();
