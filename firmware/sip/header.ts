/** The grammars of single header fields (RFC 3261 §20, §25.1). Every reader takes one pass, and throws ProtocolError 400. */
import { ProtocolError } from "./message.ts";
import { formatHostPort, parseHostPort, parseNumber } from "./uri.ts";

/** Names lower-case, values unquoted; "" for a flag such as `lr` or `rport`. */
export type Params = ReadonlyMap<string, string>;

export interface NameAddr {
  readonly display: string | undefined;
  /** The URI as written, without brackets. */
  readonly uri: string;
  readonly params: Params;
}

export interface Via {
  /** "2.0" but for a peer of another time. */
  readonly version: string;
  /** Upper-case: "UDP". */
  readonly transport: string;
  /** Lower-case, IPv6 without brackets. */
  readonly host: string;
  readonly port: number | undefined;
  readonly params: Params;
}

const none: Params = new Map();

/** Splits a comma list, minding quoted strings and angle brackets; empty elements are dropped. */
export function splitList(value: string): readonly string[] {
  return splitAt(value, ",").filter((part) => part !== "");
}

/** Refuses a comma or a semicolon with nothing beside it, which the readers overlook (RFC 4475 §3.1.2.1). */
export function checkSeparators(value: string): void {
  if (value === "") return;
  for (const element of splitAt(value, ","))
    if (splitAt(element, ";").includes("")) throw malformed("an empty element", value);
}

