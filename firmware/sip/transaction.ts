/**
 * What the four transaction machines share (RFC 3261 §17 as corrected by RFC 6026): the times, and the words they
 * exchange with the table in transactions.ts. The machines know no socket, no header and no dialog.
 */
import type { SipResponse } from "./message.ts";

/** Estimate of the round trip, longest interval between two sendings, longest life of a message in the network; ms. */
export const t1 = 500;
export const t2 = 4_000;
export const t4 = 5_000;
/** How long a side waits for the other before it gives up (timers B, F, H, J, L, M), ms. */
export const patience = 64 * t1;
/** Timer D over UDP, "at least 32 s", ms. */
export const lingering = 32_000;
/** An INVITE not answered within this time gets 100 Trying (RFC 3261 §17.2.1), ms. */
export const tryingAfter = 200;

export type ClientEvent =
  | { readonly type: "start" }
  | { readonly type: "response"; readonly response: SipResponse }
  /** CANCEL was sent for it. */
  | { readonly type: "cancelled" }
  | { readonly type: "transport-error" };

export type ClientEffect =
  /** Send the request, again if it was sent before. */
  | { readonly do: "send" }
  /** Send ACK for a failure, in this transaction. */
  | { readonly do: "acknowledge"; readonly response: SipResponse }
  | { readonly do: "pass"; readonly response: SipResponse }
  | { readonly do: "fail"; readonly status: 408 | 503 }
  | { readonly do: "forget" };

/**
 * A response travels through a server machine as bytes, so that sending it again costs nothing. Nobody is told of a
 * response that could not be sent or of a missing ACK: a session minds its own 2xx, and nothing can be done about the rest.
 */
export type ServerEvent =
  | { readonly type: "start" }
  /** The request arrived again. */
  | { readonly type: "request" }
  | { readonly type: "ack" }
  | { readonly type: "respond"; readonly status: number; readonly data: Uint8Array }
  | { readonly type: "transport-error" };

export type ServerEffect =
  | { readonly do: "send"; readonly data: Uint8Array }
  /** Make 100 Trying and respond with it. */
  | { readonly do: "trying" }
  | { readonly do: "forget" };

export const terminated = { in: "terminated" } as const;
