/** Everything that reads text which a stranger wrote, by one name each, and text that gives them as much to do as it can. */

import { digestGuard } from "../../firmware/sip/digest.ts";
import * as grammar from "../../firmware/sip/header.ts";
import { keyIn } from "../../firmware/sip/keys.ts";
import { type Headers, ProtocolError, type SipMessage, type SipRequest } from "../../firmware/sip/message.ts";
import { entitiesOf } from "../../firmware/sip/multipart.ts";
import { MalformedMessage, parseMessage } from "../../firmware/sip/parse.ts";
import { acknowledgedBy } from "../../firmware/sip/provisional.ts";
import { listOf, referToOf, targetIn } from "../../firmware/sip/refer-to.ts";
import { answerTo, describe, parseSdp } from "../../firmware/sip/sdp.ts";
import { responseTo, serialize } from "../../firmware/sip/serialize.ts";
import { grantTo } from "../../firmware/sip/session-terms.ts";
import { formatUri, parseTarget, parseUri } from "../../firmware/sip/uri.ts";
import { virtualClock } from "../../hal/clock/virtual.ts";
import { seededRandom } from "../../hal/random/seeded.ts";

const decoder = new TextDecoder();
const guard = digestGuard({
  realm: "crew.example",
  clock: virtualClock(),
  random: seededRandom(1),
  algorithms: ["SHA-256", "MD5"],
});
const asked = {
  kind: "request",
  method: "REGISTER",
  uri: "sip:crew.example",
  headers: [],
  body: new Uint8Array(0),
} as const;

type Reader = (text: string) => unknown;

/** A request with these headers alone. */
const having = (headers: Headers, body = new Uint8Array(0)): SipRequest => ({ ...asked, headers, body });

const readReferTo: Reader = (value) => {
  const refer = having([["refer-to", value]]);
  const uri = referToOf(refer);
  return [attempt(() => listOf(refer, uri)), targetIn(uri)];
};

const readOffer: Reader = (text) => {
  const offer = parseSdp(text);
  return describe(answerTo(offer, offer));
};

/** Readers of header values, by the header. */
export const headerReaders: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["via", (value) => grammar.splitList(value).map(grammar.parseVia).map(grammar.formatVia)],
  ["from", (value) => formatUri(parseUri(grammar.parseNameAddr(value).uri))],
  ["to", (value) => grammar.formatNameAddr(grammar.parseNameAddr(grammar.withTag(value, "x")))],
  ["cseq", grammar.parseCSeq],
  ["contact", (value) => grammar.parseContactList([value])],
  ["event", grammar.parseEvent],
  ["authorization", (value) => guard.read(asked, value, "192.0.2.9")],
  ["www-authenticate", grammar.parseAuth],
  ["route", (value) => grammar.splitList(value).map(grammar.parseNameAddr)],
  ["require", grammar.splitList],
  ["refer-to", readReferTo],
  ["session-expires", (value) => grantTo(having([["session-expires", value]]), undefined)],
  [
    "rack",
    (value) => acknowledgedBy(having([["rack", value]]), having([["cseq", value.slice(value.indexOf(" ") + 1)]])),
  ],
]);

/** Readers of what is no header. */
export const otherReaders: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["separators", grammar.checkSeparators],
  ["a URI", (text) => formatUri(parseUri(text))],
  ["a Request-URI", parseTarget],
  ["a session description", readOffer],
  ["a media type", (value) => entitiesOf(having([["content-type", value]]))],
  ["a key", (text) => keyIn("application/dtmf-relay", text)],
  [
    "parts",
    (text) => entitiesOf(having([["content-type", "multipart/mixed;boundary=b"]], new TextEncoder().encode(text))),
  ],
]);

