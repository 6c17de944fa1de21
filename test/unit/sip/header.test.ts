import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  checkSeparators,
  formatNameAddr,
  formatVia,
  parseAuth,
  parseContactList,
  parseCSeq,
  parseEvent,
  parseNameAddr,
  parseParams,
  parseVia,
  splitList,
  tagOf,
  withTag,
} from "../../../firmware/sip/header.ts";
import { ProtocolError } from "../../../firmware/sip/message.ts";

const malformed = (read: () => unknown) => assert.throws(read, (error: unknown) => error instanceof ProtocolError);

test("a list is split at the commas outside quotes and brackets", () => {
  assert.equal(splitList('"Watson, T \\", x" <sip:a,b@c>;q=1 , <sip:d@e>,, sip:f@g'), [
    '"Watson, T \\", x" <sip:a,b@c>;q=1',
    "<sip:d@e>",
    "sip:f@g",
  ]);
  malformed(() => splitList('"never closed, <sip:a@b>'));
  malformed(() => splitList("<sip:a@b, <sip:c@d>, <"));
});

test("a separator beside nothing is known, outside quotes and brackets", () => {
  for (const value of ["", "a", '<sip:a;;b@c>;x=";;",d', "SIP/2.0/UDP h;branch=x , SIP/2.0/TCP i"])
    checkSeparators(value);
  for (const value of [";", ",", "a;", "a;;b", "a,", "a, ,b", "<sip:a@b>;;;;", "SIP/2.0/UDP h;,;"])
    malformed(() => checkSeparators(value));
});

for (const [value, display, uri, params] of [
  ['"Alice \\"A\\" \\\\" <sip:alice@example.org>;tag=1', 'Alice "A" \\', "sip:alice@example.org", [["tag", "1"]]],
  ["Alice van Dam <sip:alice@example.org>", "Alice van Dam", "sip:alice@example.org", []],
  ['"<sip:eve@example.org>" <sip:alice@example.org>', "<sip:eve@example.org>", "sip:alice@example.org", []],
  [
    "<sip:a@b;transport=tcp>;expires=60;lr",
    undefined,
    "sip:a@b;transport=tcp",
    [
      ["expires", "60"],
      ["lr", ""],
    ],
  ],
  ["sip:a@b;tag=x", undefined, "sip:a@b", [["tag", "x"]]],
  ["Ünïçødé <tel:+1555>", "Ünïçødé", "tel:+1555", []],
  ['<sip:a@b>;+sip.instance="<urn:uuid:1;2>"', undefined, "sip:a@b", [["+sip.instance", "<urn:uuid:1;2>"]]],
] as const)
  test(`the address ${value} is read`, () => {
    const address = parseNameAddr(value);
    assert.is(address.display, display);
    assert.is(address.uri, uri);
    assert.equal([...address.params], params);
    assert.equal(parseNameAddr(formatNameAddr(address)), address);
  });

for (const value of [
  "",
  "<>",
  "<sip:a@b",
  '"open <sip:a@b>',
  '"a" b <sip:a@b>',
  "Bell, Alexander <sip:a@b>",
  "<sip:a@b> x",
  "< sip:a@b >",
  "<sip:a@b>;tag=1;TAG=2",
  "<sip:a@b>;tag=",
  "<sip:a@b>;=x",
  "<sip:a@b>;t ag=x",
  '<sip:a@b>;x="y"z',
  "alice",
  "<alice>",
  "sip:a@b?subject=x",
  "sip:a,b@c",
])
  test(`the address ${value || "of nothing"} is refused`, () => malformed(() => parseNameAddr(value)));

test("a tag is read, added, and replaced", () => {
  assert.is(tagOf("<sip:a@b>"), undefined);
  assert.is(tagOf("<sip:a@b;tag=inside>;tag=1928"), "1928");
  assert.is(withTag("A B <sip:a@b;tag=inside>", "n"), "A B <sip:a@b;tag=inside>;tag=n");
  assert.is(tagOf(withTag("sip:a@b;x=y;tag=old", "n")), "n");
});

test("a Via is read and written", () => {
  for (const text of [
    "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport",
    "SIP/2.0/TCP [2001:db8::1]:5060;branch=z9hG4bK2;received=2001:db8::2",
    "SIP/2.0/TLS gw.example.org;branch=z9hG4bK3",
    "SIP/7.0/UDP c.example.com;branch=z9hG4bK4",
  ])
    assert.is(formatVia(parseVia(text)), text);
  const odd = parseVia(" SIP / 2.0 / tcp   [2001:DB8::1]  :  5070 ; branch = x");
  assert.is(formatVia(odd), "SIP/2.0/TCP [2001:db8::1]:5070;branch=x");
});

for (const value of [
  "SIP/2.0/UDP",
  "SIP/x/UDP h",
  "HTTP/1.1/TCP h",
  "SIP/2.0/UDP/x h",
  "SIP/2.0/UDP 2001:db8::1",
  "SIP/2.0/UDP h:99999",
  "SIP/2.0/UDP h i",
  "SIP/2.0/U(P h",
])
  test(`the Via ${value} is refused`, () => malformed(() => parseVia(value)));

test("CSeq, Event and parameters are read", () => {
  assert.equal(parseCSeq("4711  INVITE"), { number: 4711, method: "INVITE" });
  for (const bad of ["4711", "INVITE", "2147483648 INVITE", "-1 INVITE", "1 IN VITE", "1e3 INVITE"])
    malformed(() => parseCSeq(bad));
  const event = parseEvent("presence.winfo; id=7");
  assert.is(`${event.package} ${event.params.get("id")}`, "presence.winfo 7");
  assert.equal(
    [...parseParams('a="x;y" ;B= c;;d')],
    [
      ["a", "x;y"],
      ["b", "c"],
      ["d", ""],
    ],
  );
});

test("contacts come from every header line, and * stands alone", () => {
  const list = parseContactList(["<sip:a@b>, <sip:c@d>;q=0.5", "sip:e@f"]);
  assert.equal(list === "*" ? [] : list.map((contact) => contact.uri), ["sip:a@b", "sip:c@d", "sip:e@f"]);
  assert.is(parseContactList([" * "]), "*");
  malformed(() => parseContactList(["*", "<sip:a@b>"]));
});

test("credentials are read with quotes, commas and odd spacing", () => {
  const auth = parseAuth('DIGEST  username="a, \\"b\\"" ,realm = "" , nc=00000001,uri="sip:a@b;x=y", qop=auth');
  assert.is(auth.scheme, "digest");
  assert.equal(
    [...auth.params],
    [
      ["username", 'a, "b"'],
      ["realm", ""],
      ["nc", "00000001"],
      ["uri", "sip:a@b;x=y"],
      ["qop", "auth"],
    ],
  );
  malformed(() => parseAuth('Digest username="a", username="b"'));
  malformed(() => parseAuth('Digest username="a'));
});

test.run();
