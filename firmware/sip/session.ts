/**
 * A confirmed INVITE dialog, the same on the caller's and the callee's side: answers what the far end sends inside it,
 * and sends BYE. Knows no media: an offer is text that somebody else answers.
 */
import { type Acceptance, awaitAck } from "./acceptance.ts";
import type { Body } from "./contract.ts";
import type { Conversation } from "./conversation.ts";
import type { Core, DialogUser } from "./core.ts";
import { quote, splitList } from "./header.ts";
import { type Headers, header, headers, ProtocolError, type SipRequest } from "./message.ts";
import type { ServerTransaction } from "./transactions.ts";

export interface SessionHandlers {
  /** The far end said BYE, or never confirmed the answer to its re-offer (BYE was sent then). */
  onEnd(): void;
  onReoffer?(sdp: string): Body | number;
}

export interface MindedSession extends Pick<DialogUser, "onRequest" | "onAck"> {
  bye(reason: string | undefined): void;
  close(): void;
}

export const allow = ["allow", "INVITE, ACK, CANCEL, BYE, UPDATE, INFO, OPTIONS, SUBSCRIBE, NOTIFY"] as const;
const offerType = "application/sdp";
export const accept = ["accept", offerType] as const;
/** Ranges of media types that a session description is in (§20.1). */
const offerRanges = [offerType, "application/*", "*/*"];
const decoder = new TextDecoder();

export function mindSession(core: Core, conversation: Conversation, handlers: SessionHandlers): MindedSession {
  let reanswer: Acceptance | undefined;

  function onRequest(transaction: ServerTransaction): void {
    const { request, flow } = transaction;
    conversation.take(request, flow);
    switch (request.method) {
      case "BYE":
        transaction.respond(200);
        return handlers.onEnd();
      case "INVITE":
        return onReinvite(transaction);
      case "UPDATE":
        return onUpdate(transaction);
      case "INFO":
        return onInfo(transaction);
      case "OPTIONS":
        return transaction.respond(200, { headers: [allow, accept] });
      default:
        return transaction.respond(405, { headers: [allow] });
    }
  }

  function onReinvite(transaction: ServerTransaction): void {
    if (reanswer?.pending()) return transaction.respond(491);
    const answer = answerTo(transaction.request);
    if (typeof answer === "number") return transaction.respond(answer);
    transaction.respond(200, { body: answer, headers: [allow, conversation.contact()] });
    reanswer = awaitAck(core, transaction, {
      confirmed() {},
      // §14.2: an answer that nobody confirms ends the session.
      unconfirmed() {
        bye(undefined);
        handlers.onEnd();
      },
    });
  }

  function onUpdate(transaction: ServerTransaction): void {
    const refresh: Headers = [allow, conversation.contact()];
    if (transaction.request.body.length === 0) return transaction.respond(200, { headers: refresh });
    if (reanswer?.pending()) return transaction.respond(491);
    const answer = answerTo(transaction.request);
    if (typeof answer === "number") return transaction.respond(answer);
    transaction.respond(200, { body: answer, headers: refresh });
  }

  function answerTo(request: SipRequest): Body | number {
    return handlers.onReoffer?.(offerOf(request)) ?? 488;
  }

  function bye(reason: string | undefined): void {
    const headers: Headers = reason === undefined ? [] : [["reason", `SIP;cause=200;text=${quote(reason)}`]];
    conversation.request("BYE", { headers }, () => {});
  }

  return {
    onRequest,
    onAck: (ack) => reanswer?.onAck(ack),
    bye,
    close: () => reanswer?.close(),
  };
}

/**
 * The session description that a request offers. Throws ProtocolError: 488 without one, which asks for an offer (§14.1) that only
 * its maker could give; 415 for a body of another type (§8.2.3); 406 when no session description may be the answer (§20.1).
 */
export function offerOf(request: SipRequest): string {
  if (request.body.length === 0) throw new ProtocolError(488, `${request.method} without an offer`);
  const type = withoutParams(header(request, "content-type") ?? "");
  if (type !== offerType) throw new ProtocolError(415, `offer of type "${type.slice(0, 60)}", expected ${offerType}`);
  const ranges = headers(request, "accept").flatMap(splitList).map(withoutParams);
  if (header(request, "accept") !== undefined && !ranges.some((range) => offerRanges.includes(range)))
    throw new ProtocolError(406, `no answer may be ${offerType}`);
  return decoder.decode(request.body);
}

/** RFC 6086 §4.2.2: no package is supported; of the older kind only an empty one, a sign of life, means anything. */
function onInfo(transaction: ServerTransaction): void {
  const { request } = transaction;
  if (header(request, "info-package") !== undefined) return transaction.respond(469, { headers: [["recv-info", ""]] });
  if (request.body.length > 0) return transaction.respond(415, { headers: [accept] });
  transaction.respond(200);
}

/** A media type or range as it is compared. */
function withoutParams(value: string): string {
  return value.split(";", 1).join("").trim().toLowerCase();
}

/** What goes with the status that an error asks for: §21.4.13 wants to be told what would do instead. */
export function extrasOf({ status }: ProtocolError): { readonly headers: Headers } {
  return { headers: status === 415 ? [accept] : [] };
}
