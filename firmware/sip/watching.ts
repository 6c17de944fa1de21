/** The watcher's side of a subscription as a machine (RFC 6665 §4.1.2): when to subscribe, refresh, wait and give up. */
import type { Machine } from "../machine.ts";
import { backoffAsked } from "./backoff.ts";
import { longerThan, refreshMs } from "./expires.ts";
import { patience } from "./transaction.ts";

interface Trying {
  /** Seconds asked for. */
  readonly expires: number;
  /** Attempts in a row that came to nothing. */
  readonly failures: number;
}

export type WatchingState =
  /** `notified`: NOTIFY came before the 200. */
  | (Trying & { readonly in: "subscribing"; readonly notified: boolean })
  /** `settled`: it has lasted long enough to start anew at once if it ends. */
  | (Trying & { readonly in: "active"; readonly settled: boolean })
  | (Trying & { readonly in: "waiting" })
  /** Closed while a SUBSCRIBE was on its way; its dialog must be ended too. */
  | { readonly in: "leaving" }
  /** SUBSCRIBE with Expires 0 was sent; the last NOTIFY is awaited. */
  | { readonly in: "closing" }
  | { readonly in: "closed" };

export type WatchingEvent =
  | { readonly type: "start" }
  | { readonly type: "accepted"; readonly granted: number }
  /** `fraction`: jitter, [0, 1). All times in seconds. */
  | {
      readonly type: "refused";
      readonly status: number;
      readonly fraction: number;
      readonly minimum?: number | undefined;
      readonly retryAfter?: number | undefined;
    }
  | { readonly type: "notified"; readonly left: number | undefined }
  | {
      readonly type: "terminated";
      readonly reason: string | undefined;
      readonly fraction: number;
      readonly retryAfter?: number | undefined;
    }
  | { readonly type: "close" };

export type WatchingEffect =
  /** In a new dialog; the one before is forgotten. */
  | { readonly do: "subscribe"; readonly expires: number }
  | { readonly do: "refresh"; readonly expires: number }
  | { readonly do: "unsubscribe" }
  /** Make it a refusal with this status. */
  | { readonly do: "fail"; readonly status: number }
  | { readonly do: "tell-active" }
  | { readonly do: "tell-inactive"; readonly status: number }
  | { readonly do: "forget" }
  /** It is over for good. */
  | { readonly do: "close" };

/** `timerN`: how long NOTIFY may fail to follow the 200 (RFC 6665 §4.1.2.4). */
export type WatchingTimer = "refresh" | "retry" | "settle" | "timerN" | "linger";

type Watching = Machine<WatchingState, WatchingEvent, WatchingEffect, WatchingTimer>;
type Event = Parameters<Watching>[1];
type Step = ReturnType<Watching>;
type Open = Extract<WatchingState, Trying>;

const settleMs = 5_000;
const longestRetryAfter = 3_600;
const stop = [{ stop: "refresh" }, { stop: "retry" }, { stop: "settle" }, { stop: "timerN" }] as const;
/** What no later attempt will change. */
const hopeless = new Set([403, 404, 489]);

export const watching: Watching = (state, event) => {
  switch (state.in) {
    case "subscribing":
    case "active":
    case "waiting":
      return open(state, event);
    case "leaving":
      if (event.type === "accepted")
        return [{ in: "closing" }, [{ start: "linger", ms: patience }, { do: "unsubscribe" }]];
      return event.type === "refused" ? [{ in: "closed" }, [{ do: "close" }]] : [state, []];
    case "closing":
      if (event.type !== "terminated" && event.type !== "refused" && event.type !== "expiry") return [state, []];
      return [{ in: "closed" }, [{ stop: "linger" }, { do: "close" }]];
    case "closed":
      return [state, []];
  }
};

function open(state: Open, event: Event): Step {
  switch (event.type) {
    case "start":
      return subscribe(state.expires, state.failures);
    case "accepted": {
      const { expires, failures } = state;
      const fresh = state.in === "subscribing";
      const settled = state.in === "active" && state.settled;
      const silence = fresh && !state.notified ? [{ start: "timerN", ms: patience } as const] : [];
      const settling = fresh ? [{ start: "settle", ms: settleMs } as const] : [];
      return [
        { in: "active", expires, failures, settled },
        [{ start: "refresh", ms: refreshMs(event.granted) }, ...silence, ...settling, { do: "tell-active" }],
      ];
    }
    case "refused":
      return refused(state, event);
    case "notified":
      if (state.in === "subscribing") return [{ ...state, notified: true }, []];
      if (state.in !== "active") return [state, []];
      return [
        state,
        [
          { stop: "timerN" },
          ...(event.left === undefined ? [] : [{ start: "refresh", ms: refreshMs(event.left) } as const]),
        ],
      ];
    case "terminated":
      return terminated(state, event);
    case "close":
      return close(state);
    case "expiry":
      return expired(state, event.timer);
  }
}

function subscribe(expires: number, failures: number): Step {
  return [{ in: "subscribing", expires, failures, notified: false }, [...stop, { do: "subscribe", expires }]];
}

function wait(state: Open, status: number, fraction: number, retryAfter = 0): Step {
  const failures = state.failures + 1;
  const ms = backoffAsked(failures, fraction, retryAfter, longestRetryAfter);
  return [
    { in: "waiting", expires: state.expires, failures },
    [...stop, { do: "forget" }, { start: "retry", ms }, { do: "tell-inactive", status }],
  ];
}

function giveUp(status: number): Step {
  return [{ in: "closed" }, [...stop, { do: "close" }, { do: "tell-inactive", status }]];
}

function refused(state: Open, event: Event & { type: "refused" }): Step {
  const { status, fraction, minimum, retryAfter } = event;
  if (hopeless.has(status)) return giveUp(status);
  const longer = status === 423 ? longerThan(state.expires, minimum) : undefined;
  if (longer !== undefined) {
    const effect = { do: state.in === "active" ? "refresh" : "subscribe", expires: longer } as const;
    return [{ ...state, expires: longer }, [effect]];
  }
  if (status === 481 && state.in === "active" && state.settled) return subscribe(state.expires, 0);
  return wait(state, status, fraction, retryAfter);
}

/** RFC 6665 §4.1.3 */
function terminated(state: Open, event: Event & { type: "terminated" }): Step {
  switch (event.reason) {
    case "rejected":
      return giveUp(403);
    case "noresource":
    case "invariant":
      return giveUp(404);
    case "deactivated":
    case "timeout":
      if (state.in === "active" && state.settled) return subscribe(state.expires, 0);
      return wait(state, 480, event.fraction);
    default:
      return wait(state, 480, event.fraction, event.retryAfter);
  }
}

function close(state: Open): Step {
  switch (state.in) {
    case "subscribing":
      return [{ in: "leaving" }, []];
    case "active":
      return [{ in: "closing" }, [...stop, { start: "linger", ms: patience }, { do: "unsubscribe" }]];
    case "waiting":
      return [{ in: "closed" }, [...stop, { do: "close" }]];
  }
}

function expired(state: Open, timer: WatchingTimer): Step {
  switch (timer) {
    case "refresh":
      return [state, [{ do: "refresh", expires: state.expires }]];
    case "settle":
      return [state.in === "active" ? { ...state, settled: true, failures: 0 } : state, []];
    case "retry":
      return subscribe(state.expires, state.failures);
    case "timerN":
      return [state, [{ do: "fail", status: 408 }]];
    case "linger":
      return [state, []];
  }
}
