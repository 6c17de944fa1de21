/** SIP, SIPS and tel URIs as values (RFC 3261 §19.1, RFC 3966): reading, writing, comparing, and the hosts and ports inside. */
import { ProtocolError } from "./message.ts";

export interface SipUri {
  readonly scheme: "sip" | "sips" | "tel";
  /** Unescaped; undefined when the URI names a host alone. The number of a tel URI, without visual separators. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Lower-case, IPv6 without brackets; "" in a tel URI. */
  readonly host: string;
  readonly port: number | undefined;
  /** Unescaped. Names lower-case; "" for a flag such as `lr`. */
  readonly params: ReadonlyMap<string, string>;
  readonly headers: ReadonlyMap<string, string>;
}

const maxLength = 8_192;
const encoder = new TextEncoder();
const none: ReadonlyMap<string, string> = new Map();

const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()";
const plainInUser = new Set(`${unreserved}&=+$,;?/`);
const plainInPassword = new Set(`${unreserved}&=+$,`);
const plainInParam = new Set(`${unreserved}[]/:&+$`);
const plainInHeader = new Set(`${unreserved}[]/?:+$`);

/** Reads a URI. Throws ProtocolError 400: malformed, longer than 8 KiB, or of another scheme. */
export function parseUri(text: string): SipUri {
  if (text.length > maxLength) throw new ProtocolError(400, `URI of ${text.length} characters, at most ${maxLength}`);
  const scheme = schemeOf(text);
  if (scheme !== "sip" && scheme !== "sips" && scheme !== "tel")
    throw new ProtocolError(400, `URI scheme "${scheme.slice(0, 20)}", expected sip, sips or tel`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\s\x00-\x1f\x7f<>"\\]/.test(text)) throw malformed("a character that must be escaped", text);
  const rest = text.slice(scheme.length + 1);
  return scheme === "tel" ? parseTel(rest) : parseSip(scheme, rest);
}

/** Reads a Request-URI, which has no headers (RFC 3261 §19.1.1). Throws ProtocolError: 416 another scheme, 400 for the rest. */
export function parseTarget(text: string): SipUri {
  if (!/^(?:sips?|tel)$/.test(schemeOf(text))) throw new ProtocolError(416, `Request-URI "${text.slice(0, 60)}"`);
  const target = parseUri(text);
  if (target.headers.size > 0) throw malformed("headers in a Request-URI", text);
  return target;
}

/** The Request-URI that reaches what a URI names. Its headers stay behind: they would put words into this side's mouth (§19.1.5). */
export function targetOf(uri: string): string {
  const parsed = parseUri(uri);
  return parsed.headers.size === 0 ? uri : formatUri({ ...parsed, headers: none });
}

function schemeOf(text: string): string {
  const colon = text.indexOf(":");
  if (colon <= 0) throw malformed("no scheme", text);
  return text.slice(0, colon).toLowerCase();
}

function parseSip(scheme: "sip" | "sips", rest: string): SipUri {
  // An unescaped "@" can only end the user part, which itself may hold ";" and "?".
  const at = rest.indexOf("@");
  const userInfo = at < 0 ? undefined : rest.slice(0, at);
  const colon = userInfo?.indexOf(":") ?? -1;
  const user = colon < 0 ? userInfo : userInfo?.slice(0, colon);
  if (user === "") throw malformed("an empty user", rest);

  const tail = rest.slice(at + 1);
  const question = tail.indexOf("?");
  const beforeHeaders = question < 0 ? tail : tail.slice(0, question);
  const semicolon = beforeHeaders.indexOf(";");
  const hostPort = semicolon < 0 ? beforeHeaders : beforeHeaders.slice(0, semicolon);
  return {
    scheme,
    user: user === undefined ? undefined : unescaped(user),
    password: colon < 0 ? undefined : unescaped(userInfo?.slice(colon + 1) ?? ""),
    ...parseHostPort(hostPort),
    params: semicolon < 0 ? none : pairs(beforeHeaders.slice(semicolon + 1), ";"),
    headers: question < 0 ? none : pairs(tail.slice(question + 1), "&"),
  };
}

function parseTel(rest: string): SipUri {
  const semicolon = rest.indexOf(";");
  const number = (semicolon < 0 ? rest : rest.slice(0, semicolon)).replace(/[-.()]/g, "");
  if (!/^\+?[0-9a-f*#]+$/i.test(number)) throw malformed("no telephone number", rest);
  const params = semicolon < 0 ? none : pairs(rest.slice(semicolon + 1), ";");
  return { scheme: "tel", user: number, password: undefined, host: "", port: undefined, params, headers: none };
}

function pairs(text: string, separator: string): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const part of text.split(separator)) {
    const equals = part.indexOf("=");
    const name = unescaped(equals < 0 ? part : part.slice(0, equals)).toLowerCase();
    if (name === "") throw malformed("an empty parameter", text);
    if (map.has(name)) throw malformed(`"${name.slice(0, 20)}" twice`, text);
    map.set(name, equals < 0 ? "" : unescaped(part.slice(equals + 1)));
  }
  return map;
}

/** "host", "host:port", "[v6]:port"; the host comes back lower-case and without brackets. Throws ProtocolError 400. */
export function parseHostPort(text: string): { readonly host: string; readonly port: number | undefined } {
  const bracketed = text.startsWith("[");
  const end = bracketed ? text.indexOf("]") : text.indexOf(":");
  const host = (end < 0 ? text.slice(bracketed ? 1 : 0) : text.slice(bracketed ? 1 : 0, end)).toLowerCase();
  const rest = end < 0 ? "" : text.slice(bracketed ? end + 1 : end);
  if (bracketed ? end < 0 || !isIpv6(host) : !/^[a-z0-9._-]+$/.test(host)) throw malformed("no host", text);
  if (rest === "") return { host, port: undefined };
  if (!rest.startsWith(":")) throw malformed("no port after the host", text);
  const port = parseNumber(rest.slice(1), 65_535, "port");
  if (port === 0) throw malformed("port 0", text);
  return { host, port };
}

/** The inverse of `parseHostPort`: brackets an IPv6 host. */
export function formatHostPort(address: { readonly host: string; readonly port?: number | undefined }): string {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return address.port === undefined ? host : `${host}:${address.port}`;
}

/** A numeric IPv6 address without brackets or zone. */
export function isIpv6(host: string): boolean {
  return /^[0-9a-f:.]{2,45}$/i.test(host) && URL.canParse(`http://[${host}]/`);
}

/** A numeric host as sockets write it, so that two spellings of one address compare as the same. */
export function canonicalHost(host: string): string {
  return isIpv6(host) ? new URL(`http://[${host}]/`).hostname.slice(1, -1) : host;
}

/** A dotted-quad IPv4 address. */
export function isIpv4(host: string): boolean {
  const parts = host.split(".", 5);
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}

/** Decimal digits and nothing else, 0..`max`. Throws ProtocolError 400 naming `what`. */
export function parseNumber(text: string, max: number, what: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(number <= max)) throw new ProtocolError(400, `${what} "${text.slice(0, 20)}", expected 0 to ${max}`);
  return number;
}

