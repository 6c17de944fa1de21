import { test } from "uvu";
import * as assert from "uvu/assert";
import { ProtocolError } from "../../../firmware/sip/message.ts";
import {
  aorOf,
  formatHostPort,
  formatUri,
  parseHostPort,
  parseTarget,
  parseUri,
  sameUri,
  targetOf,
} from "../../../firmware/sip/uri.ts";

const status = (text: string, read = parseUri) => {
  try {
    read(text);
  } catch (error) {
    if (error instanceof ProtocolError) return error.status;
    throw error;
  }
  return 200;
};

test("a URI is taken apart, unescaped", () => {
  const uri = parseUri("SIPS:al%69ce:s%3Acret@[2001:DB8::9:1]:6050;LR;method=REG%49STER?Subject=late%20entry&x=");
  assert.is(uri.scheme, "sips");
  assert.is(uri.user, "alice");
  assert.is(uri.password, "s:cret");
  assert.is(uri.host, "2001:db8::9:1");
  assert.is(uri.port, 6050);
  assert.equal(
    [...uri.params],
    [
      ["lr", ""],
      ["method", "REGISTER"],
    ],
  );
  assert.equal(
    [...uri.headers],
    [
      ["subject", "late entry"],
      ["x", ""],
    ],
  );
});

test("a user may hold semicolons, question marks and slashes (RFC 4475 §3.1.1.2)", () => {
  const uri = parseUri(
    "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
  );
  assert.is(uri.user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
  assert.is(uri.host, "example.com");
});

test("what is written reads back as the same URI", () => {
  for (const text of [
    "sip:example.org",
    "sip:a%40b%3Ac@example.org;transport=tcp",
    "sip:null-%00-null@example.com",
    "sips:%C3%A9@[::1]:5061?subject=a%26b",
    "tel:+15551234;phone-context=example.org",
  ])
    assert.is(formatUri(parseUri(text)), text);
});

for (const [text, expected] of [
  ["sip:", 400],
  ["sip:@example.org", 400],
  ["sip:a@", 400],
  ["sip:a@b c", 400],
  ["sip:a@b\r\nX: y", 400],
  ["<sip:a@b>", 400],
  ["sip:a@[::1", 400],
  ["sip:a@[::g]", 400],
  ["sip:a@[fe80::1%25eth0]", 400],
  ["sip:a@[1.2.3.4]x", 400],
  ["sip:a@::1", 400],
  ["sip:a@b:0", 400],
  ["sip:a@b:65536", 400],
  ["sip:a@b:5o60", 400],
  ["sip:a%zz@b", 400],
  ["sip:a%ff@b", 400],
  ["sip:a@b;transport=tcp;Transport=udp", 400],
  ["tel:help", 400],
  ["http://example.org/", 400],
  ["no scheme", 400],
  [`sip:${"a".repeat(8_200)}@b`, 400],
] as const)
  test(`"${text.slice(0, 40).replace(/\s/g, " ")}" is refused with ${expected}`, () => {
    assert.is(status(text), expected);
  });

test("a Request-URI has a scheme that leads somewhere, and no headers", () => {
  for (const text of ["sip:a@b", "SIPS:a?b@c", "tel:+1555"]) assert.is(status(text, parseTarget), 200);
  for (const text of ["nobodyKnowsThisScheme:x", "soap.beep://192.0.2.103:3002", "<sip:a@b>"])
    assert.is(status(text, parseTarget), 416);
  for (const text of ["sip:a@b?subject=x", "sip:", "no scheme"]) assert.is(status(text, parseTarget), 400);
});

test("the headers of a URI stay behind when it becomes a Request-URI, and nothing else does", () => {
  assert.is(targetOf("sip:%61@b;LR?Route=%3Csip:evil%3E"), "sip:a@b;lr");
  assert.is(targetOf("sip:%61?@B;LR"), "sip:%61?@B;LR");
  assert.throws(() => targetOf("mailto:a@b"));
});

test("equivalent URIs are the same (RFC 3261 §19.1.4)", () => {
  for (const [a, b] of [
    ["sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"],
    ["sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"],
    ["sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"],
    [
      "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
      "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
    ],
    [
      "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
      "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
    ],
    ["tel:+1-555-1234", "tel:+1(555)1234"],
  ] as const) {
    assert.ok(sameUri(parseUri(a), parseUri(b)), `${a} ${b}`);
    assert.ok(sameUri(parseUri(b), parseUri(a)), `${b} ${a}`);
  }
});

test("URIs that may lead elsewhere are not the same (RFC 3261 §19.1.4)", () => {
  for (const [a, b] of [
    ["SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"],
    ["sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"],
    ["sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"],
    ["sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"],
    ["sip:bob@biloxi.com", "sips:bob@biloxi.com"],
    ["sip:biloxi.com", "sip:bob@biloxi.com"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com;maddr=192.0.2.1"],
  ] as const) {
    assert.not(sameUri(parseUri(a), parseUri(b)), `${a} ${b}`);
    assert.not(sameUri(parseUri(b), parseUri(a)), `${b} ${a}`);
  }
});

test("an address of record is user and host alone", () => {
  assert.is(aorOf(parseUri("SIPS:%61lice:pw@Example.ORG:5061;transport=tls?x=y")), "sip:alice@example.org");
  assert.is(aorOf(parseUri("sip:alice@[2001:DB8::1]")), "sip:alice@[2001:db8::1]");
  assert.is(aorOf(parseUri("tel:+1-555-1234")), "tel:+15551234");
});

test("hosts and ports come apart and together again", () => {
  for (const text of ["192.0.2.1", "gw.example.org:5060", "[::1]", "[2001:db8::1]:5060"])
    assert.is(formatHostPort(parseHostPort(text)), text);
});

test.run();
