/**
 * Reads SIP messages (RFC 3261 §7, §18.3) from bytes that anybody may have sent: one pass, bounded, and no way out but a
 * message or an error. Decides what is malformed; knows nothing of transport, transactions or time.
 */
import { checkSeparators, isToken, parseCSeq, parseNameAddr, parseVia, splitList } from "./header.ts";
import { type Headers, methods, ProtocolError, type SipMessage, type SipRequest } from "./message.ts";
import { parseNumber } from "./uri.ts";

/** The largest message in bytes, head and body. */
export const maxMessageBytes = 65_536;
const maxFields = 128;
/** Characters of one header line after unfolding. */
const maxLine = 8_192;

/**
 * `partial` is there when `status` can be answered: a request, but no ACK, with a Via that shows the way back. Nothing
 * else of it need be there or be readable (RFC 4475 §3.3.1); its body is empty.
 */
export class MalformedMessage extends ProtocolError {
  readonly partial: SipRequest | undefined;

  constructor(status: number, message: string, partial?: SipRequest) {
    super(status, message);
    this.name = "MalformedMessage";
    this.partial = partial;
  }
}

/** RFC 3261 §7.3.3 and §20; IANA "SIP Header Fields" for the later ones. */
const compactForms: ReadonlyMap<string, string> = new Map([
  ["a", "accept-contact"],
  ["b", "referred-by"],
  ["c", "content-type"],
  ["d", "request-disposition"],
  ["e", "content-encoding"],
  ["f", "from"],
  ["i", "call-id"],
  ["j", "reject-contact"],
  ["k", "supported"],
  ["l", "content-length"],
  ["m", "contact"],
  ["o", "event"],
  ["r", "refer-to"],
  ["s", "subject"],
  ["t", "to"],
  ["u", "allow-events"],
  ["v", "via"],
  ["x", "session-expires"],
  ["y", "identity"],
]);

const mandatory = ["via", "from", "to", "call-id", "cseq"];
/** Their lists and parameters are known well enough to say that a separator is one too many. */
const separated = ["via", "contact"];
const single = ["from", "to", "call-id", "cseq", "content-length", "max-forwards"];
const emptyBody = new Uint8Array(0);
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Says what is wrong; the first word counts. */
type Blame = (status: number, message: string) => void;

/** Reads one datagram, or one frame of a stream. The message keeps nothing of `data`. Throws MalformedMessage. */
export function parseMessage(data: Uint8Array): SipMessage {
  if (data.length > maxMessageBytes)
    throw new MalformedMessage(413, `message of ${data.length} bytes, at most ${maxMessageBytes}`);
  const start = leadingBreaks(data);
  const headEnd = findEmptyLine(data, start, data.length);
  if (headEnd < 0) throw new MalformedMessage(400, "no empty line ends the header");

  let fault: { readonly status: number; readonly message: string } | undefined;
  const blame: Blame = (status, message) => {
    fault ??= { status, message };
  };
  const { startLine, headers } = readHead(decoder.decode(data.subarray(start, headEnd)), blame);
  const opening = readStartLine(startLine, blame);
  const hasWayBack = checkHeaders(headers, opening.kind === "request" ? opening.method : undefined, blame);
  const body = readBody(data.subarray(headEnd + 4), headers, blame);
  if (fault === undefined) return { ...opening, headers, body };

  const partial =
    hasWayBack && opening.kind === "request" && opening.method !== "ACK"
      ? { ...opening, headers, body: emptyBody }
      : undefined;
  throw new MalformedMessage(fault.status, fault.message, partial);
}

/** A datagram of nothing but CR, LF or NUL: a NAT keep-alive, to be ignored. */
export function isKeepAlive(data: Uint8Array): boolean {
  return data.every((byte) => byte === 13 || byte === 10 || byte === 0);
}

/** §7.5: line breaks before the start-line are ignored. */
function leadingBreaks(data: Uint8Array): number {
  let at = 0;
  while (data[at] === 13 && data[at + 1] === 10) at += 2;
  return at;
}

/** The index of the first CR LF CR LF in `data[from..to)`, or -1. */
export function findEmptyLine(data: Uint8Array, from: number, to: number): number {
  for (let at = data.indexOf(13, from); at >= 0 && at + 3 < to; at = data.indexOf(13, at + 1))
    if (data[at + 1] === 10 && data[at + 2] === 13 && data[at + 3] === 10) return at;
  return -1;
}

