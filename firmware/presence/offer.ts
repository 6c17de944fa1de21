import type { IncomingInvite } from "../sip/endpoint.ts";

export const sdpType = "application/sdp";

/** What an INVITE offers; undefined where it asks for an offer (RFC 3261 §13.2.1), as PBXs do. Throws ProtocolError for one that cannot be read. */
export function offerIn(invite: Pick<IncomingInvite, "asksForOffer" | "offer">): string | undefined {
  return invite.asksForOffer ? undefined : invite.offer();
}
