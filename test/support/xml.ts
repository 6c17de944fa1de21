import * as assert from "uvu/assert";

export interface Element {
  /** As it is written, with its prefix. */
  readonly name: string;
  /** "{namespace}name" */
  readonly qualified: string;
  readonly namespaces: ReadonlyMap<string, string>;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: Element[];
  text: string;
}

const declaration = /^<\?xml version="1\.0" encoding="UTF-8"\?>\s*/;
const tag = /<(\/?)([a-z][\w-]*(?::[a-z][\w-]*)?)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/y;
const entities: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);

/** Reads a document without comments, CDATA and DTD. Throws for one that is not well-formed. */
export function readXml(document: string): Element {
  assert.match(document, declaration);
  const body = document.replace(declaration, "").trimEnd();
  const top: Element = {
    name: "",
    qualified: "",
    namespaces: new Map(),
    attributes: new Map(),
    children: [],
    text: "",
  };
  const open = [top];

  for (let at = 0; at < body.length; ) {
    const inside = open.at(-1);
    assert.ok(inside && (inside !== top || at === 0), `something after the end at ${at}`);
    const next = body.indexOf("<", at);
    const end = next < 0 ? body.length : next;
    inside.text += unescaped(body.slice(at, end));
    tag.lastIndex = end;
    const match = tag.exec(body);
    assert.ok(match, `no tag at ${end}: ${body.slice(end, end + 40)}`);
    const [whole, closing, name = "", attributes = "", empty] = match;
    at = end + whole.length;
    if (closing) {
      assert.is(name, open.pop()?.name, `what </${name}> closes`);
      continue;
    }
    const element = elementOf(name, readAttributes(attributes), inside.namespaces);
    inside.children.push(element);
    if (!empty) open.push(element);
  }
  const [root] = top.children;
  assert.ok(root && open.length === 1, "everything is closed");
  return root;
}

function elementOf(name: string, attributes: ReadonlyMap<string, string>, outer: ReadonlyMap<string, string>): Element {
  const namespaces = new Map(outer);
  for (const [key, value] of attributes) if (/^xmlns(:|$)/.test(key)) namespaces.set(key.slice(6), value);
  const [local = "", prefix = ""] = name.split(":").reverse();
  const namespace = namespaces.get(prefix);
  assert.ok(namespace !== undefined, `a namespace of ${name}`);
  return { name, qualified: `{${namespace}}${local}`, namespaces, attributes, children: [], text: "" };
}

function readAttributes(text: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  for (const [, name = "", value = ""] of text.matchAll(/([\w:-]+)="([^"]*)"/g)) {
    assert.not.ok(attributes.has(name), `${name} comes twice`);
    attributes.set(name, unescaped(value));
  }
  return attributes;
}

function unescaped(text: string): string {
  return text.replace(/&(\w*);?/g, (whole, name: string) => {
    const character = entities.get(name);
    assert.ok(character !== undefined && whole.endsWith(";"), `an entity: ${whole}`);
    return character;
  });
}
