import { parseContactList } from "../sip/header.ts";
import { headers, ProtocolError, type SipRequest } from "../sip/message.ts";
import { formatUri, parseUri } from "../sip/uri.ts";

/** The URI where the sender of a request is reached. Throws ProtocolError 400 for a request without one. */
export function contactOf(request: SipRequest): string {
  const contacts = parseContactList(headers(request, "contact"));
  if (contacts === "*" || contacts[0] === undefined)
    throw new ProtocolError(400, `${request.method} without a Contact`);
  return formatUri(parseUri(contacts[0].uri));
}
