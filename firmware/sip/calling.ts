/** The caller's side of a session (RFC 3261 §13.2): INVITE, its answers, CANCEL, forks. */
import { type Machine, run } from "../machine.ts";
import { type Asked, ask } from "./asking.ts";
import type { Flow, OfferHandlers, OutgoingRequest, Session } from "./contract.ts";
import { type Conversation, converse } from "./conversation.ts";
import { type Core, composeOutside, dialogKey, newThread } from "./core.ts";
import { type Dialog, dialogOfCaller } from "./dialog.ts";
import { earlyDialogs, maxBranches } from "./early.ts";
import { ProtocolError, type SipRequest, type SipResponse } from "./message.ts";
import { type MindedSession, mindSession } from "./session.ts";
import { intervalAfter, proposal, type Terms, termsOf, usualSeconds } from "./session-terms.ts";
import { patience } from "./transaction.ts";

/** A 2xx and the dialog it opens. */
export interface Answer {
  readonly response: SipResponse;
  readonly sent: SipRequest;
  readonly dialog: Dialog;
  /** Of its session timer. */
  readonly terms: Terms | undefined;
}

export type CallingState =
  | { readonly in: "inviting" }
  /** Given up before the answer; what comes is hung up on. */
  | { readonly in: "cancelling" }
  | { readonly in: "established"; readonly remoteTag: string }
  | { readonly in: "ended" };
export type CallingEvent =
  | { readonly type: "start" }
  | { readonly type: "accepted"; readonly answer: Answer }
  | { readonly type: "refused"; readonly status: number; readonly reason: string }
  /** This side ends it. */
  | { readonly type: "end"; readonly reason: string | undefined }
  /** The far side ended it. */
  | { readonly type: "ended" };
export type CallingEffect =
  | { readonly do: "cancel" }
  | { readonly do: "abandon" }
  | { readonly do: "establish"; readonly answer: Answer }
  | { readonly do: "acknowledge"; readonly answer: Answer }
  /** ACK, then BYE: nobody wants this one (§13.2.2.4). */
  | { readonly do: "dismiss"; readonly answer: Answer }
  | { readonly do: "bye"; readonly reason: string | undefined }
  | { readonly do: "tell-refused"; readonly status: number; readonly reason: string }
  | { readonly do: "tell-end" }
  | { readonly do: "close" };
/** `timerC` as in §16.8: the longest ringing. `giveUp`: how long a cancelled INVITE may stay without a final answer. */
export type CallingTimer = "timerC" | "giveUp";

type Calling = Machine<CallingState, CallingEvent, CallingEffect, CallingTimer>;

const ringingMs = 180_000;
const giveUp = { start: "giveUp", ms: 2 * patience } as const;
const stop = [{ stop: "timerC" }, { stop: "giveUp" }] as const;

export const calling: Calling = (state, event) => {
  switch (event.type) {
    case "start":
      return [state, [{ start: "timerC", ms: ringingMs }]];
    case "accepted":
      return accepted(state, event.answer);
    case "refused": {
      if (state.in !== "inviting" && state.in !== "cancelling") return [state, []];
      const { status, reason } = event;
      const tell = state.in === "inviting" ? [{ do: "tell-refused", status, reason } as const] : [];
      return [{ in: "ended" }, [...stop, { do: "close" }, ...tell]];
    }
    case "end":
      if (state.in === "inviting") return [{ in: "cancelling" }, [{ stop: "timerC" }, giveUp, { do: "cancel" }]];
      if (state.in !== "established") return [state, []];
      return [{ in: "ended" }, [{ do: "bye", reason: event.reason }, { do: "close" }]];
    case "ended":
      return state.in === "established" ? [{ in: "ended" }, [{ do: "close" }, { do: "tell-end" }]] : [state, []];
    case "expiry":
      if (state.in === "cancelling") return [{ in: "ended" }, [{ do: "abandon" }, { do: "close" }]];
      if (state.in !== "inviting") return [state, []];
      return [
        { in: "cancelling" },
        [giveUp, { do: "cancel" }, { do: "tell-refused", status: 408, reason: "No Answer" }],
      ];
  }
};

function accepted(state: CallingState, answer: Answer): ReturnType<Calling> {
  switch (state.in) {
    case "inviting":
      return [{ in: "established", remoteTag: answer.dialog.remoteTag }, [...stop, { do: "establish", answer }]];
    case "cancelling":
      return [{ in: "ended" }, [...stop, { do: "dismiss", answer }, { do: "close" }]];
    case "established":
      if (answer.dialog.remoteTag === state.remoteTag) return [state, [{ do: "acknowledge", answer }]];
      return [state, [{ do: "dismiss", answer }]];
    case "ended":
      return [state, [{ do: "dismiss", answer }]];
  }
}

