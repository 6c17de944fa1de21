/** Performs what the watching machine decides: SUBSCRIBE, its refreshes, and the NOTIFYs that answer (RFC 6665 §4.1). */
import { run } from "../machine.ts";
import { type Asked, ask } from "./asking.ts";
import type { Flow, OutgoingRequest, Watcher, WatcherHandlers } from "./contract.ts";
import { type Conversation, converse } from "./conversation.ts";
import { type Core, composeOutside, dialogKey, newThread } from "./core.ts";
import { type Dialog, dialogOfCallee, dialogOfCaller } from "./dialog.ts";
import { secondsIn } from "./expires.ts";
import { type Params, parseEvent } from "./header.ts";
import { type Headers, header, ProtocolError, type SipRequest, type SipResponse } from "./message.ts";
import type { ServerTransaction } from "./transactions.ts";
import { watching } from "./watching.ts";

const defaultExpires = 600;

export interface MindedWatcher extends Watcher {
  /** Stops every timer. */
  stop(): void;
}

export function watch(
  core: Core,
  out: OutgoingRequest & { readonly event: string; readonly expires?: number },
  handlers: WatcherHandlers,
  onClosed: () => void,
): MindedWatcher {
  const expires = out.expires ?? defaultExpires;
  const wanted = parseEvent(out.event).package;
  /** Of the latest attempt, which is the only one that counts. */
  let key = "";
  let asked: Asked | undefined;
  let conversation: Conversation | undefined;

  const initial = { in: "subscribing", expires, failures: 0, notified: false } as const;
  const machine = run(watching, initial, core.clock, (effect) => {
    switch (effect.do) {
      case "subscribe":
        forget();
        return subscribe(effect.expires);
      case "refresh":
        return refresh(effect.expires);
      case "unsubscribe":
        return refresh(0);
      case "fail":
        return refuse(effect.status);
      case "tell-active":
        return handlers.onState({ active: true });
      case "tell-inactive":
        return handlers.onState({ active: false, status: effect.status });
      case "forget":
        return forget();
      case "close":
        forget();
        return onClosed();
    }
  });

  function forget(): void {
    asked?.abandon();
    conversation = undefined;
    core.dialogs.delete(key);
  }

  function subscriptionHeaders(seconds: number): Headers {
    return [["event", out.event], ["expires", `${seconds}`], ...(out.headers ?? [])];
  }

  function subscribe(seconds: number): void {
    const thread = newThread(core);
    let cseq = 0;
    let flow: Flow | undefined;
    key = dialogKey(thread.callId, thread.localTag);
    core.dialogs.set(key, {
      onRequest: (transaction) => onNotify(transaction, cseq),
      onAck() {},
      leave() {},
      stop: machine.close,
    });
    asked = ask(core, {
      credentials: out.credentials,
      compose() {
        cseq += 1;
        const request = { ...out, method: "SUBSCRIBE", headers: subscriptionHeaders(seconds) };
        const composed = composeOutside(core, request, thread, cseq);
        flow = composed.flow;
        return composed;
      },
      onResponse(response, sent) {
        if (response.status < 200) return;
        const usable = response.status >= 300 || flow === undefined || open(sent, response, flow);
        onAnswer(usable ? response : { ...response, status: 502 }, seconds);
      },
    });
  }

  /** False when the 2xx lacks what a dialog needs. */
  function open(sent: SipRequest, response: SipResponse, flow: Flow): boolean {
    if (conversation !== undefined) return true;
    try {
      conversation = converse(core, dialogOfCaller(sent, response, flow), out.credentials);
      return true;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return false;
    }
  }

  function refresh(seconds: number): void {
    if (conversation === undefined) return refuse(481);
    const headers = [...subscriptionHeaders(seconds), conversation.contact()];
    asked = conversation.request("SUBSCRIBE", { headers }, (response) => onAnswer(response, seconds));
  }

  function onAnswer(response: SipResponse, seconds: number): void {
    const { status } = response;
    if (status >= 300) return refuse(status, secondsIn(response, "min-expires"), secondsIn(response, "retry-after"));
    machine.send({ type: "accepted", granted: secondsIn(response, "expires") ?? seconds });
  }

  function refuse(status: number, minimum?: number, retryAfter?: number): void {
    machine.send({ type: "refused", status, fraction: core.random.fraction(), minimum, retryAfter });
  }

  function onNotify(transaction: ServerTransaction, subscribeSeq: number): void {
    const { request, flow } = transaction;
    if (request.method !== "NOTIFY") return transaction.respond(405, { headers: [["allow", "NOTIFY"]] });
    if (parseEvent(header(request, "event") ?? "").package !== wanted) throw new ProtocolError(489, "another event");
    const state = parseEvent(header(request, "subscription-state") ?? "");
    // §4.4.1: the first NOTIFY opens the dialog, even if it overtakes the 200.
    if (conversation !== undefined) conversation.take(request, flow);
    else conversation = converse(core, dialogByNotify(request, flow, subscribeSeq), out.credentials);

    const open = machine.state().in === "subscribing" || machine.state().in === "active";
    if (open && request.body.length > 0) handlers.onNotify(request.body, request);
    transaction.respond(200);
    if (state.package !== "terminated")
      return machine.send({ type: "notified", left: seconds(state.params, "expires") });
    machine.send({
      type: "terminated",
      reason: state.params.get("reason")?.toLowerCase(),
      fraction: core.random.fraction(),
      retryAfter: seconds(state.params, "retry-after"),
    });
  }

  machine.send({ type: "start" });
  return { close: () => machine.send({ type: "close" }), stop: machine.close };
}

function dialogByNotify(notify: SipRequest, flow: Flow, subscribeSeq: number): Dialog {
  return { ...dialogOfCallee(notify, header(notify, "to") ?? "", flow), localSeq: subscribeSeq };
}

function seconds(params: Params, name: string): number | undefined {
  const text = params.get(name) ?? "";
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
