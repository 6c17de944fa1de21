/**
 * SIP messages as values. Decides what a message is; knows nothing of transport, transactions or time.
 * Reading lives in parse.ts, writing in serialize.ts, the grammar of single headers in header.ts and uri.ts.
 */

/** Header fields in order of arrival. Names are lower-case and long ("via", "call-id"); values are unfolded and trimmed; a comma list stays one value until a grammar splits it. */
export type Headers = readonly (readonly [name: string, value: string])[];

export interface SipRequest {
  readonly kind: "request";
  readonly method: string;
  /** The Request-URI as written. */
  readonly uri: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export interface SipResponse {
  readonly kind: "response";
  readonly status: number;
  readonly reason: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export type SipMessage = SipRequest | SipResponse;

/** The peer broke the protocol: `status` is what to answer. Caught once, at the room's door. */
export class ProtocolError extends Error {
  readonly status: number;
  /** Of a 415: the media types that would have done, none perhaps (RFC 3261 §21.4.13). */
  readonly accepted: readonly string[];

  constructor(status: number, message: string, accepted: readonly string[] = []) {
    super(message);
    this.name = "ProtocolError";
    this.status = status;
    this.accepted = accepted;
  }
}

/** Every method that IANA knows (RFC 3261 §27.4); another is not implemented (§21.5.2). */
export const methods: ReadonlySet<string> = new Set([
  ...["INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "INFO", "PRACK", "UPDATE"],
  ...["SUBSCRIBE", "NOTIFY", "PUBLISH", "MESSAGE", "REFER"],
]);

/** The first value of a header (lower-case long name). */
export function header(message: { readonly headers: Headers }, name: string): string | undefined {
  return message.headers.find(([key]) => key === name)?.[1];
}

/** Every value of a header, in order. */
export function headers(message: { readonly headers: Headers }, name: string): readonly string[] {
  return message.headers.filter(([key]) => key === name).map(([, value]) => value);
}
