/**
 * A confirmed INVITE dialog, the same on the caller's and the callee's side: answers what the far end sends inside it,
 * and sends BYE. Knows no media: an offer is text that somebody else answers.
 */
import { type Acceptance, awaitAck } from "./acceptance.ts";
import { offerType } from "./capabilities.ts";
import type { Body, Flow, InsideHandlers, Session } from "./contract.ts";
import type { Conversation } from "./conversation.ts";
import { type Core, type DialogUser, postpone } from "./core.ts";
import { quote, splitList, withoutParams } from "./header.ts";
import { bodyOf, keyIn, keyTypes } from "./keys.ts";
import { type Headers, header, headers, ProtocolError, type SipMessage, type SipRequest } from "./message.ts";
import { referralsIn } from "./referring.ts";
import { keepFresh } from "./refreshing.ts";
import { awaitReply, type Reoffer } from "./reoffer.ts";
import { grantTo, leastSeconds, type Terms } from "./session-terms.ts";
import type { ServerTransaction } from "./transactions.ts";

/** What offer and answer agreed on. */
export interface Agreed {
  /** The description of this side. */
  readonly own: Body | undefined;
  /** The message that brought the description of the far end, and what its endpoint can do. */
  readonly peer: SipMessage;
  /** Of the session timer; undefined: no limit. */
  readonly terms: Terms | undefined;
  /** This side called. */
  readonly caller: boolean;
}

export interface SessionHandlers {
  /** The far end said BYE, or is not there any more (BYE was sent then). */
  onEnd(): void;
  readonly user: InsideHandlers;
}

export interface MindedSession extends Pick<DialogUser, "onRequest" | "onAck">, Pick<Session, "probe" | "press"> {
  bye(reason: string | undefined): void;
  move(flow: Flow): void;
  close(): void;
}

/** Ranges of media types that a session description is in (§20.1). */
const offerRanges = [offerType, "application/*", "*/*"];
const decoder = new TextDecoder();

