import { test } from "uvu";
import * as assert from "uvu/assert";
import { readPidf, writePidf } from "../../../firmware/presence/pidf.ts";
import type { Shown } from "../../../firmware/presence/status.ts";
import { ProtocolError } from "../../../firmware/sip/message.ts";
import { readPresence } from "../../support/presence-documents.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const head =
  '<?xml version="1.0" encoding="UTF-8"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:bob@example.org"';
const dm = 'xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"';
const rpid = 'xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid"';
const tuple = (basic: string): string => `<tuple id="a"><status><basic>${basic}</basic></status></tuple>`;
const person = (doing: string): string => `<dm:person id="p"><rpid:activities>${doing}</rpid:activities></dm:person>`;
const doing = (activities: string): string => `${head} ${dm} ${rpid}>${tuple("open")}${person(activities)}</presence>`;

const shown: readonly (readonly [Shown, basic: string, activities: readonly string[]])[] = [
  [{ status: "offline" }, "closed", []],
  [{ status: "available" }, "open", []],
  [{ status: "available", activity: "away", note: 'at <lunch> & "more"' }, "open", ["away"]],
  [{ status: "busy" }, "open", ["busy"]],
  [{ status: "busy", activity: "on-the-phone" }, "open", ["on-the-phone"]],
  [{ status: "busy", activity: "away" }, "open", ["busy", "away"]],
  [{ status: "listening-only", note: "é \u{1f692}" }, "open", ["other: listening only"]],
  [{ status: "do-not-disturb" }, "open", ["other: do not disturb", "busy"]],
];

test("a document has the form and the namespaces of PIDF and RPID, and says what was shown", () => {
  for (const [what, basic, activities] of shown) {
    const read = readPresence(writePidf("sip:bob&co@example.org", what));
    assert.equal(read, { entity: "sip:bob&co@example.org", basic, activities, note: what.note });
  }
  const talking = readPresence(writePidf("sip:bob@example.org", { status: "busy", activity: "talking" }));
  assert.equal(talking.activities, ["other: talking in a talkgroup", "on-the-phone"]);
});

test("what is shown of somebody can be published, and says the same", () => {
  for (const [what] of shown) assert.equal(readPidf(bytes(writePidf("sip:bob@example.org", what))), what);
});

test("documents of phones are read for what matters, wherever they put it", () => {
  const rows: readonly (readonly [document: string, shown: Shown])[] = [
    [`${head}>${tuple("open")}</presence>`, { status: "available" }],
    [`${head}>${tuple("closed")}</presence>`, { status: "offline" }],
    [`${head}>${tuple("closed")}${tuple(" open ")}</presence>`, { status: "available" }],
    [`${head}></presence>`, { status: "available" }],
    [`${head}>${tuple("unknown")}</presence>`, { status: "available" }],
    [doing("<rpid:on-the-phone/>"), { status: "busy", activity: "on-the-phone" }],
    [doing("<rpid:meeting/><rpid:away/>"), { status: "busy", activity: "away" }],
    [doing("<rpid:meal></rpid:meal>"), { status: "available", activity: "away" }],
    [doing("<rpid:shopping/><rpid:unknown/>"), { status: "available" }],
    [doing("<rpid:other>Do not disturb</rpid:other>"), { status: "do-not-disturb" }],
    [doing("<busy xmlns='urn:elsewhere'/>").replaceAll(rpid, "xmlns:rpid='urn:other'"), { status: "available" }],
    // In the tuple's status, by another prefix, with the namespace of a draft.
    [
      `${head} xmlns:ep="urn:ietf:params:xml:ns:pidf:status:rpid"><tuple id="x"><status><basic>open</basic><ep:activities><ep:busy/></ep:activities></status><note> be right\n back </note></tuple></presence>`,
      { status: "busy", note: "be right back" },
    ],
    [
      `${head} ${dm}>${tuple("open")}<note/><dm:person id="p"><dm:note>out</dm:note></dm:person></presence>`,
      { status: "available", note: "out" },
    ],
    [
      `\ufeff<!-- a --><pre:presence xmlns:pre='urn:ietf:params:xml:ns:pidf'><pre:tuple><pre:status><pre:basic><![CDATA[open]]></pre:basic></pre:status></pre:tuple><pre:note>&#65;&amp;&#x42;</pre:note></pre:presence>\n`,
      { status: "available", note: "A&B" },
    ],
  ];
  for (const [document, expected] of rows) assert.equal(readPidf(bytes(document)), expected, document);
});

test("a note is cut between characters, and is one line", () => {
  const note =
    readPidf(bytes(`${head}>${tuple("open")}<note>${"\u{1f692}\n".repeat(300)}</note></presence>`)).note ?? "";
  assert.is([...note].length, 160);
  assert.not.match(note, /\p{Surrogate}/u);
  assert.not.match(note, /\n/);
});

test("what is no presence document is refused", () => {
  for (const document of ["<a/>", '<presence xmlns="urn:x"/>', "", "hello"]) {
    assert.throws(
      () => readPidf(bytes(document)),
      (error: unknown) => error instanceof ProtocolError && error.status === 400,
    );
  }
});

test.run();
