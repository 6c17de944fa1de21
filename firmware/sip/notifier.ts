/** Performs what the notifying machine decides: grants SUBSCRIBE, its refreshes, and sends NOTIFY (RFC 6665 §4.2). */
import { run } from "../machine.ts";
import type { IncomingSubscribe, Notifier, NotifierHandlers } from "./contract.ts";
import { type Conversation, converse } from "./conversation.ts";
import { type Core, dialogKey, respond } from "./core.ts";
import { dialogOfCallee } from "./dialog.ts";
import { secondsIn } from "./expires.ts";
import { parseEvent, withTag } from "./header.ts";
import { type Headers, header, ProtocolError } from "./message.ts";
import { type Notification, notifying } from "./notifying.ts";
import type { ServerTransaction } from "./transactions.ts";

export interface Subscribed {
  /** The Event header. */
  readonly event: string;
  /** Seconds granted at most, now and by a refresh. */
  readonly expires: number;
  /** For every NOTIFY, and every answer to SUBSCRIBE. */
  readonly headers: Headers;
}

export interface MindedNotifier extends Notifier {
  /** A SUBSCRIBE inside its dialog, which has been taken in. */
  onSubscribe(transaction: ServerTransaction): void;
  /** The endpoint closes: says good-bye as far as one message can. */
  leave(): void;
  /** Stops every timer. */
  stop(): void;
}

/** Hands a SUBSCRIBE that opens a dialog to `onSubscribe`. Throws ProtocolError 400 when it cannot open one, 489 without an event. */
export function receiveSubscribe(
  core: Core,
  transaction: ServerTransaction,
  onSubscribe: (subscribe: IncomingSubscribe) => void,
): void {
  const { request, flow, tag } = transaction;
  const event = header(request, "event");
  if (event === undefined) throw new ProtocolError(489, "SUBSCRIBE without an Event");
  parseEvent(event);
  const conversation = converse(core, dialogOfCallee(request, withTag(header(request, "to") ?? "", tag), flow));

  onSubscribe({
    request,
    flow,
    event,
    expires: secondsIn(request, "expires"),
    respond: (status, extras) => respond(core, transaction, status, extras),
    accept(expires, handlers, headers = []) {
      grant(transaction, conversation, expires, headers);
      return mindDialog(core, conversation, { event, expires, headers }, handlers);
    },
  });
}

/** A subscription in a dialog of its own. */
export function mindDialog(
  core: Core,
  conversation: Conversation,
  subscribed: Subscribed,
  handlers: NotifierHandlers,
): Notifier {
  const { callId, localTag } = conversation.dialog();
  const key = dialogKey(callId, localTag);
  const notifier = mindNotifier(core, conversation, subscribed, handlers, () => core.dialogs.delete(key));
  core.dialogs.set(key, {
    onRequest(transaction) {
      conversation.take(transaction.request, transaction.flow);
      if (transaction.request.method === "SUBSCRIBE") return notifier.onSubscribe(transaction);
      transaction.respond(405, { headers: [["allow", "SUBSCRIBE"]] });
    },
    onAck() {},
    leave: notifier.leave,
    stop: notifier.stop,
  });
  return notifier;
}

/** A subscription that was just granted; `onClosed` is called once, when nothing more will be sent. */
export function mindNotifier(
  core: Core,
  conversation: Conversation,
  { event, expires: longest, headers: own }: Subscribed,
  handlers: NotifierHandlers,
  onClosed: () => void,
): MindedNotifier {
  let until = core.clock.now();

  const machine = run(notifying, { in: "active", inFlight: false }, core.clock, (effect) => {
    switch (effect.do) {
      case "notify":
        return send(effect.notification);
      case "expire":
        return machine.send({ type: "over", last: handlers.lastBody?.() });
      case "tell-end":
        return handlers.onEnd();
      case "close":
        return onClosed();
    }
  });

  function send({ body: late, terminated }: Notification): void {
    if (!core.isOpen(conversation.dialog().flow)) return machine.send({ type: "unsent" });
    const body = typeof late === "function" ? late() : late;
    const left = Math.max(0, Math.ceil((until - core.clock.now()) / 1_000));
    const state = terminated === undefined ? `active;expires=${left}` : `terminated;reason=${terminated}`;
    const headers: Headers = [["event", event], ["subscription-state", state], conversation.contact(), ...own];
    conversation.request("NOTIFY", { headers, ...(body && { body }) }, ({ status }) =>
      machine.send({ type: "answered", status }),
    );
  }

  function last(seconds: number): void {
    until = core.clock.now() + seconds * 1_000;
    machine.send({ type: "granted", seconds });
  }

  // A poll (§4.4.3) lasts for the one NOTIFY that is due at once.
  last(Math.max(longest, 1));
  return {
    notify(body, state) {
      const over = longest === 0 && state === undefined;
      if (over) core.clock.after(0, handlers.onEnd);
      machine.send({ type: "notify", notification: { body, terminated: over ? "timeout" : state?.terminated } });
    },
    onSubscribe(transaction) {
      const seconds = Math.min(secondsIn(transaction.request, "expires") ?? longest, longest);
      grant(transaction, conversation, seconds, own);
      if (seconds === 0) return machine.send({ type: "over", last: handlers.lastBody?.() });
      last(seconds);
      handlers.onRefresh(transaction.flow);
    },
    // §4.1.3: the watcher may subscribe anew at once. After "probation", with or without retry-after, phones stay away for minutes.
    leave: () => machine.send({ type: "notify", notification: { body: undefined, terminated: "deactivated" } }),
    stop: machine.close,
  };
}

function grant(subscribe: ServerTransaction, conversation: Conversation, seconds: number, own: Headers): void {
  subscribe.respond(200, { headers: [["expires", `${seconds}`], conversation.contact(), ...own] });
}
