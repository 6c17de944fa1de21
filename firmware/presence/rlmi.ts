/** The state of a list of people as one document (RFC 4662 §5): RLMI that names them, and a presence document of each. */
import type { Body } from "../sip/endpoint.ts";
import { pidfType } from "./pidf.ts";
import { escapeXml } from "./xml.ts";

export interface ListEntry {
  /** The address of record. */
  readonly uri: string;
  /** A presence document. */
  readonly document: string;
}

/** Bytes. A larger body would not fit a datagram, nor what many phones take over a connection. */
const longestList = 60_000;

/**
 * Full state. `boundary`: letters and digits that no document holds. Those at the end of `entries` that would not fit are
 * left out.
 */
export function listDocument(
  list: { readonly uri: string; readonly version: number; readonly boundary: string; readonly host: string },
  entries: readonly ListEntry[],
): Body {
  const { uri, version, boundary, host } = list;
  const idOf = (number: number | "list"): string => `${number}.${boundary}@${host}`;
  const resources: string[] = [];
  const parts: string[] = [];
  let length = 1_000;
  for (const [index, entry] of entries.entries()) {
    const id = idOf(index + 1);
    const instance = `<instance id="1" state="active" cid="${id}"/>`;
    const resource = `<resource uri="${escapeXml(entry.uri)}">${instance}</resource>`;
    const part = partOf(boundary, id, pidfType, entry.document);
    length += Buffer.byteLength(resource) + Buffer.byteLength(part);
    if (length > longestList) break;
    resources.push(resource);
    parts.push(part);
  }
  const root = [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<list xmlns="urn:ietf:params:xml:ns:rlmi" uri="${escapeXml(uri)}" version="${version}" fullState="true">`,
    ...resources,
    "</list>\n",
  ].join("");
  return {
    type: `multipart/related;type="application/rlmi+xml";start="<${idOf("list")}>";boundary="${boundary}"`,
    content: `${partOf(boundary, idOf("list"), "application/rlmi+xml", root)}${parts.join("")}--${boundary}--\r\n`,
  };
}

/** RFC 2046 §5.1.1, RFC 2387 */
function partOf(boundary: string, id: string, type: string, content: string): string {
  const headers = ["Content-Transfer-Encoding: binary", `Content-ID: <${id}>`, `Content-Type: ${type};charset="UTF-8"`];
  return [`--${boundary}`, ...headers, "", content, ""].join("\r\n");
}