export function mindSession(
  core: Core,
  conversation: Conversation,
  agreed: Agreed,
  handlers: SessionHandlers,
): MindedSession {
  const { allow, accept, supported } = core.can;
  const referrals = referralsIn(core, conversation);
  /** The far end's latest offer, and this side's latest answer to a re-INVITE. */
  let offered: Reoffer | undefined;
  let reanswer: Acceptance | undefined;
  let { own } = agreed;
  let theirs = decoder.decode(agreed.peer.body);
  const freshness = keepFresh(core, conversation, {
    owner: agreed.caller,
    terms: agreed.terms,
    description: () => own,
    invited: () => offered?.pending() === true || reanswer?.pending() === true,
    giveUp(cause) {
      bye(cause === 481 ? "unknown to the far end" : "not refreshed in time", cause);
      handlers.onEnd();
    },
  });
  freshness.learn(agreed.peer);

  function onRequest(transaction: ServerTransaction): void {
    const { request, flow } = transaction;
    conversation.take(request, flow);
    freshness.learn(request);
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
      case "REFER":
        return referrals.onRefer(transaction);
      case "SUBSCRIBE":
        return referrals.onSubscribe(transaction);
      case "OPTIONS":
        return transaction.respond(200, { headers: [allow, accept, supported] });
      // What this side never asked for.
      case "PRACK":
      case "NOTIFY":
        return transaction.respond(481);
      default:
        return transaction.respond(405, { headers: [allow] });
    }
  }

  function onReinvite(transaction: ServerTransaction): void {
    receiveOffer(transaction, (parts) => {
      transaction.respond(200, parts);
      reanswer = awaitAck(core, transaction, {
        confirmed() {},
        // §14.2: an answer that nobody confirms ends the session.
        unconfirmed() {
          bye(undefined);
          handlers.onEnd();
        },
      });
    });
  }

  function onUpdate(transaction: ServerTransaction): void {
    if (transaction.request.body.length > 0)
      return receiveOffer(transaction, (parts) => transaction.respond(200, parts));
    const granted = grantTo(transaction.request, freshness.terms());
    transaction.respond(200, { headers: sessionHeaders(granted?.headers) });
    freshness.agreed(granted?.terms);
  }

  const sessionHeaders = (granted: Headers = []): Headers => [allow, supported, conversation.contact(), ...granted];

  function receiveOffer(
    transaction: ServerTransaction,
    agree: (parts: { readonly body: Body; readonly headers: Headers }) => void,
  ): void {
    if (freshness.inviting() || reanswer?.pending()) return transaction.respond(491);
    if (offered?.pending()) return postpone(core, transaction);
    const granted = grantTo(transaction.request, freshness.terms());
    const sdp = offerOf(transaction.request);
    const settle = (body: Body) => {
      own = body;
      theirs = sdp;
      agree({ body, headers: sessionHeaders(granted?.headers) });
      freshness.agreed(granted?.terms);
    };
    // RFC 3264 §8: nothing is offered anew, and it need not be thought about.
    if (own !== undefined && sdp === theirs) return settle(own);
    if (handlers.user.onReoffer === undefined) return transaction.respond(488);
    const open = awaitReply(core, transaction, settle);
    offered = open;
    try {
      handlers.user.onReoffer(sdp, open.reply);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      open.reply(error.status);
    }
  }

  /** RFC 6086 §4.2.2: no package is supported; of the older kind only keys, and an empty one, a sign of life, mean anything. */
  function onInfo(transaction: ServerTransaction): void {
    const { request } = transaction;
    const { onKey } = handlers.user;
    if (header(request, "info-package") !== undefined)
      return transaction.respond(469, { headers: [["recv-info", ""]] });
    if (request.body.length === 0) return transaction.respond(200);
    const type = withoutParams(header(request, "content-type") ?? "");
    if (onKey === undefined || !keyTypes.includes(type))
      throw new ProtocolError(415, `INFO of type "${type.slice(0, 60)}"`, onKey ? keyTypes : []);
    const key = keyIn(type, decoder.decode(request.body));
    transaction.respond(200);
    onKey(key);
  }

  function bye(reason: string | undefined, cause = 200): void {
    const headers: Headers = reason === undefined ? [] : [["reason", `SIP;cause=${cause};text=${quote(reason)}`]];
    conversation.request("BYE", { headers }, () => {});
  }

  return {
    onRequest,
    onAck: (ack) => reanswer?.onAck(ack),
    bye,
    move: conversation.move,
    probe: freshness.probe,
    press: (key) => void conversation.request("INFO", { body: bodyOf(key) }, () => {}),
    close() {
      freshness.close();
      offered?.withdraw();
      referrals.close();
      reanswer?.close();
    },
  };
}

/**
 * The session description that a request offers. Throws ProtocolError: 488 without one, which asks for an offer (§14.1) that only
 * its maker could give; 415 for a body of another type (§8.2.3); 406 when no session description may be the answer (§20.1).
 */
export function offerOf(request: SipRequest): string {
  if (request.body.length === 0) throw new ProtocolError(488, `${request.method} without an offer`);
  const type = withoutParams(header(request, "content-type") ?? "");
  if (type !== offerType)
    throw new ProtocolError(415, `offer of type "${type.slice(0, 60)}", expected ${offerType}`, [offerType]);
  const ranges = headers(request, "accept").flatMap(splitList).map(withoutParams);
  if (header(request, "accept") !== undefined && !ranges.some((range) => offerRanges.includes(range)))
    throw new ProtocolError(406, `no answer may be ${offerType}`);
  return decoder.decode(request.body);
}

/** The session description in the ACK of an INVITE that asked for an offer; undefined for anything else. */
export function answerIn(ack: SipRequest): string | undefined {
  const isDescription = withoutParams(header(ack, "content-type") ?? "") === offerType;
  return isDescription && ack.body.length > 0 ? decoder.decode(ack.body) : undefined;
}

/** What goes with the status that an error asks for: §21.4.13 and RFC 4028 §6 want to be told what would do instead. */
export function extrasOf({ status, accepted }: ProtocolError): { readonly headers: Headers } {
  if (status === 422) return { headers: [["min-se", `${leastSeconds}`]] };
  return { headers: status === 415 ? [["accept", accepted.join(", ")]] : [] };
}
