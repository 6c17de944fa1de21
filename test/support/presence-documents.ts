/** Reads what watchers are told as RFC 3863, RFC 4480 and RFC 4662 have it, and is strict about their forms. */
import * as assert from "uvu/assert";
import { header, type SipRequest } from "../../firmware/sip/message.ts";
import { type Element, readXml } from "./xml.ts";

const pidf = "{urn:ietf:params:xml:ns:pidf}";
const dataModel = "{urn:ietf:params:xml:ns:pidf:data-model}";
const rpid = "{urn:ietf:params:xml:ns:pidf:rpid}";
const rlmi = "{urn:ietf:params:xml:ns:rlmi}";

export interface PresenceDocument {
  readonly entity: string | undefined;
  readonly basic: string;
  /** "busy", "other: in words" */
  readonly activities: readonly string[];
  readonly note: string | undefined;
}

function only(parent: Element, qualified: string): Element {
  const found = parent.children.filter((child) => child.qualified === qualified);
  assert.is(found.length, 1, `${qualified} in ${parent.name}`);
  return found[0] as Element;
}

export function readPresence(document: string): PresenceDocument {
  const root = readXml(document);
  assert.is(root.qualified, `${pidf}presence`);
  // The schema's order: tuples, notes, and then what others add.
  const order = root.children.map(({ qualified }) => [`${pidf}tuple`, `${pidf}note`].indexOf(qualified));
  assert.equal(
    order.map((at) => (at < 0 ? 2 : at)),
    order.map((at) => (at < 0 ? 2 : at)).toSorted(),
  );
  const tuple = only(root, `${pidf}tuple`);
  assert.ok(tuple.attributes.get("id"), "a tuple has an id");
  assert.is(tuple.children[0]?.qualified, `${pidf}status`, "the status comes first");
  const person = root.children.find(({ qualified }) => qualified === `${dataModel}person`);
  if (person) assert.ok(person.attributes.get("id"), "a person has an id");
  const activities = person ? only(person, `${rpid}activities`).children : [];
  return {
    entity: root.attributes.get("entity"),
    basic: only(only(tuple, `${pidf}status`), `${pidf}basic`).text,
    activities: activities.map(({ qualified, text }) => {
      assert.ok(qualified.startsWith(rpid), qualified);
      const name = qualified.slice(rpid.length);
      return text === "" ? name : `${name}: ${text}`;
    }),
    note: root.children.find(({ qualified }) => qualified === `${pidf}note`)?.text,
  };
}

export interface ListDocument {
  readonly uri: string | undefined;
  readonly version: number;
  /** By URI. */
  readonly people: ReadonlyMap<string, PresenceDocument>;
}

interface Part {
  readonly id: string | undefined;
  readonly type: string | undefined;
  readonly content: string;
}

/** RFC 2046 §5.1 */
function partsOf(content: string, boundary: string): Part[] {
  const pieces = `\r\n${content}`.split(`\r\n--${boundary}`);
  assert.is(pieces[0], "", "nothing before the first boundary");
  assert.match(pieces.at(-1) ?? "", /^--\s*$/, "the last boundary ends it");
  return pieces.slice(1, -1).map((piece) => {
    const [, head = "", body = ""] = /^\r\n([\s\S]*?)\r\n\r\n([\s\S]*)$/.exec(piece) ?? [];
    const fields = new Map(head.split("\r\n").map((line) => [line.split(": ")[0]?.toLowerCase(), line.split(": ")[1]]));
    return { id: fields.get("content-id"), type: fields.get("content-type"), content: body };
  });
}

/** The full state of a list, from the body of a NOTIFY and its Content-Type. */
export function readList(content: string, type: string): ListDocument {
  const [, start, boundary = ""] =
    /^multipart\/related;type="application\/rlmi\+xml";start="([^"]+)";boundary="(\w{10,70})"$/.exec(type) ?? [];
  const [first, ...others] = partsOf(content, boundary);
  assert.is(first?.id, start, "the list comes first");
  assert.match(first?.type ?? "", /^application\/rlmi\+xml/);
  const list = readXml(first?.content ?? "");
  assert.is(list.qualified, `${rlmi}list`);
  assert.is(list.attributes.get("fullState"), "true");
  assert.equal(new Set(others.map(({ id }) => id)).size, others.length, "each part has its own id");
  const parts = new Map(others.map((part) => [part.id, part]));
  const people = list.children.map((resource) => {
    assert.is(resource.qualified, `${rlmi}resource`);
    const instance = only(resource, `${rlmi}instance`);
    assert.ok(instance.attributes.get("id"));
    assert.is(instance.attributes.get("state"), "active");
    const part = parts.get(`<${instance.attributes.get("cid")}>`);
    assert.match(part?.type ?? "", /^application\/pidf\+xml/);
    const presence = readPresence(part?.content ?? "");
    assert.is(presence.entity, resource.attributes.get("uri"));
    return [presence.entity ?? "", presence] as const;
  });
  assert.is(people.length, others.length, "no part that the list does not speak of");
  return { uri: list.attributes.get("uri"), version: Number(list.attributes.get("version")), people: new Map(people) };
}

export const listOf = (notify: SipRequest): ListDocument =>
  readList(new TextDecoder().decode(notify.body), header(notify, "content-type") ?? "");
