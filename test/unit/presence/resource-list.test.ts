import { test } from "uvu";
import * as assert from "uvu/assert";
import { mostEntries, urisIn } from "../../../firmware/presence/resource-list.ts";
import { ProtocolError } from "../../../firmware/sip/message.ts";

function statusOf(read: () => unknown): number | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    return error instanceof ProtocolError ? error.status : undefined;
  }
}

const head = `<?xml version="1.0" encoding="UTF-8"?>`;
const namespace = `xmlns="urn:ietf:params:xml:ns:resource-lists"`;
const listOf = (...entries: readonly string[]): string =>
  `${head}<resource-lists ${namespace}><list>${entries.join("")}</list></resource-lists>`;
const entry = (uri: string): string => `<entry uri="${uri}"/>`;

test("the entries of a list are found, those of lists inside it too, each once", () => {
  const inner = `<list name="more"><entry uri='sip:dave@example.org'><display-name>Dave</display-name></entry></list>`;
  const uris = urisIn(listOf(entry("sip:bob@example.org"), inner, entry("sip:bob@example.org")));
  assert.equal(uris, ["sip:bob@example.org", "sip:dave@example.org"]);
});

test("entries of other namespaces, without an address, or that refer elsewhere name nobody", () => {
  const other = `<cp:entry xmlns:cp="urn:other" uri="sip:eve@example.org"/>`;
  const external = `<external anchor="http://example.org/list"/><entry-ref ref="users/eve"/>`;
  assert.equal(urisIn(listOf("<entry/>", other, external, entry("sip:a&amp;b@example.org"))), ["sip:a&b@example.org"]);
});

test("what is no such list, or too long, is refused", () => {
  assert.is(
    statusOf(() => urisIn(`${head}<presence xmlns="urn:ietf:params:xml:ns:pidf"/>`)),
    400,
  );
  assert.is(
    statusOf(() => urisIn(`<resource-lists/>`)),
    400,
  );
  assert.is(
    statusOf(() => urisIn("not a list")),
    400,
  );
  const crowd = Array.from({ length: mostEntries + 1 }, (_, index) => entry(`sip:u${index}@example.org`));
  assert.is(
    statusOf(() => urisIn(listOf(...crowd))),
    413,
  );
  assert.is(urisIn(listOf(...crowd.slice(1))).length, mostEntries);
});

test.run();