function splitAt(text: string, separator: string): string[] {
  // Most texts have nothing that could hide a separator.
  if (!/["<]/.test(text)) return text.split(separator).map((part) => part.trim());
  const parts: string[] = [];
  let from = 0;
  let inside: '"' | ">" | undefined;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (inside !== undefined) {
      if (character === "\\" && inside === '"') i++;
      else if (character === inside) inside = undefined;
    } else if (character === '"') inside = '"';
    else if (character === "<") inside = ">";
    else if (character === separator) {
      parts.push(text.slice(from, i).trim());
      from = i + 1;
    }
  }
  if (inside !== undefined) throw malformed(`no closing ${inside}`, text);
  parts.push(text.slice(from).trim());
  return parts;
}

/** From, To, Contact, Route, Refer-To…: `"display" <uri>;params`, or a bare URI whose parameters are the header's (§20.10). */
export function parseNameAddr(value: string): NameAddr {
  const text = value.trim();
  const afterQuote = text.startsWith('"') ? closingQuote(text) + 1 : 0;
  const open = text.indexOf("<", afterQuote);
  if (open < 0) return parseBareAddress(text);

  const close = text.indexOf(">", open);
  if (close < 0) throw malformed("no closing >", text);
  const between = text.slice(afterQuote, open).trim();
  if (afterQuote > 0 ? between !== "" : /[",;]/.test(between)) throw malformed("a bad display name", text);
  const rest = text.slice(close + 1).trim();
  if (rest !== "" && !rest.startsWith(";")) throw malformed("text after >", text);
  const display = afterQuote > 0 ? unquote(text.slice(0, afterQuote)) : between;
  return {
    display: display === "" ? undefined : display,
    uri: checkUri(text.slice(open + 1, close)),
    params: parseParams(rest),
  };
}

function parseBareAddress(text: string): NameAddr {
  const semicolon = text.indexOf(";");
  return {
    display: undefined,
    uri: checkBareUri(semicolon < 0 ? text : text.slice(0, semicolon).trim()),
    params: semicolon < 0 ? none : parseParams(text.slice(semicolon)),
  };
}

/** §20: "," and "?" and ";" of a URI need brackets around it. */
function checkBareUri(uri: string): string {
  if (/[?,]/.test(uri)) throw malformed("a URI that needs angle brackets", uri);
  return checkUri(uri);
}

function checkUri(uri: string): string {
  if (!/^[a-z][a-z0-9+.-]*:/i.test(uri) || /[\s<>"]/.test(uri)) throw malformed("no URI", uri);
  return uri;
}

/** The inverse of `parseNameAddr`, always with angle brackets. */
export function formatNameAddr(address: NameAddr): string {
  const display = address.display === undefined ? "" : `${quote(address.display)} `;
  return `${display}<${address.uri}>${formatParams(address.params)}`;
}

/** One Via value; split a list first. */
export function parseVia(value: string): Via {
  const semicolon = value.indexOf(";");
  const head = semicolon < 0 ? value : value.slice(0, semicolon);
  const [protocol, version, tail, extra] = head.split("/", 4).map((part) => part.trim());
  const gap = tail?.search(/\s/) ?? -1;
  const isSip = protocol?.toUpperCase() === "SIP" && version !== undefined && /^\d+\.\d+$/.test(version);
  if (!isSip || !tail || gap < 0 || extra !== undefined) throw malformed("a bad Via", value);
  // White space is allowed around the colon before the port.
  const sentBy = tail
    .slice(gap)
    .split(":")
    .map((part) => part.trim())
    .join(":");
  return {
    version,
    transport: checkToken(tail.slice(0, gap)).toUpperCase(),
    ...parseHostPort(sentBy),
    params: semicolon < 0 ? none : parseParams(value.slice(semicolon)),
  };
}

export function formatVia(via: Via): string {
  return `SIP/${via.version}/${via.transport} ${formatHostPort(via)}${formatParams(via.params)}`;
}

/** "314159 INVITE"; the number is below 2^31 (§8.1.1.5). */
export function parseCSeq(value: string): { readonly number: number; readonly method: string } {
  const gap = value.search(/\s/);
  if (gap < 0) throw malformed("a bad CSeq", value);
  return {
    number: parseNumber(value.slice(0, gap), 0x7fffffff, "CSeq"),
    method: checkToken(value.slice(gap).trim()),
  };
}

/** Every Contact of a message: `parseContactList(headers(message, "contact"))`. "*" stands alone (§10.2.2). */
export function parseContactList(values: readonly string[]): "*" | readonly NameAddr[] {
  const parts = values.flatMap(splitList);
  if (parts.length === 1 && parts[0] === "*") return "*";
  return parts.map(parseNameAddr);
}

/** `;a=b;c;d="e f"`, with or without the first semicolon. A parameter that comes twice is refused (§7.3.1). */
export function parseParams(text: string): Params {
  return text === "" ? none : collect(splitAt(text, ";"));
}

/** The inverse of `parseParams`, with the first semicolon. */
export function formatParams(params: Params): string {
  let text = "";
  for (const [name, value] of params) text += value === "" ? `;${name}` : `;${name}=${quoteIfNeeded(value)}`;
  return text;
}

/** Event: package and parameters; packages are compared by case (RFC 6665 §8.4). */
export function parseEvent(value: string): { readonly package: string; readonly params: Params } {
  const semicolon = value.indexOf(";");
  return {
    package: checkToken((semicolon < 0 ? value : value.slice(0, semicolon)).trim()),
    params: semicolon < 0 ? none : parseParams(value.slice(semicolon)),
  };
}

/** A challenge or credentials: `Digest realm="…", nonce="…"`. The scheme comes back lower-case. */
export function parseAuth(value: string): { readonly scheme: string; readonly params: Params } {
  const text = value.trim();
  const gap = text.search(/\s/);
  const scheme = checkToken(gap < 0 ? text : text.slice(0, gap)).toLowerCase();
  return { scheme, params: gap < 0 ? none : collect(splitAt(text.slice(gap), ",")) };
}

/** A media type, a range or a token as it is compared: without parameters, in lower case. */
export function withoutParams(value: string): string {
  return value.split(";", 1).join("").trim().toLowerCase();
}

/** The tag of a From or To value. */
export function tagOf(value: string): string | undefined {
  // A request outside dialogs has none in To, and that is asked often.
  if (!/;\s*tag/i.test(value)) return undefined;
  return parseNameAddr(value).params.get("tag");
}

/** A From or To value with its tag set; all else stays as it was written. */
export function withTag(value: string, tag: string): string {
  const address = parseNameAddr(value);
  if (!address.params.has("tag")) return `${value.trim()};tag=${tag}`;
  return formatNameAddr({ ...address, params: new Map(address.params).set("tag", tag) });
}

function collect(parts: readonly string[]): Params {
  const params = new Map<string, string>();
  for (const part of parts) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = checkToken((equals < 0 ? part : part.slice(0, equals)).trim()).toLowerCase();
    if (params.has(name)) throw malformed("a parameter twice", part);
    params.set(name, equals < 0 ? "" : parseValue(part.slice(equals + 1).trim()));
  }
  return params;
}

function parseValue(text: string): string {
  if (text.startsWith('"')) {
    if (closingQuote(text) !== text.length - 1) throw malformed("text after a quoted string", text);
    return unquote(text);
  }
  if (!/^[^\s"<>,;]+$/.test(text)) throw malformed("a bad parameter value", text);
  return text;
}

/** The index of the quote that ends the quoted string at the start of `text`. */
function closingQuote(text: string): number {
  for (let i = 1; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === '"') return i;
  }
  throw malformed('no closing "', text);
}

/** `text` as a quoted string. */
export function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

function unquote(quoted: string): string {
  const text = quoted.slice(1, -1);
  return text.includes("\\") ? text.replace(/\\([\s\S])/g, "$1") : text;
}

function quoteIfNeeded(value: string): string {
  return /^[\w\-.!%*+`'~[\]:]+$/.test(value) ? value : quote(value);
}

/** RFC 3261 §25.1 "token". */
export function isToken(text: string): boolean {
  return /^[\w\-.!%*+`'~]+$/.test(text);
}

function checkToken(text: string): string {
  if (!isToken(text)) throw malformed("no token", text);
  return text;
}

function malformed(what: string, text: string): ProtocolError {
  return new ProtocolError(400, `header value with ${what}: "${text.slice(0, 60)}"`);
}
