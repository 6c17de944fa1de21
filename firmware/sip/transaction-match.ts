/** Which messages belong to one transaction (RFC 3261 §17.1.3, §17.2.3), and the requests that join an INVITE's: ACK and CANCEL. */
import { parseCSeq, tagOf, type Via } from "./header.ts";
import { header, headers, type SipRequest, type SipResponse } from "./message.ts";
import { request } from "./serialize.ts";

/** Starts every branch since RFC 3261 (§8.1.1.7). */
export const cookie = "z9hG4bK";

/** §17.1.3 */
export function clientKey(branch: string, method: string): string {
  return `${branch} ${method}`;
}

/** §17.2.3. A branch without the cookie comes from an RFC 2543 peer and says nothing, nor does the cookie alone. */
export function serverKey(request: SipRequest, via: Via, method: string): string {
  const branch = via.params.get("branch") ?? "";
  if (branch.length > cookie.length && branch.toLowerCase().startsWith(cookie.toLowerCase()))
    return `${branch} ${via.host} ${via.port ?? ""} ${method}`;
  const { number } = parseCSeq(header(request, "cseq") ?? "");
  const from = tagOf(header(request, "from") ?? "") ?? "";
  return [request.uri, header(request, "call-id"), number, from, header(request, "via"), method].join("\n");
}

/** The ACK of a failure, in the INVITE's own transaction (§17.1.1.3). */
export function ackOf(invite: SipRequest, response: SipResponse): SipRequest {
  return sibling(invite, "ACK", header(response, "to") ?? "");
}

/** §9.1; its Via is added with the INVITE's branch. */
export function cancelOf(invite: SipRequest): SipRequest {
  const { headers: list, ...cancel } = sibling(invite, "CANCEL", header(invite, "to") ?? "");
  return { ...cancel, headers: list.filter(([name]) => name !== "via") };
}

function sibling(invite: SipRequest, method: string, to: string): SipRequest {
  return request({
    method,
    uri: invite.uri,
    via: header(invite, "via"),
    from: header(invite, "from") ?? "",
    to,
    callId: header(invite, "call-id") ?? "",
    cseq: parseCSeq(header(invite, "cseq") ?? "").number,
    headers: headers(invite, "route").map((route) => ["route", route]),
  });
}
