import { test } from "uvu";
import * as assert from "uvu/assert";
import { writePidf } from "../../../firmware/presence/pidf.ts";
import { listDocument } from "../../../firmware/presence/rlmi.ts";
import { readList } from "../../support/presence-documents.ts";

const list = { uri: "sip:buddies@example.org", version: 4, boundary: "abcdef0123456789", host: "example.org" };
const entryOf = (uri: string, note?: string) => ({
  uri,
  document: writePidf(uri, { status: "busy", activity: "talking", ...(note !== undefined && { note }) }),
});

test("a list names each person and has a document of each", () => {
  const { type, content } = listDocument(list, [
    entryOf("sip:bob@example.org", "a & b"),
    entryOf('sip:"<x>&y"@example.org'),
  ]);
  const { uri, version, people } = readList(content, type);
  assert.equal([uri, version], ["sip:buddies@example.org", 4]);
  assert.equal([...people.keys()], ["sip:bob@example.org", 'sip:"<x>&y"@example.org']);
  assert.is(people.get("sip:bob@example.org")?.note, "a & b");
});

test("an empty list is a list", () => {
  const { type, content } = listDocument(list, []);
  assert.is(readList(content, type).people.size, 0);
});

test("a list is cut where a datagram would end, and says nothing of those who do not fit", () => {
  const everyone = Array.from({ length: 500 }, (_, number) => entryOf(`sip:user${number}@example.org`));
  const { type, content } = listDocument(list, everyone);
  const { people } = readList(content, type);
  assert.ok(people.size >= 70, `${people.size}`);
  assert.ok(content.length <= 60_000, `${content.length} bytes`);
  assert.ok(people.has("sip:user0@example.org"));
});

test.run();
