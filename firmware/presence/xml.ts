/**
 * A strict reader of the XML that terminals publish, and what writers of XML need. One pass, bounded; no DTD, so that there are no
 * entities to expand and nothing outside the document to fetch. Names of ASCII only: the vocabularies of presence have no others.
 */
import { ProtocolError } from "../sip/message.ts";

export interface XmlElement {
  readonly namespace: string;
  /** Without a prefix. */
  readonly name: string;
  /** By their names as they are written. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Its own, without that of its children. */
  readonly text: string;
}

interface Open extends XmlElement {
  readonly tag: string;
  readonly scope: Scope;
  readonly children: XmlElement[];
  text: string;
}

/** Namespaces by prefix; "" is the default one. */
type Scope = ReadonlyMap<string, string>;

const mostElements = 500;
const mostAttributes = 32;
const deepest = 32;

const name = "[A-Za-z_][A-Za-z0-9_.-]*(?::[A-Za-z_][A-Za-z0-9_.-]*)?";
const startTag = new RegExp(`<(${name})`, "y");
const attribute = new RegExp(`\\s+(${name})\\s*=\\s*(?:"([^"<]*)"|'([^'<]*)')`, "y");
const startTagEnd = /\s*(\/?)>/y;
const endTag = new RegExp(`</(${name})\\s*>`, "y");
const declaration = /^<\?xml\s[^?]*?encoding\s*=\s*["']([^"']*)["']/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 §2.2 forbids them.
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;
const entities: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);
const xmlNamespace = "http://www.w3.org/XML/1998/namespace";

/** `text` as the content of an element or a quoted attribute; what no document may hold is left out. */
export function escapeXml(text: string): string {
  const sound = text.replace(forbidden, "");
  return sound.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** The root of a document. Throws ProtocolError 400. */
export function readXml(document: Uint8Array): XmlElement {
  const text = decode(document);
  const top: Open = {
    namespace: "",
    name: "",
    attributes: new Map(),
    tag: "",
    scope: new Map([["xml", xmlNamespace]]),
    children: [],
    text: "",
  };
  const open: Open[] = [top];
  let count = 0;
  let at = 0;

  const inside = (): Open => open.at(-1) ?? top;

  function take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = at;
    const match = pattern.exec(text) ?? undefined;
    if (match) at = pattern.lastIndex;
    return match;
  }

  function skipPast(end: string, from: number): string {
    const found = text.indexOf(end, from);
    if (found < 0) throw fault(`no ${end}`);
    at = found + end.length;
    return text.slice(from, found);
  }

  function enter(tag: string): void {
    count += 1;
    if (count > mostElements || open.length > deepest) throw fault("more elements than presence takes");
    if (open.length === 1 && top.children.length > 0) throw fault("a second root");
    const written = new Map<string, string>();
    for (let next = take(attribute); next; next = take(attribute)) {
      const [, key = "", double, single] = next;
      if (written.has(key) || written.size === mostAttributes) throw fault(`attribute ${key} once more`);
      written.set(key, unescaped(double ?? single ?? ""));
    }
    const end = take(startTagEnd);
    if (!end) throw fault(`no end of <${tag}`);
    const element = elementOf(tag, written, inside().scope);
    inside().children.push(element);
    if (end[1] === "") open.push(element);
  }

  function leave(): void {
    const tag = take(endTag)?.[1];
    if (open.length === 1 || tag !== inside().tag) throw fault("an end tag that ends nothing");
    open.pop();
  }

  while (at < text.length) {
    const next = text.indexOf("<", at);
    inside().text += unescaped(text.slice(at, next < 0 ? undefined : next));
    at = next < 0 ? text.length : next;
    if (at === text.length) break;
    if (text.startsWith("<?", at)) skipPast("?>", at + 2);
    else if (text.startsWith("<!--", at)) skipPast("-->", at + 4);
    else if (text.startsWith("<![CDATA[", at) && open.length > 1) inside().text += skipPast("]]>", at + 9);
    else if (text.startsWith("</", at)) leave();
    else {
      const tag = take(startTag)?.[1];
      if (tag === undefined) throw fault("a declaration, or a < that begins nothing");
      enter(tag);
    }
  }
  const [root] = top.children;
  if (!root || open.length > 1 || top.text.trim() !== "") throw fault("no single root, closed");
  return root;
}

function decode(document: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(document);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw fault("bytes that are no UTF-8");
  }
  const encoding = declaration.exec(text)?.[1]?.toLowerCase() ?? "utf-8";
  if (encoding !== "utf-8" && encoding !== "us-ascii") throw fault(`encoding ${encoding.slice(0, 20)}`);
  forbidden.lastIndex = 0;
  if (forbidden.test(text)) throw fault("a control character");
  return text;
}

function elementOf(tag: string, written: ReadonlyMap<string, string>, outer: Scope): Open {
  const declared = [...written].filter(([key]) => key === "xmlns" || key.startsWith("xmlns:"));
  const scope = declared.length === 0 ? outer : new Map([...outer, ...declared.map(declarationOf)]);
  const colon = tag.indexOf(":");
  const prefix = colon < 0 ? "" : tag.slice(0, colon);
  const namespace = scope.get(prefix);
  if (namespace === undefined && prefix !== "") throw fault(`prefix ${prefix.slice(0, 20)} without a namespace`);
  const name = tag.slice(colon + 1);
  return { tag, scope, namespace: namespace ?? "", name, attributes: written, children: [], text: "" };
}

/** "xmlns" declares the default one, "xmlns:dm" that of a prefix. */
function declarationOf([key, namespace]: readonly [string, string]): [prefix: string, namespace: string] {
  return [key.slice("xmlns:".length), namespace];
}

function unescaped(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&([^;&]{0,12};?)/g, (_, reference: string) => {
    const [, hexadecimal, decimal] = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}));$/.exec(reference) ?? [];
    const code = hexadecimal ? Number.parseInt(hexadecimal, 16) : decimal ? Number(decimal) : undefined;
    const character = code === undefined ? entities.get(reference.slice(0, -1)) : characterOf(code);
    if (character === undefined || !reference.endsWith(";")) throw fault("an entity that XML has not by itself");
    return character;
  });
}

/** XML 1.0 §2.2 */
function characterOf(code: number): string | undefined {
  const sound = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  const character = sound ? String.fromCodePoint(code) : "\0";
  return character.replace(forbidden, "") === "" ? undefined : character;
}

function fault(what: string): ProtocolError {
  return new ProtocolError(400, `XML with ${what}`);
}
