/**
 * A confirmed INVITE dialog, the same on the caller's and the callee's side: answers what the far end sends inside it,
 * and sends BYE. Knows no media: an offer is text that somebody else answers.
 */
import { type Acceptance, awaitAck } from "./acceptance.ts";
import type { Body, Flow } from "./contract.ts";
import type { Conversation } from "./conversation.ts";
import type { Core, DialogUser } from "./core.ts";
import { quote } from "./header.ts";
import { type Headers, header, ProtocolError, type SipRequest } from "./message.ts";
import type { ServerTransaction } from "./transactions.ts";

export interface SessionHandlers {
  /** The far end said BYE, or never confirmed the answer to its re-offer (BYE was sent then). */
  onEnd(): void;
  onReoffer?(sdp: string): Body | number;
}

export interface MindedSession extends Pick<DialogUser, "onRequest" | "onAck"> {
  bye(reason: string | undefined): void;
  move(flow: Flow): void;
  close(): void;
}

export const allow = ["allow", "INVITE, ACK, CANCEL, BYE, UPDATE, INFO, OPTIONS, SUBSCRIBE, NOTIFY"] as const;
const offerType = "application/sdp";
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
        return transaction.respond(200, { headers: [allow, ["accept", offerType]] });
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

  /** An INVITE without an offer asks for one (§14.1), which only its maker could give: 488. */
  function answerTo(request: SipRequest): Body | number {
    if (request.body.length === 0) return 488;
    if (mediaType(request) !== offerType) throw new ProtocolError(415, `offer of type ${mediaType(request)}`);
    return handlers.onReoffer?.(decoder.decode(request.body)) ?? 488;
  }

  function bye(reason: string | undefined): void {
    const headers: Headers = reason === undefined ? [] : [["reason", `SIP;cause=200;text=${quote(reason)}`]];
    conversation.request("BYE", { headers }, () => {});
  }

  return {
    onRequest,
    onAck: (ack) => reanswer?.onAck(ack),
    bye,
    move: conversation.move,
    close: () => reanswer?.close(),
  };
}

/** RFC 6086 §4.2.2: no package is supported; of the older kind only an empty one, a sign of life, means anything. */
function onInfo(transaction: ServerTransaction): void {
  const { request } = transaction;
  if (header(request, "info-package") !== undefined) return transaction.respond(469, { headers: [["recv-info", ""]] });
  if (request.body.length > 0) return transaction.respond(415, { headers: [["accept", offerType]] });
  transaction.respond(200);
}

function mediaType(request: SipRequest): string {
  return (header(request, "content-type") ?? "").split(";", 1).join("").trim().toLowerCase();
}