/** Writes a URI, escaping what must be escaped in each part. */
export function formatUri(uri: SipUri): string {
  let text = `${uri.scheme}:`;
  if (uri.user !== undefined) text += escaped(uri.user, plainInUser);
  if (uri.scheme !== "tel") {
    if (uri.password !== undefined) text += `:${escaped(uri.password, plainInPassword)}`;
    if (uri.user !== undefined) text += "@";
    text += formatHostPort(uri);
  }
  for (const [name, value] of uri.params) text += `;${pair(name, value, plainInParam)}`;
  let separator = "?";
  for (const [name, value] of uri.headers) {
    text += `${separator}${escaped(name, plainInHeader)}=${escaped(value, plainInHeader)}`;
    separator = "&";
  }
  return text;
}

function pair(name: string, value: string, plain: ReadonlySet<string>): string {
  return value === "" ? escaped(name, plain) : `${escaped(name, plain)}=${escaped(value, plain)}`;
}

/** Whether two URIs are equivalent (RFC 3261 §19.1.4). */
export function sameUri(a: SipUri, b: SipUri): boolean {
  return (
    a.scheme === b.scheme &&
    a.user === b.user &&
    a.password === b.password &&
    a.host === b.host &&
    a.port === b.port &&
    paramsAgree(a.params, b.params) &&
    paramsAgree(b.params, a.params) &&
    a.headers.size === b.headers.size &&
    [...a.headers].every(([name, value]) => b.headers.get(name) === value)
  );
}

/** Present in one URI alone, these make the two differ; "transport" by the examples of RFC 3261 §19.1.4. */
const decisive = new Set(["user", "ttl", "method", "maddr", "transport"]);

function paramsAgree(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  for (const [name, value] of a) {
    const other = b.get(name);
    if (other === undefined ? decisive.has(name) : other.toLowerCase() !== value.toLowerCase()) return false;
  }
  return true;
}

/** The canonical address of record: "sip:user@host" whatever the scheme's security, port and parameters (RFC 3261 §10.3 step 5); "tel:number". */
export function aorOf(uri: SipUri): string {
  const scheme = uri.scheme === "tel" ? "tel" : "sip";
  return formatUri({ ...uri, scheme, password: undefined, port: undefined, params: none, headers: none });
}

function unescaped(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed("a bad escape", text);
  }
}

function escaped(text: string, plain: ReadonlySet<string>): string {
  let out = "";
  for (const byte of encoder.encode(text)) {
    const character = String.fromCharCode(byte);
    out += plain.has(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}

function malformed(what: string, text: string): ProtocolError {
  return new ProtocolError(400, `URI with ${what}: "${text.slice(0, 60)}"`);
}
