/** What a REFER names (RFC 3515 §2.1): one target, or by cid the list of them in its body (RFC 5368 §5). */
import { listType } from "./capabilities.ts";
import { parseNameAddr, splitList, withoutParams } from "./header.ts";
import { header, headers, ProtocolError, type SipRequest } from "./message.ts";
import { entitiesOf } from "./multipart.ts";
import { formatUri, parseUri } from "./uri.ts";

/** Encodings of a part that are none (RFC 2045 §6.2). */
const plain = new Set(["7bit", "8bit", "binary"]);
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The URI of Refer-To as written. Throws ProtocolError 400 unless there is one, and one only (§2.4.2). */
export function referToOf(request: SipRequest): string {
  const values = headers(request, "refer-to").flatMap(splitList);
  const [value] = values;
  if (value === undefined || values.length > 1) throw new ProtocolError(400, `REFER with ${values.length} Refer-To`);
  return parseNameAddr(value).uri;
}

/** The list that a cid names, in the body or a part of it; undefined for another URI. Throws ProtocolError: 415 for one of another type, 400 without it. */
export function listOf(request: SipRequest, uri: string): string | undefined {
  if (!/^cid:/i.test(uri)) return undefined;
  const id = `<${unescaped(uri.slice("cid:".length))}>`;
  const list = entitiesOf(request).find((entity) => header(entity, "content-id")?.trim() === id);
  if (list === undefined) throw new ProtocolError(400, `no body with the Content-ID of Refer-To "${uri.slice(0, 60)}"`);
  const type = withoutParams(header(list, "content-type") ?? "");
  const encoding = (header(list, "content-transfer-encoding") ?? "8bit").toLowerCase();
  if (type !== listType || !plain.has(encoding))
    throw new ProtocolError(415, `list of type "${type.slice(0, 60)}", ${encoding.slice(0, 20)}`, [listType]);
  try {
    return decoder.decode(list.body);
  } catch {
    throw new ProtocolError(400, "a list that is no UTF-8");
  }
}

/**
 * Whom to call, without what the URI would put into the call. Throws ProtocolError: 416 for another scheme; 400 for a list;
 * 403 for another method, which would be this side's word to a stranger (RFC 3515 §5.2).
 */
export function targetIn(uri: string): string {
  if (/^cid:/i.test(uri)) throw new ProtocolError(400, "Refer-To names a list, expected one target");
  if (!/^(?:sips?|tel):/i.test(uri)) throw new ProtocolError(416, `Refer-To "${uri.slice(0, 60)}"`);
  const target = parseUri(uri);
  const method = target.params.get("method") ?? "INVITE";
  if (method.toUpperCase() !== "INVITE")
    throw new ProtocolError(403, `Refer-To with the method ${method.slice(0, 20)}`);
  const params = new Map(target.params);
  params.delete("method");
  return formatUri({ ...target, params, headers: new Map() });
}

/** RFC 2392 §2 */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ProtocolError(400, `Refer-To with a bad escape: "${text.slice(0, 60)}"`);
  }
}
