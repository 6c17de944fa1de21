/** The notifier's side of a subscription as a machine (RFC 6665 §4.2): how long it lasts, when it ends, one NOTIFY at a time. */
import type { Machine } from "../machine.ts";
import type { LateBody } from "./contract.ts";

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
  | { readonly type: "answered"; readonly status: number }
  /** The watcher's connection is gone: it is told anew when it refreshes. */
  | { readonly type: "unsent" };
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
        case "unsent":
          return [{ in: "active", inFlight: false }, []];
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