/** Sends an INVITE and minds what becomes of it. */
export function call(core: Core, out: OutgoingRequest, handlers: OfferHandlers): Session {
  const thread = newThread(core);
  const key = dialogKey(thread.callId, thread.localTag);
  /** By remote tag: every branch that ever answered 2xx. */
  const conversations = new Map<string, Conversation>();
  const early = earlyDialogs(core, out.credentials);
  let session: MindedSession | undefined;
  let cseq = 0;
  let flow: Flow;
  let seconds = usualSeconds;
  let minimum: number | undefined;

  const machine = run(calling, { in: "inviting" }, core.clock, perform);

  function perform(effect: CallingEffect): void {
    switch (effect.do) {
      case "cancel":
        return asked.cancel();
      case "abandon":
        return asked.abandon();
      case "establish":
        return establish(effect.answer);
      case "acknowledge":
        return void acknowledge(effect.answer);
      case "dismiss":
        return dismiss(effect.answer);
      case "bye":
        return session?.bye(effect.reason);
      case "tell-refused":
        return handlers.onRefused(effect.status, effect.reason);
      case "tell-end":
        return handlers.onEnd();
      case "close":
        session?.close();
        core.dialogs.delete(key);
    }
  }

  function establish(answer: Answer): void {
    const { conversation, told } = acknowledge(answer);
    session = mindSession(
      core,
      conversation,
      { own: out.body, peer: told, terms: answer.terms, caller: true },
      { onEnd: () => machine.send({ type: "ended" }), user: handlers },
    );
    handlers.onAnswer(told);
  }

  /** `told`: the 2xx with the answer to the offer, even where that came before it (RFC 3262 §5). */
  function acknowledge({ dialog, sent, response }: Answer): { conversation: Conversation; told: SipResponse } {
    const known = conversations.get(dialog.remoteTag);
    const branch = known ? undefined : early.confirm(dialog);
    const conversation = known ?? branch?.conversation ?? converse(core, dialog, out.credentials);
    conversations.set(dialog.remoteTag, conversation);
    conversation.acknowledge(sent);
    return { conversation, told: branch?.answer ? withBodyOf(branch.answer, response) : response };
  }

  function dismiss(answer: Answer): void {
    const repeated = conversations.has(answer.dialog.remoteTag);
    const { conversation } = acknowledge(answer);
    if (!repeated) conversation.request("BYE", {}, () => {});
  }

  function onResponse(response: SipResponse, sent: SipRequest): void {
    const { status, reason } = response;
    if (status < 200) {
      const isNews = early.take(response, sent, flow);
      return isNews && machine.state().in === "inviting" ? handlers.onProgress?.(status) : undefined;
    }
    if (lengthen(response)) return;
    const opened = status < 300 ? open(response, sent) : { status, reason };
    if ("status" in opened) return machine.send({ type: "refused", ...opened });
    const { remoteTag } = opened.dialog;
    if (!conversations.has(remoteTag) && conversations.size >= maxBranches) return;
    machine.send({ type: "accepted", answer: opened });
  }

  function open(response: SipResponse, sent: SipRequest): Answer | { status: number; reason: string } {
    try {
      return { response, sent, dialog: dialogOfCaller(sent, response, flow), terms: termsOf(response) };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { status: 502, reason: error.message };
    }
  }

  function invite(): Asked {
    return ask(core, {
      credentials: out.credentials,
      compose() {
        cseq += 1;
        const own = [core.can.allow, core.can.supported, ...proposal(seconds, minimum)];
        const composed = composeOutside(core, { ...out, headers: [...own, ...(out.headers ?? [])] }, thread, cseq);
        flow = composed.flow;
        return composed;
      },
      onResponse,
    });
  }

  /** RFC 4028 §7.3: asked for a longer session, the callee is asked again. */
  function lengthen(refusal: SipResponse): boolean {
    const longer = refusal.status === 422 ? intervalAfter(refusal, seconds) : undefined;
    if (longer === undefined || machine.state().in !== "inviting") return false;
    minimum = longer;
    seconds = longer;
    asked = invite();
    return true;
  }

  const end = (reason?: string) => machine.send({ type: "end", reason });
  let asked = invite();
  machine.send({ type: "start" });
  core.dialogs.set(key, {
    onRequest(transaction) {
      if (session !== undefined) return session.onRequest(transaction);
      early.onRequest(transaction);
    },
    onAck: (ack) => session?.onAck(ack),
    leave: () => end(),
    stop() {
      machine.close();
      session?.close();
    },
  });
  return {
    callId: thread.callId,
    end,
    move: (next) => session?.move(next),
    probe: (onVerdict) => session?.probe(onVerdict),
    press: (key) => session?.press(key),
  };
}

/** §13.2.1: only the first description that comes reliably counts. */
function withBodyOf({ headers, body }: SipResponse, response: SipResponse): SipResponse {
  const isType = ([name]: readonly [string, string]) => name === "content-type";
  return {
    ...response,
    headers: [...response.headers.filter((each) => !isType(each)), ...headers.filter(isType)],
    body,
  };
}