/** Whether `read` takes it. What is thrown but to refuse is thrown on. */
export function attempt(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

/** Reads a datagram and all that is in it, and answers it: at most what an endpoint does with it. */
export function readWhole(data: Uint8Array): void {
  try {
    readParts(parseMessage(data));
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
    if (error.partial) serialize(responseTo(error.partial, error.status));
  }
}

function readParts(message: SipMessage): void {
  for (const [name, value] of message.headers) attempt(() => headerReaders.get(name)?.(value));
  attempt(() => readOffer(decoder.decode(message.body)));
  attempt(() => entitiesOf(message));
  if (message.kind === "response") return;
  attempt(() => parseTarget(message.uri));
  serialize(responseTo(message, 200, { toTag: "x" }));
}

/** Text of about `size` characters. */
export type Shape = (size: number) => string;

const repeated =
  (unit: string, opening = "", closing = ""): Shape =>
  (size) =>
    opening + unit.repeat(Math.ceil(size / unit.length)) + closing;

const counted =
  (unit: (index: number) => string, opening = ""): Shape =>
  (size) => {
    const parts = [opening];
    for (let length = opening.length, index = 0; length < size; index++) {
      const part = unit(index);
      parts.push(part);
      length += part.length;
    }
    return parts.join("");
  };

/** What may stand in a header or instead of a URI. */
export const shapes: ReadonlyMap<string, Shape> = new Map([
  ["one long word", repeated("a")],
  ["many words", repeated("a ")],
  ["spaces", repeated(" ")],
  ["spaces between two words", repeated(" ", "a", "b")],
  ["spaces before a bracket", repeated(" ", "", "<sip:a@b>")],
  ["spaces after a semicolon", repeated(" ", "<sip:a@b>;", "a")],
  ["tabs and spaces", repeated("\t ")],
  ["commas", repeated(",")],
  ["semicolons", repeated(";", "<sip:a@b>")],
  ["equals signs", repeated("=", "<sip:a@b>;a")],
  ["the same parameter", repeated(";a", "<sip:a@b>")],
  ["semicolons and spaces", repeated(" ;", "<sip:a@b>")],
  ["line breaks", repeated("\r\n ")],
  ["colons", repeated(":", "sip:a@b")],
  ["slashes", repeated("/", "SIP/2.0")],
  ["many parameters", counted((index) => `;p${index}=v`, "<sip:a@b>")],
  ["many parameters of a URI", counted((index) => `;p${index}=v`, "sip:a@b")],
  ["many headers of a URI", counted((index) => `&h${index}=v`, "sip:a@b?h=v")],
  ["many parameters in quotes", counted((index) => `, p${index}="\\""`, 'Digest username="a"')],
  ["many addresses", counted((index) => `<sip:${index}@b>;expires=60,`)],
  ["many Vias", counted((index) => `SIP/2.0/UDP h${index};branch=z9hG4bK${index},`)],
  ["an open quote", repeated("a", '"')],
  ["many quotes", repeated('"')],
  ["many quoted strings", repeated('"a" ')],
  ["backslashes", repeated("\\", '"')],
  ["escaped quotes", repeated('\\"', '"', '" <sip:a@b>')],
  ["escapes in a user", repeated("%41", "sip:", "@b")],
  ["bad escapes", repeated("%", "sip:", "@b")],
  ["a long user", repeated("u", "<sip:", "@b>")],
  ["a long host", repeated("h.", "sip:a@", "h")],
  ["opening brackets", repeated("<")],
  ["brackets", repeated("<>")],
  ["square brackets", repeated("[", "sip:a@")],
  ["an IPv6 address", repeated("0:", "sip:a@[", "]")],
  ["digits", repeated("9", "1 ")],
  ["another script", repeated("道")],
]);

/** What may be in a body. */
export const sdpShapes: ReadonlyMap<string, Shape> = new Map(
  Object.entries({
    "one long line": repeated("a", "m=audio 1 RTP/AVP 0\na=fmtp:0 "),
    "spaces in an attribute": repeated(" ", "m=audio 1 RTP/AVP 0\na=rtpmap:0 x", "/8000"),
    "many lines": repeated("a=sendrecv\n"),
    "empty lines": repeated("\n"),
    "carriage returns": repeated("\r"),
    "many formats": repeated(" 0", "m=audio 1 RTP/AVP"),
    "many codecs": (size: number) =>
      `${repeated(" 96", "m=audio 1 RTP/AVP")(size / 2)}\n${repeated("a=rtpmap:97 x/8000\n")(size / 2)}`,
    "many media": repeated("m=audio 1 RTP/AVP 0\n"),
    "many delimiters": repeated("\r\n--b"),
    "many parts": repeated("\r\n--b\r\n"),
    "spaces after a delimiter": repeated(" ", "\r\n--b"),
    "many keys": repeated("Signal= \n"),
    "many connections": repeated("c=IN IP4 192.0.2.1\n"),
  }).map(([name, shape]) => [
    name,
    (size: number) => `v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n${shape(size)}`,
  ]),
);

const bytes = (text: string) => new TextEncoder().encode(text);
const usual =
  "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: e\r\nCSeq: 1 INVITE\r\n";
const invite = (fields: string, body = "") => bytes(`INVITE sip:c@d SIP/2.0\r\n${usual}${fields}\r\n${body}`);

/** Whole datagrams of about `size` bytes. */
export const messageShapes: ReadonlyMap<string, (size: number) => Uint8Array> = new Map<
  string,
  (size: number) => Uint8Array
>([
  ...["To", "Via", "Contact", "Authorization"].flatMap((name) =>
    [...shapes].map(
      ([what, shape]) => [`${what} in ${name}`, (size: number) => invite(`${name}: ${shape(size)}\r\n`)] as const,
    ),
  ),
  ...[...sdpShapes].map(
    ([what, shape]) =>
      [`${what} in a body`, (size: number) => invite("Content-Type: application/sdp\r\n", shape(size))] as const,
  ),
  ["a long Request-URI", (size) => bytes(`INVITE sip:${"u".repeat(size)}@b SIP/2.0\r\n${usual}\r\n`)],
  ["a long start-line", (size) => bytes(`${"a ".repeat(size / 2)}\r\n${usual}\r\n`)],
  ["folded lines", (size) => invite(`Subject: x${"\r\n y".repeat(size / 4)}\r\n`)],
  ["folded lines of Via", (size) => invite(`Via: SIP/2.0/UDP h${"\r\n ;".repeat(size / 4)}\r\n`)],
  ["many headers", (size) => invite("X: y\r\n".repeat(size / 6))],
  ["128 headers", (size) => invite(`X: ${"y".repeat(Math.max(1, size / 122 - 5))}\r\n`.repeat(122))],
  ["a Content-Length of many digits", (size) => invite(`Content-Length: ${"9".repeat(size)}\r\n`)],
  ["a huge Content-Length", (size) => invite("Content-Length: 999999999\r\n", "x".repeat(size))],
  ["line feeds alone", (size) => invite(`Subject: ${"\n".repeat(size)}\r\n`)],
  ["carriage returns alone", (size) => invite(`Subject: ${"\r".repeat(size)}\r\n`)],
  ["no end of the header", (size) => bytes("\r".repeat(size))],
  ["empty lines first", (size) => bytes("\r\n".repeat(size / 2))],
  [
    "bytes that are no text",
    (size) => Buffer.concat([bytes("OPTIONS sip:c@d SIP/2.0\r\nX: "), Buffer.alloc(size, 0xff), bytes("\r\n\r\n")]),
  ],
]);
