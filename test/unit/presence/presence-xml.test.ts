import { test } from "uvu";
import * as assert from "uvu/assert";
import { escapeXml, readXml } from "../../../firmware/presence/xml.ts";
import { ProtocolError } from "../../../firmware/sip/message.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function isRefused(document: string | Uint8Array): boolean {
  try {
    readXml(typeof document === "string" ? bytes(document) : document);
    return false;
  } catch (error) {
    if (error instanceof ProtocolError && error.status === 400) return true;
    throw error;
  }
}

test("elements are known by their namespaces, whatever their prefixes", () => {
  const root = readXml(
    bytes('<a xmlns="u:1" xmlns:b="u:2"><b:c d="e" b:d="f"/><g xmlns="u:3"><h/></g><i xmlns=""/>x</a> '),
  );
  assert.equal([root.namespace, root.name, root.text], ["u:1", "a", "x"]);
  assert.equal(
    root.children.map(({ namespace, name }) => `${namespace} ${name}`),
    ["u:2 c", "u:3 g", " i"],
  );
  assert.is(root.children[1]?.children[0]?.namespace, "u:3");
});

test("there is no way to have the reader expand, fetch or misread anything", () => {
  const lol = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]><a>&c;</a>';
  const file = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>';
  const refused = [
    lol,
    file,
    "<!DOCTYPE a><a/>",
    "<a>&b;</a>",
    "<a>&amp</a>",
    "<a>& b</a>",
    "<a>&#0;</a>",
    "<a>&#xD800;</a>",
    "<a>&#x110000;</a>",
    "<a>&#99999999;</a>",
    "<a b='&c;'/>",
    "<a>\u0001</a>",
    '<?xml version="1.0" encoding="UTF-16"?><a/>',
    Uint8Array.from([0xff, 0xfe, 0x3c, 0, 0x61, 0, 0x2f, 0, 0x3e, 0]),
    Uint8Array.from([0x3c, 0x61, 0x3e, 0xc3, 0x28, 0x3c, 0x2f, 0x61, 0x3e]),
  ];
  for (const document of refused) assert.ok(isRefused(document), `${document}`);
});

test("what is not well-formed is refused", () => {
  const refused = [
    "",
    " ",
    "a",
    "<a>",
    "</a>",
    "<a></b>",
    "<a><b></a></b>",
    "<a/><a/>",
    "<a/>x",
    "x<a/>",
    "<a b=c/>",
    "<a b='1' b='2'/>",
    "<a b='<'/>",
    "<a b/>",
    "<a 'b'/>",
    "<a:b/>",
    "<a><!--</a>",
    "<a><![CDATA[</a>",
    "<![CDATA[x]]><a/>",
    "<a",
    "<a b='",
    "< a/>",
    "<1/>",
    "<a:b:c xmlns:a='u'/>",
    "<?xml<a/>",
  ];
  for (const document of refused) assert.ok(isRefused(document), document);
});

test("depth, elements and attributes are bounded", () => {
  const deep = (depth: number): string => "<a>".repeat(depth) + "</a>".repeat(depth);
  const wide = (count: number): string => `<a>${"<b/>".repeat(count)}</a>`;
  const rich = (count: number): string => `<a ${Array.from({ length: count }, (_, n) => `b${n}=''`).join(" ")}/>`;
  for (const [good, bad] of [
    [deep(32), deep(33)],
    [wide(499), wide(500)],
    [rich(32), rich(33)],
  ] as const) {
    assert.not.ok(isRefused(good), good.slice(0, 40));
    assert.ok(isRefused(bad), bad.slice(0, 40));
  }
});

test("nothing takes long to read or to refuse", () => {
  const size = 16_000;
  const hostile = [
    `<a${" ".repeat(size)}`,
    `<a ${"b".repeat(size)}`,
    `<a b${" ".repeat(size)}`,
    `<?xml ${"encoding ".repeat(size / 9)}?><a/>`,
    `<a>${"&".repeat(size)}</a>`,
    `<a>${"&#65".repeat(size / 4)}</a>`,
    "<a>".repeat(size / 3),
    `<a>${"<!--".repeat(size / 4)}`,
    `<${"a:".repeat(size / 2)}/>`,
  ];
  const start = performance.now();
  for (const document of hostile) isRefused(document);
  assert.ok(performance.now() - start < 250, `${performance.now() - start} ms for ${hostile.length} documents`);
});

test("whatever is made of a sound document, it is read or refused", () => {
  const sound = bytes(
    '<?xml version="1.0"?><a xmlns="u" xmlns:b=\'v\'><b:c d="&lt;">t<!-- x --><![CDATA[<]]></b:c>&#65;</a>',
  );
  const random = seededRandom(3);
  for (let round = 0; round < 5_000; round++) {
    const document = Uint8Array.from(sound);
    for (let change = 0; change < 3; change++)
      document[Math.floor(random.fraction() * document.length)] = Math.floor(random.fraction() * 256);
    isRefused(document.subarray(0, Math.floor(random.fraction() * 2 * document.length)));
  }
});

test("text that is escaped is read again as it was, without what XML may not hold", () => {
  const text = `<&>"' é \u{1f692}`;
  assert.is(readXml(bytes(`<a>${escapeXml(text)}</a>`)).text, text);
  assert.is(escapeXml("a\u0000\u001fb\uffff"), "ab");
});

test.run();
