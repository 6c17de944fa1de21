/** The callee's side of a session (RFC 3261 §13.3): an INVITE until it is answered, cancelled or left, and its session. */
import { type Machine, run } from "../machine.ts";
import { type Acceptance, awaitAck } from "./acceptance.ts";
import type { AnswerHandlers, Body, Extras, IncomingInvite, Session } from "./contract.ts";
import { converse } from "./conversation.ts";
import { type Core, dialogKey, postpone, respond } from "./core.ts";
import { dialogOfCallee } from "./dialog.ts";
import { withTag } from "./header.ts";
import { header, ProtocolError } from "./message.ts";
import { reliably, wantsReliable } from "./provisional.ts";
import { answerIn, extrasOf, type MindedSession, mindSession, offerOf } from "./session.ts";
import { grantTo } from "./session-terms.ts";
import type { ServerTransaction } from "./transactions.ts";

export type CalledState =
  | { readonly in: "ringing" }
  /** 2xx sent, ACK awaited. */
  | { readonly in: "answered" }
  /** Ended by this side before the ACK: BYE must wait for it (§15). */
  | { readonly in: "leaving"; readonly reason: string | undefined }
  | { readonly in: "confirmed" }
  | { readonly in: "ended" };
export type CalledEvent =
  | { readonly type: "start" }
  | { readonly type: "accept" }
  | { readonly type: "refuse" }
  /** CANCEL, or BYE before the answer. */
  | { readonly type: "cancel" }
  /** An answer that had to arrive never did. */
  | { readonly type: "unheard" }
  | { readonly type: "ack" }
  | { readonly type: "no-ack" }
  /** This side ends it. */
  | { readonly type: "end"; readonly reason: string | undefined }
  /** The far side ended it. */
  | { readonly type: "ended" };
export type CalledEffect =
  | { readonly do: "refuse"; readonly status: number }
  | { readonly do: "bye"; readonly reason: string | undefined }
  | { readonly do: "tell-cancel" }
  | { readonly do: "tell-confirmed" }
  | { readonly do: "tell-end" }
  | { readonly do: "close" };
/** `unanswered`: how long the application may let an INVITE ring. */
export type CalledTimer = "unanswered";

type Called = Machine<CalledState, CalledEvent, CalledEffect, CalledTimer>;
type Event = Parameters<Called>[1];
type Step = ReturnType<Called>;

const ringingMs = 180_000;
const stop = { stop: "unanswered" } as const;
const close = { do: "close" } as const;
const ended = { in: "ended" } as const;

export const called: Called = (state, event) => {
  switch (state.in) {
    case "ringing":
      return ringing(state, event);
    case "answered":
      if (event.type === "ack") return [{ in: "confirmed" }, [{ do: "tell-confirmed" }]];
      if (event.type === "no-ack") return [ended, [{ do: "bye", reason: undefined }, close, { do: "tell-end" }]];
      if (event.type === "end") return [{ in: "leaving", reason: event.reason }, []];
      return event.type === "ended" ? [ended, [close, { do: "tell-end" }]] : [state, []];
    case "leaving":
      if (event.type === "ack" || event.type === "no-ack") return [ended, [{ do: "bye", reason: state.reason }, close]];
      return event.type === "ended" ? [ended, [close]] : [state, []];
    case "confirmed":
      if (event.type === "end") return [ended, [{ do: "bye", reason: event.reason }, close]];
      return event.type === "ended" ? [ended, [close, { do: "tell-end" }]] : [state, []];
    case "ended":
      return [state, []];
  }
};

function ringing(state: CalledState & { in: "ringing" }, event: Event): Step {
  switch (event.type) {
    case "start":
      return [state, [{ start: "unanswered", ms: ringingMs }]];
    case "accept":
      return [{ in: "answered" }, [stop]];
    case "refuse":
      return [ended, [stop, close]];
    case "cancel":
      return [ended, [stop, { do: "refuse", status: 487 }, close, { do: "tell-cancel" }]];
    case "unheard":
      // RFC 3262 §3
      return [ended, [stop, { do: "refuse", status: 504 }, close, { do: "tell-cancel" }]];
    case "expiry":
      return [ended, [{ do: "refuse", status: 480 }, close, { do: "tell-cancel" }]];
    case "ack":
    case "no-ack":
    case "end":
    case "ended":
      return [state, []];
  }
}

