/** What an INVITE of an exchange says: which number was dialled, and who calls. The exchange is believed; others are not asked. */
import { parseNameAddr, splitList } from "../sip/header.ts";
import { header, headers, ProtocolError, type SipRequest } from "../sip/message.ts";
import { parseUri, type SipUri } from "../sip/uri.ts";
import { addressAt, type ExchangeSettings } from "./exchange.ts";

const anonymous = "anonymous";
/** Characters of a caller's user part: the whole address goes into floor messages, which have 255 bytes for it. */
const longestUser = 64;

/**
 * What the caller dialled. A peer writes it into the Request-URI; where this gateway is registered, that may be its own contact, and
 * the number is in P-Called-Party-ID (RFC 7315 §4.2) or in To. Undefined: nothing. Throws ProtocolError 400.
 */
export function dialledNumber(request: SipRequest, { user }: ExchangeSettings): string | undefined {
  const target = userIn(parseUri(request.uri));
  if (target !== undefined && target !== user) return target;
  const called = header(request, "p-called-party-id") ?? header(request, "to") ?? "";
  return userIn(parseUri(parseNameAddr(called).uri));
}

/**
 * The caller as an address of the exchange, whatever host it was said to be at: "sip:1001@pbx.example". Who is asserted (RFC 3325)
 * counts before From; who does not want to be shown is "anonymous". Throws ProtocolError 400.
 */
export function callerAddress(request: SipRequest, settings: ExchangeSettings): string {
  const privacy = headers(request, "privacy").flatMap((value) => value.split(";", 8).map((part) => part.trim()));
  if (privacy.includes("id") || privacy.includes("user")) return addressAt(settings, anonymous);
  const [asserted] = headers(request, "p-asserted-identity").flatMap(splitList);
  const user = userIn(parseUri(parseNameAddr(asserted ?? header(request, "from") ?? "").uri)) ?? anonymous;
  if (user.length > longestUser) throw new ProtocolError(400, `a caller's name of ${user.length} characters`);
  return addressAt(settings, user);
}

/** Without the parameters that a number may have in a user part (RFC 3261 §19.1.6). */
function userIn({ user }: SipUri): string | undefined {
  return user?.split(";", 1).join("");
}