/** Splits a header into its start-line and its fields: unfolded, long names in lower case. */
export function readHead(text: string, blame: Blame): { readonly startLine: string; readonly headers: Headers } {
  const lines: string[] = [];
  for (const line of text.split("\r\n")) {
    if (isBroken(line)) blame(400, "a CR or LF alone in the header");
    if (/^[ \t]/.test(line) && lines.length > 1) lines.push(`${lines.pop()} ${trimBlanks(line)}`);
    else if (lines.push(line) > maxFields + 1) throw new MalformedMessage(400, `more than ${maxFields} header fields`);
  }
  const startLine = lines.shift() ?? "";
  if (startLine.length > maxLine) blame(414, `start-line of ${startLine.length} characters, at most ${maxLine}`);

  const headers: [string, string][] = [];
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).trimEnd().toLowerCase();
    if (line.length > maxLine) blame(400, `header line of ${line.length} characters, at most ${maxLine}`);
    // Blamed above; no answer may carry it.
    else if (isBroken(line)) continue;
    else if (!isToken(name)) blame(400, `header line without a name: "${line.slice(0, 60)}"`);
    else headers.push([compactForms.get(name) ?? name, trimBlanks(line.slice(colon + 1))]);
  }
  return { startLine, headers };
}

/** Space and tab: what is white space in other scripts belongs to the value. */
function trimBlanks(text: string): string {
  const isBlank = (at: number) => text[at] === " " || text[at] === "\t";
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(from)) from++;
  while (to > from && isBlank(to - 1)) to--;
  return text.slice(from, to);
}

const isBroken = (line: string): boolean => /[\r\n]/.test(line);

type Opening =
  | { readonly kind: "request"; readonly method: string; readonly uri: string }
  | { readonly kind: "response"; readonly status: number; readonly reason: string };

function readStartLine(written: string, blame: Blame): Opening {
  if (/^SIP\//i.test(written)) {
    if (!/^SIP\/2\.0 [1-6]\d\d( |$)/i.test(written))
      throw new MalformedMessage(400, `status line "${written.slice(0, 60)}"`);
    return { kind: "response", status: Number(written.slice(8, 11)), reason: written.slice(12) };
  }
  const line = written.trimEnd();
  if (line !== written) blame(400, "white space after the request line");
  const first = line.indexOf(" ");
  const last = line.lastIndexOf(" ");
  const method = line.slice(0, Math.max(first, 0));
  const version = line.slice(last + 1);
  if (!isToken(method) || last === first || !/^SIP\/\d+\.\d+$/i.test(version))
    throw new MalformedMessage(400, `request line "${line.slice(0, 60)}"`);
  const uri = line.slice(first + 1, last);
  if (version.toUpperCase() !== "SIP/2.0") blame(505, `version ${version.slice(0, 20)}, expected SIP/2.0`);
  if (uri === "" || /[\s<>"]/.test(uri)) blame(400, `Request-URI "${uri.slice(0, 60)}"`);
  return { kind: "request", method, uri };
}

/** `method`: of a request. True when the first Via shows the way back (§18.2.2). */
function checkHeaders(headers: Headers, method: string | undefined, blame: Blame): boolean {
  const first = new Map<string, string>();
  const attempt = (name: string, value: string, read: (value: string) => void): boolean => {
    try {
      read(value);
      return true;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      blame(error.status, `${name}: ${error.message}`);
      return false;
    }
  };
  for (const [name, value] of headers) {
    if (!first.has(name)) first.set(name, value);
    else if (single.includes(name)) blame(400, `${name} twice`);
    if (method !== undefined && separated.includes(name)) attempt(name, value, checkSeparators);
  }
  const check = (name: string, read: (value: string) => void): boolean => {
    const value = first.get(name);
    if (value !== undefined) return attempt(name, value, read);
    if (mandatory.includes(name)) blame(400, `no ${name}`);
    return false;
  };
  const hasWayBack = check("via", (value) => {
    const { version } = parseVia(splitList(value)[0] ?? "");
    if (version !== "2.0") blame(400, `Via of version ${version.slice(0, 20)}`);
  });
  check("from", parseNameAddr);
  check("to", parseNameAddr);
  check("call-id", (value) => {
    if (value === "" || /\s/.test(value)) throw new ProtocolError(400, `"${value.slice(0, 60)}"`);
  });
  check("cseq", (value) => {
    const cseq = parseCSeq(value);
    // RFC 4475 §3.1.2.18: the method that nobody knows counts more than its CSeq.
    if (method !== undefined && cseq.method !== method)
      blame(methods.has(method) ? 400 : 501, `CSeq of ${cseq.method} in a request of ${method}`);
  });
  check("max-forwards", (value) => parseNumber(value, 255, "Max-Forwards"));
  return hasWayBack;
}

/** §18.3: a datagram's body ends where Content-Length says, or with the datagram. */
function readBody(rest: Uint8Array, headers: Headers, blame: Blame): Uint8Array {
  let length = rest.length;
  try {
    length = contentLength(headers) ?? length;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    blame(400, error.message);
  }
  if (length > rest.length) blame(400, `Content-Length ${length}, but ${rest.length} bytes follow`);
  // A copy: the datagram belongs to the socket again after this call.
  return length === 0 ? emptyBody : new Uint8Array(rest.subarray(0, length));
}

/** Throws ProtocolError 400. */
export function contentLength(headers: Headers): number | undefined {
  const value = headers.find(([name]) => name === "content-length")?.[1];
  return value === undefined ? undefined : parseNumber(value, Number.MAX_SAFE_INTEGER, "Content-Length");
}
