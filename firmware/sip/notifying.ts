/** The notifier's side of a subscription (RFC 6665 §4.2): how long it lasts, when it ends, one NOTIFY at a time. */
import { type Machine, run } from "../machine.ts";
import type { IncomingSubscribe, LateBody, Notifier, NotifierHandlers } from "./contract.ts";
import { converse } from "./conversation.ts";
import { type Core, dialogKey, respond } from "./core.ts";
import { dialogOfCallee } from "./dialog.ts";
import { secondsIn } from "./expires.ts";
import { parseEvent, withTag } from "./header.ts";
import { type Headers, header, ProtocolError } from "./message.ts";
import type { ServerTransaction } from "./transactions.ts";

export interface Notification {
  readonly body: LateBody;
  /** The reason that ends the subscription. */
  readonly terminated?: string | undefined;
}

export type NotifyingState =
  /** `next`: what is due once the NOTIFY in flight is answered. */
  | { readonly in: "active"; readonly inFlight: boolean; readonly next?: Notification | undefined }
  /** The last NOTIFY waits for the one before it. */
  | { readonly in: "ending"; readonly last: Notification }
  | { readonly in: "ended" };
export type NotifyingEvent =
  /** SUBSCRIBE granted for so many seconds: the first, or a refresh. */
  | { readonly type: "granted"; readonly seconds: number }
  | { readonly type: "notify"; readonly notification: Notification }
  /** Unsubscribed or run out; `last` is the body of the last NOTIFY. */
  | { readonly type: "over"; readonly last: LateBody }
  | { readonly type: "answered"; readonly status: number };
export type NotifyingEffect =
  | { readonly do: "notify"; readonly notification: Notification }
  /** The time is over: "over" should follow. */
  | { readonly do: "expire" }
  | { readonly do: "tell-end" }
  | { readonly do: "close" };
export type NotifyingTimer = "expiry";

type Notifying = Machine<NotifyingState, NotifyingEvent, NotifyingEffect, NotifyingTimer>;
type Step = ReturnType<Notifying>;

const stop = { stop: "expiry" } as const;
const ended = { in: "ended" } as const;

export const notifying: Notifying = (state, event) => {
  switch (state.in) {
    case "ended":
      return [state, []];
    case "ending":
      if (event.type !== "answered") return [state, []];
      if (isGone(event.status)) return [ended, [{ do: "close" }]];
      return [ended, [{ do: "notify", notification: state.last }, { do: "close" }]];
    case "active":
      switch (event.type) {
        case "granted":
          return [state, [{ start: "expiry", ms: event.seconds * 1_000 }]];
        case "expiry":
          return [state, [{ do: "expire" }]];
        case "notify":
          return notify(state, event.notification, []);
        case "over":
          return notify(state, { body: event.last, terminated: "timeout" }, [{ do: "tell-end" }]);
        case "answered":
          if (isGone(event.status)) return [ended, [stop, { do: "close" }, { do: "tell-end" }]];
          if (state.next === undefined) return [{ in: "active", inFlight: false }, []];
          return [{ in: "active", inFlight: true }, [{ do: "notify", notification: state.next }]];
      }
  }
};

/** RFC 6665 §4.2.2: who cannot be reached, or does not know the subscription, has none. */
function isGone(status: number): boolean {
  return status >= 300;
}

function notify(
  state: NotifyingState & { in: "active" },
  notification: Notification,
  tell: readonly NotifyingEffect[],
): Step {
  if (notification.terminated === undefined) {
    if (state.inFlight) return [{ ...state, next: notification }, []];
    return [{ in: "active", inFlight: true }, [{ do: "notify", notification }]];
  }
  // The last word carries the latest state, even if it was given without one.
  const last = { ...notification, body: notification.body ?? state.next?.body };
  if (state.inFlight) return [{ in: "ending", last }, [stop, ...tell]];
  return [ended, [stop, { do: "notify", notification: last }, { do: "close" }, ...tell]];
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
  const dialog = dialogOfCallee(request, withTag(header(request, "to") ?? "", tag), flow);
  const conversation = converse(core, dialog);

  onSubscribe({
    request,
    flow,
    event,
    expires: secondsIn(request, "expires"),
    respond: (status, extras) => respond(core, transaction, status, extras),
    accept(expires, handlers, headers = []) {
      grant(transaction, expires, headers);
      return mind(expires, handlers, headers);
    },
  });

  function grant(subscribe: ServerTransaction, seconds: number, own: Headers): void {
    subscribe.respond(200, { headers: [["expires", `${seconds}`], conversation.contact(), ...own] });
  }

  function mind(longest: number, handlers: NotifierHandlers, own: Headers): Notifier {
    const key = dialogKey(dialog.callId, dialog.localTag);
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
          core.dialogs.delete(key);
      }
    });

    function send({ body: late, terminated }: Notification): void {
      const body = typeof late === "function" ? late() : late;
      const left = Math.max(0, Math.ceil((until - core.clock.now()) / 1_000));
      const state = terminated === undefined ? `active;expires=${left}` : `terminated;reason=${terminated}`;
      const headers: Headers = [["event", event ?? ""], ["subscription-state", state], conversation.contact(), ...own];
      conversation.request("NOTIFY", { headers, ...(body && { body }) }, ({ status }) =>
        machine.send({ type: "answered", status }),
      );
    }

    function last(seconds: number): void {
      until = core.clock.now() + seconds * 1_000;
      machine.send({ type: "granted", seconds });
    }

    function onRefresh(subscribe: ServerTransaction): void {
      conversation.take(subscribe.request, subscribe.flow);
      if (subscribe.request.method !== "SUBSCRIBE")
        return subscribe.respond(405, { headers: [["allow", "SUBSCRIBE"]] });
      const seconds = Math.min(secondsIn(subscribe.request, "expires") ?? longest, longest);
      grant(subscribe, seconds, own);
      if (seconds === 0) return machine.send({ type: "over", last: handlers.lastBody?.() });
      last(seconds);
      handlers.onRefresh(subscribe.flow);
    }

    core.dialogs.set(key, {
      onRequest: onRefresh,
      onAck() {},
      leave: () => machine.send({ type: "notify", notification: { body: undefined, terminated: "probation" } }),
      stop: machine.close,
    });
    // A poll (§4.4.3) lasts for the one NOTIFY that is due at once.
    last(Math.max(longest, 1));
    return {
      notify(body, state) {
        const over = longest === 0 && state === undefined;
        if (over) core.clock.after(0, handlers.onEnd);
        machine.send({ type: "notify", notification: { body, terminated: over ? "timeout" : state?.terminated } });
      },
    };
  }
}
