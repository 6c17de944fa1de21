/** Writes SIP messages: bytes from values, and the requests and responses that RFC 3261 §8.1.1 and §8.2.6 prescribe. */
import { isToken, tagOf, withTag } from "./header.ts";
import { type Headers, headers, type SipMessage, type SipRequest, type SipResponse } from "./message.ts";

export interface Content {
  /** The media type: "application/sdp". */
  readonly type: string;
  readonly content: string | Uint8Array;
}

export interface RequestParts {
  readonly method: string;
  readonly uri: string;
  /** Formatted; absent when the transaction adds it. */
  readonly via?: string | undefined;
  readonly from: string;
  readonly to: string;
  readonly callId: string;
  readonly cseq: number;
  /** Default 70. */
  readonly maxForwards?: number | undefined;
  readonly headers?: Headers | undefined;
  readonly body?: Content | undefined;
}

export interface ResponseParts {
  readonly reason?: string | undefined;
  readonly headers?: Headers | undefined;
  readonly body?: Content | undefined;
  /** Added to To where it has none, but not in a 100. */
  readonly toTag?: string | undefined;
}

const encoder = new TextEncoder();
const emptyBody = new Uint8Array(0);

/**
 * The bytes on the wire, with a Content-Length of the body; they are a part of a larger store, so that who keeps them for
 * long makes a copy. Throws Error for anything that would break a line.
 */
export function serialize(message: SipMessage): Uint8Array {
  let text = `${startLine(message)}\r\n`;
  for (const [name, value] of message.headers) {
    if (name === "content-length") continue;
    text += `${wireName(name)}: ${oneLine(value, name)}\r\n`;
  }
  const head = Buffer.from(`${text}Content-Length: ${message.body.length}\r\n\r\n`);
  return message.body.length === 0 ? head : Buffer.concat([head, message.body]);
}

function startLine(message: SipMessage): string {
  if (message.kind === "response") return `SIP/2.0 ${message.status} ${oneLine(message.reason, "reason")}`;
  if (!isToken(message.method)) throw new Error(`method "${message.method}" is no token`);
  if (/\s/.test(message.uri)) throw new Error(`white space in the Request-URI "${message.uri}"`);
  return `${message.method} ${message.uri} SIP/2.0`;
}

function oneLine(value: string, what: string): string {
  if (/[\r\n]/.test(value)) throw new Error(`line break in ${what}: ${JSON.stringify(value)}`);
  return value;
}

/** Names whose usual spelling is not the plain capitals of their parts. Peers ignore case; people who read traces do not. */
const spellings: ReadonlyMap<string, string> = new Map([
  ["call-id", "Call-ID"],
  ["cseq", "CSeq"],
  ["mime-version", "MIME-Version"],
  ["rseq", "RSeq"],
  ["rack", "RAck"],
  ["sip-etag", "SIP-ETag"],
  ["sip-if-match", "SIP-If-Match"],
  ["www-authenticate", "WWW-Authenticate"],
]);

/** These are in every message: known beforehand. */
const usual = ["via", "from", "to", "contact", "expires", "max-forwards", "server", "user-agent"];
const usualNames: ReadonlyMap<string, string> = new Map(usual.map((name) => [name, capitals(name)]));

function wireName(name: string): string {
  const known = usualNames.get(name) ?? spellings.get(name);
  if (known !== undefined) return known;
  if (!isToken(name)) throw new Error(`header name "${name}" is no token`);
  return capitals(name);
}

function capitals(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}

/** A request with the headers that §8.1.1 asks for, then `headers`, then the body's type. */
export function request(parts: RequestParts): SipRequest {
  const list: [string, string][] = [
    ["max-forwards", `${parts.maxForwards ?? 70}`],
    ["from", parts.from],
    ["to", parts.to],
    ["call-id", parts.callId],
    ["cseq", `${parts.cseq} ${parts.method}`],
  ];
  if (parts.via !== undefined) list.unshift(["via", parts.via]);
  return { kind: "request", method: parts.method, uri: parts.uri, ...withBody(list, parts) };
}

const dialogForming = new Set(["INVITE", "SUBSCRIBE", "REFER"]);

