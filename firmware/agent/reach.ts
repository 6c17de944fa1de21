/**
 * Keeps an agent within reach of private calls: subscribed to the service "direct", and with the session that the server's INVITE brings.
 * Pure. It follows the registration that the talkgroup's line keeps up, and never touches it: a server that cannot do this is
 * asked again now and then, and nothing else happens.
 */
import type { Machine } from "../machine.ts";

/** `failures`: how often in a row no session came. */
export type ReachState =
  | { readonly in: "unregistered" }
  /** Subscribed: the server's INVITE is awaited. */
  | { readonly in: "waiting"; readonly failures: number }
  | { readonly in: "standing" }
  /** Not subscribed; it is tried again later. */
  | { readonly in: "resting"; readonly failures: number };

export type ReachEvent =
  /** For the first time, or again. */
  | { readonly type: "registered" }
  /** The registration is being given up. */
  | { readonly type: "unregistered" }
  /** The server has no such service, or not for us. */
  | { readonly type: "refused" }
  /** An INVITE was accepted; one before it is replaced. */
  | { readonly type: "session" }
  /** The server hung up. */
  | { readonly type: "ended" }
  /** The server gives no sign of life. */
  | { readonly type: "lost" };

export type ReachEffect =
  /** Unless there is a subscription. */
  | { readonly do: "subscribe" }
  /** Session and subscription. */
  | { readonly do: "leave"; readonly why: string };

export type ReachTimer = "invite" | "rest";

type Reach = Machine<ReachState, ReachEvent, ReachEffect, ReachTimer>;
type Step = ReturnType<Reach>;

export const reachInitial: ReachState = { in: "unregistered" };

/** A server answers a subscription with its INVITE at once, ms. */
const inviteMs = 8_000;
/** Doubled with each failure, ms. */
const restMs = 2_000;
const longestRestMs = 300_000;
/** A server without the service gets it by being replaced, and then everybody registers anew; so this is for accounts that were changed, ms. */
const refusedMs = 600_000;

export const reach: Reach = (state, event) => {
  switch (event.type) {
    case "registered":
      if (state.in === "unregistered") return wait(0, [{ do: "subscribe" }]);
      return [state, state.in === "standing" ? [{ do: "subscribe" }] : []];
    case "unregistered":
      if (state.in === "unregistered") return [state, []];
      return [
        { in: "unregistered" },
        [{ stop: "invite" }, { stop: "rest" }, { do: "leave", why: "the registration is given up" }],
      ];
    case "refused":
      // A session that stands is the server's to end.
      if (state.in !== "waiting") return [state, []];
      return rest(state.failures, refusedMs, "refused");
    case "session":
      return [{ in: "standing" }, [{ stop: "invite" }, { stop: "rest" }]];
    case "ended":
      // It may come again by itself.
      return state.in === "standing" ? wait(0, []) : [state, []];
    case "lost":
      return state.in === "standing" ? rest(0, restMs, "the server gives no sign of life") : [state, []];
    case "expiry":
      return expired(state);
  }
};

function expired(state: ReachState): Step {
  switch (state.in) {
    case "waiting":
      return rest(state.failures + 1, Math.min(restMs * 2 ** state.failures, longestRestMs), "no INVITE came");
    case "resting":
      return wait(state.failures, [{ do: "subscribe" }]);
    case "unregistered":
    case "standing":
      return [state, []];
  }
}

function wait(failures: number, effects: readonly ReachEffect[]): Step {
  return [{ in: "waiting", failures }, [...effects, { start: "invite", ms: inviteMs }]];
}

function rest(failures: number, ms: number, why: string): Step {
  return [{ in: "resting", failures }, [{ stop: "invite" }, { do: "leave", why }, { start: "rest", ms }]];
}