/** Hands an INVITE that opens a dialog to `onInvite`. Throws ProtocolError: 400 when it cannot open one, 422 for one too short. */
export function receiveInvite(
  core: Core,
  transaction: ServerTransaction,
  onInvite: (invite: IncomingInvite) => void,
): void {
  const { request, flow, tag } = transaction;
  const granted = grantTo(request, undefined);
  const conversation = converse(core, dialogOfCallee(request, withTag(header(request, "to") ?? "", tag), flow));
  const { callId, localTag } = conversation.dialog();
  const key = dialogKey(callId, localTag);
  let session: MindedSession | undefined;
  let answer: Acceptance | undefined;
  let user: AnswerHandlers | undefined;
  const asksForOffer = request.body.length === 0;
  let answered: string | undefined;
  const early = reliably(core, transaction, () => machine.send({ type: "unheard" }));

  const machine = run(called, { in: "ringing" }, core.clock, (effect) => {
    switch (effect.do) {
      case "refuse":
        return transaction.respond(effect.status);
      case "bye":
        return session?.bye(effect.reason);
      case "tell-cancel":
        return invite.onCancel();
      case "tell-confirmed":
        return asksForOffer ? user?.onConfirmed(answered) : user?.onConfirmed();
      case "tell-end":
        return user?.onEnd();
      case "close":
        early.close();
        answer?.close();
        session?.close();
        core.dialogs.delete(key);
    }
  });

  function accept(body: Body, handlers: AnswerHandlers, extras: Extras = {}): Session {
    const end = (reason?: string) => machine.send({ type: "end", reason });
    if (machine.state().in !== "ringing") {
      // The caller gave up while the answer was being made.
      const untell = core.clock.after(0, handlers.onEnd);
      return { callId, end: untell, move() {}, probe() {}, press() {} };
    }
    user = handlers;
    session = mindSession(
      core,
      conversation,
      { own: body, peer: request, terms: granted?.terms, caller: false },
      { onEnd: () => machine.send({ type: "ended" }), user: handlers },
    );
    const { allow, supported } = core.can;
    const said = [allow, supported, conversation.contact(), ...(granted?.headers ?? [])];
    const headers = [...said, ...(extras.headers ?? [])];
    early.close();
    transaction.respond(200, { headers, body });
    answer = awaitAck(core, transaction, {
      confirmed: () => machine.send({ type: "ack" }),
      unconfirmed: () => machine.send({ type: "no-ack" }),
    });
    machine.send({ type: "accept" });
    return { callId, end, move: session.move, probe: session.probe, press: session.press };
  }

  /** Inside the early dialog, where nothing is agreed on yet; a PRACK may come after the answer. */
  function onEarly(inside: ServerTransaction): void {
    conversation.take(inside.request, inside.flow);
    switch (inside.request.method) {
      case "PRACK":
        return early.onPrack(inside);
      case "BYE":
        inside.respond(200);
        return machine.send({ type: "cancel" });
      case "UPDATE":
        if (inside.request.body.length > 0) return postpone(core, inside);
        return inside.respond(200, { headers: [core.can.allow, conversation.contact()] });
      case "OPTIONS":
        return inside.respond(200, { headers: [core.can.allow, core.can.accept, core.can.supported] });
      default:
        return postpone(core, inside);
    }
  }

  const invite: IncomingInvite = {
    request,
    flow,
    accept,
    offer: () => offerOf(request),
    asksForOffer,
    onCancel() {},
    respond(status, extras) {
      if (status >= 200 && status < 300) throw new Error(`an INVITE is accepted by accept(), not by ${status}`);
      if (status > 100 && status < 200 && wantsReliable(request)) return early.send({ status, ...extras });
      respond(core, transaction, status, { contact: status < 200, ...extras });
      if (status >= 300) machine.send({ type: "refuse" });
    },
  };
  transaction.onCancel = () => machine.send({ type: "cancel" });
  core.dialogs.set(key, {
    onRequest(inside) {
      if (session === undefined || inside.request.method === "PRACK") return onEarly(inside);
      // §14.2 and RFC 3311 §5.2: no second offer while the first is open.
      if (answer?.pending() && isOffer(inside)) return inside.respond(491);
      session.onRequest(inside);
    },
    onAck(ack) {
      if (asksForOffer) answered ??= answerIn(ack);
      answer?.onAck(ack);
      session?.onAck(ack);
    },
    leave() {
      invite.respond(480);
      machine.send({ type: "end", reason: undefined });
    },
    stop() {
      machine.close();
      early.close();
      answer?.close();
      session?.close();
    },
  });
  machine.send({ type: "start" });
  try {
    onInvite(invite);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    invite.respond(error.status, extrasOf(error));
  }
}

function isOffer({ request }: ServerTransaction): boolean {
  return request.method === "INVITE" || (request.method === "UPDATE" && request.body.length > 0);
}