/** A response with the headers that §8.2.6.2 copies; Record-Route where it forms a dialog (§12.1.1). */
export function responseTo(request: SipRequest, status: number, parts: ResponseParts = {}): SipResponse {
  const { toTag } = parts;
  const list: [string, string][] = [
    ...copied(request, "via"),
    ...once(request, "from"),
    ...once(request, "to").map(([name, to]): [string, string] => [
      name,
      toTag !== undefined && status > 100 && tagOf(to) === undefined ? withTag(to, toTag) : to,
    ]),
    ...once(request, "call-id"),
    ...once(request, "cseq"),
  ];
  // §8.2.6.1: a 100 carries the Timestamp back.
  if (status === 100) list.push(...copied(request, "timestamp"));
  else if (status < 300 && dialogForming.has(request.method)) list.push(...copied(request, "record-route"));
  return { kind: "response", status, reason: parts.reason ?? reasonPhrase(status), ...withBody(list, parts) };
}

/** A refused request may lack it, or have it twice. */
function once(request: SipRequest, name: string): [string, string][] {
  return copied(request, name).slice(0, 1);
}

function copied(request: SipRequest, name: string): [string, string][] {
  return headers(request, name).map((value) => [name, value]);
}

function withBody(
  list: Headers,
  parts: { readonly headers?: Headers | undefined; readonly body?: Content | undefined },
): { readonly headers: Headers; readonly body: Uint8Array } {
  const { headers: more = [], body } = parts;
  if (body === undefined) return { headers: [...list, ...more], body: emptyBody };
  return {
    headers: [...list, ...more, ["content-type", body.type]],
    body: typeof body.content === "string" ? encoder.encode(body.content) : body.content,
  };
}

/** The usual words for a status; those of its class for an unknown one. */
export function reasonPhrase(status: number): string {
  return phrases.get(status) ?? phrases.get(Math.floor(status / 100) * 100) ?? "Unknown";
}

/** RFC 3261 §21, and RFC 3515, 3903, 5839, 6086, 6665 for what Roger answers of theirs. */
const phrases: ReadonlyMap<number, string> = new Map([
  [100, "Trying"],
  [180, "Ringing"],
  [181, "Call Is Being Forwarded"],
  [182, "Queued"],
  [183, "Session Progress"],
  [200, "OK"],
  [202, "Accepted"],
  [204, "No Notification"],
  [300, "Multiple Choices"],
  [301, "Moved Permanently"],
  [302, "Moved Temporarily"],
  [305, "Use Proxy"],
  [380, "Alternative Service"],
  [400, "Bad Request"],
  [401, "Unauthorized"],
  [402, "Payment Required"],
  [403, "Forbidden"],
  [404, "Not Found"],
  [405, "Method Not Allowed"],
  [406, "Not Acceptable"],
  [407, "Proxy Authentication Required"],
  [408, "Request Timeout"],
  [410, "Gone"],
  [412, "Conditional Request Failed"],
  [413, "Request Entity Too Large"],
  [414, "Request-URI Too Long"],
  [415, "Unsupported Media Type"],
  [416, "Unsupported URI Scheme"],
  [420, "Bad Extension"],
  [421, "Extension Required"],
  [422, "Session Interval Too Small"],
  [423, "Interval Too Brief"],
  [469, "Bad Info Package"],
  [480, "Temporarily Unavailable"],
  [481, "Call/Transaction Does Not Exist"],
  [482, "Loop Detected"],
  [483, "Too Many Hops"],
  [484, "Address Incomplete"],
  [485, "Ambiguous"],
  [486, "Busy Here"],
  [487, "Request Terminated"],
  [488, "Not Acceptable Here"],
  [489, "Bad Event"],
  [491, "Request Pending"],
  [493, "Undecipherable"],
  [500, "Server Internal Error"],
  [501, "Not Implemented"],
  [502, "Bad Gateway"],
  [503, "Service Unavailable"],
  [504, "Server Time-out"],
  [505, "Version Not Supported"],
  [513, "Message Too Large"],
  [600, "Busy Everywhere"],
  [603, "Decline"],
  [604, "Does Not Exist Anywhere"],
  [606, "Not Acceptable"],
]);
