/** The parts of a multipart body (RFC 2046 §5.1), one level deep: how a message brings several things at once (RFC 5621). */
import { parseParams, withoutParams } from "./header.ts";
import { type Headers, header, ProtocolError } from "./message.ts";
import { findEmptyLine, readHead } from "./parse.ts";

/** A body and what is said of it: a message, or a part of one. */
export interface Entity {
  readonly headers: Headers;
  readonly body: Uint8Array;
}

const maxParts = 16;
/** RFC 2046 §5.1.1, characters. */
const maxBoundary = 70;
const decoder = new TextDecoder();

/** The parts of a multipart message; of any other the message itself. Throws ProtocolError 400 for what cannot be taken apart. */
export function entitiesOf(message: Entity): readonly Entity[] {
  const type = header(message, "content-type") ?? "";
  if (!withoutParams(type).startsWith("multipart/")) return [message];
  const semicolon = type.indexOf(";");
  const boundary = (semicolon < 0 ? undefined : parseParams(type.slice(semicolon)).get("boundary")) ?? "";
  if (boundary === "" || boundary.length > maxBoundary)
    throw new ProtocolError(400, `multipart with a boundary of ${boundary.length} characters`);
  // The break before a delimiter belongs to it; the first may do without.
  return partsOf(Buffer.concat([Buffer.from("\r\n"), message.body]), Buffer.from(`\r\n--${boundary}`));
}

function partsOf(data: Buffer, delimiter: Buffer): readonly Entity[] {
  const parts: Entity[] = [];
  let from: number | undefined;
  for (let at = data.indexOf(delimiter); at >= 0; at = data.indexOf(delimiter, at + 1)) {
    const next = afterDelimiter(data, at + delimiter.length);
    if (next === undefined) continue;
    if (from !== undefined) parts.push(entityOf(data.subarray(from, Math.max(from, at))));
    if (next === "end") return parts;
    if (parts.length >= maxParts) throw new ProtocolError(400, `multipart of more than ${maxParts} parts`);
    from = next;
  }
  throw new ProtocolError(400, "multipart without an end");
}

/** Where the part after a delimiter begins; undefined for text that only begins like one. */
function afterDelimiter(data: Buffer, from: number): number | "end" | undefined {
  if (data[from] === 0x2d && data[from + 1] === 0x2d) return "end";
  let at = from;
  while (data[at] === 0x20 || data[at] === 0x09) at++;
  return data[at] === 13 && data[at + 1] === 10 ? at + 2 : undefined;
}

function entityOf(part: Uint8Array): Entity {
  if (part[0] === 13 && part[1] === 10) return { headers: [], body: part.subarray(2) };
  const end = findEmptyLine(part, 0, part.length);
  const head = decoder.decode(end < 0 ? part : part.subarray(0, end));
  const { headers } = readHead(`\r\n${head}`, (status, message) => {
    throw new ProtocolError(status, `in a part: ${message}`);
  });
  return { headers, body: end < 0 ? new Uint8Array(0) : part.subarray(end + 4) };
}
