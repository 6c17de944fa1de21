/** What an endpoint can do, as it tells peers (RFC 3261 §20.1, §20.5, §20.37), and which extensions it takes in Require. */
import type { EndpointOptions, Handlers } from "./contract.ts";
import { keyTypes } from "./keys.ts";

type Header = readonly [name: string, value: string];

export interface Capabilities {
  readonly allow: Header;
  /** Of everything that it takes bodies for; a 415 names what would have done there. */
  readonly accept: Header;
  readonly supported: Header;
  /** Whether the option tag may stand in Require of this method (§8.2.2.3). */
  understands(tag: string, method: string): boolean;
}

/** The media type of a session description. */
export const offerType = "application/sdp";
/** RFC 4826 §3.2 */
export const listType = "application/resource-lists+xml";

const ownMethods = ["INVITE", "ACK", "CANCEL", "BYE", "PRACK", "UPDATE", "INFO", "OPTIONS", "SUBSCRIBE", "NOTIFY"];
/** RFC 3262 §4, RFC 4028 §7.1. The first is for INVITE alone. */
const ofSessions = ["100rel", "timer"];
/** RFC 5368 §4, RFC 4488 §5; RFC 5366 §5 is for INVITE, but said of any list by some. */
const ofRefer = ["multiple-refer", "norefersub", "recipient-list-invite"];

export function capabilitiesOf(
  { methods = [], supported = [] }: Pick<EndpointOptions, "methods" | "supported">,
  { onRefer }: Pick<Handlers, "onRefer">,
): Capabilities {
  const refers = onRefer !== undefined;
  const told = [...ofSessions, ...supported, ...(refers ? ofRefer.slice(0, 2) : [])];
  return {
    allow: ["allow", [...methods, ...ownMethods, ...(refers ? ["REFER"] : [])].join(", ")],
    accept: ["accept", [offerType, ...keyTypes, ...(refers ? [listType, "multipart/mixed"] : [])].join(", ")],
    supported: ["supported", told.join(", ")],
    understands(tag, method) {
      if (method === "INVITE" && ofSessions.includes(tag)) return true;
      if (method === "UPDATE" && tag === "timer") return true;
      return supported.includes(tag) || (method === "REFER" && refers && ofRefer.includes(tag));
    },
  };
}
