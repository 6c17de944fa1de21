/**
 * Keeps an agent affiliated to its talkgroup: registered, subscribed, and with the session that the server's INVITE brings. Pure.
 * Whatever goes wrong has one remedy: leave everything and begin anew, for a server that was restarted knows nothing of us.
 */
import type { Machine } from "../machine.ts";

/** `failures`: how often in a row no session came. */
export type AffiliationState =
  | { readonly in: "registering"; readonly failures: number }
  /** Registered and subscribed: the server's INVITE is awaited. */
  | { readonly in: "waiting"; readonly failures: number }
  | { readonly in: "standing" }
  /** The binding is being removed. */
  | { readonly in: "leaving"; readonly failures: number }
  | { readonly in: "closed" };

export type AffiliationEvent =
  | { readonly type: "start" }
  | { readonly type: "registered" }
  /** An INVITE was accepted; one before it is replaced. */
  | { readonly type: "session" }
  /** The server hung up. */
  | { readonly type: "ended" }
  /** The server gives no sign of life. */
  | { readonly type: "lost" }
  /** The binding is removed. */
  | { readonly type: "left" }
  | { readonly type: "close" };

export type AffiliationEffect =
  | { readonly do: "register" }
  /** Unless there is a subscription. */
  | { readonly do: "subscribe" }
  /** Session, subscription and binding. "left" should follow. */
  | { readonly do: "leave"; readonly why: string };

export type AffiliationTimer = "invite";

export const affiliationInitial: AffiliationState = { in: "registering", failures: 0 };

type Affiliation = Machine<AffiliationState, AffiliationEvent, AffiliationEffect, AffiliationTimer>;
type Event = Parameters<Affiliation>[1];
type Step = ReturnType<Affiliation>;

/** A server answers a subscription with its INVITE at once; it is given longer after each failure, up to half a minute, ms. */
const inviteMs = 4_000;
const longestInviteMs = 32_000;

export const affiliation: Affiliation = (state, event) => {
  if (event.type === "close") return closed(state);
  switch (state.in) {
    case "registering":
      if (event.type === "start") return [state, [{ do: "register" }]];
      if (event.type === "registered") return wait(state.failures, [{ do: "subscribe" }]);
      return event.type === "session" ? [{ in: "standing" }, []] : [state, []];
    case "waiting":
      if (event.type === "session") return [{ in: "standing" }, [{ stop: "invite" }]];
      // Its session came before it did, and is gone already.
      if (event.type === "registered") return [state, [{ do: "subscribe" }]];
      return event.type === "expiry" ? leave(state.failures + 1, "no INVITE came") : [state, []];
    case "standing":
      return standing(state, event);
    case "leaving":
      return event.type === "left"
        ? [{ in: "registering", failures: state.failures }, [{ do: "register" }]]
        : [state, []];
    case "closed":
      return [state, []];
  }
};

function standing(state: AffiliationState, event: Event): Step {
  switch (event.type) {
    // The INVITE came before the registration did.
    case "registered":
      return [state, [{ do: "subscribe" }]];
    // It may come again by itself.
    case "ended":
      return wait(0, []);
    case "lost":
      return leave(0, "the server gives no sign of life");
    case "start":
    case "session":
    case "left":
    case "close":
    case "expiry":
      return [state, []];
  }
}

function wait(failures: number, effects: readonly AffiliationEffect[]): Step {
  const ms = Math.min(inviteMs * 2 ** failures, longestInviteMs);
  return [{ in: "waiting", failures }, [...effects, { start: "invite", ms }]];
}

function leave(failures: number, why: string): Step {
  return [{ in: "leaving", failures }, [{ do: "leave", why }]];
}

function closed(state: AffiliationState): Step {
  if (state.in === "closed") return [state, []];
  return [{ in: "closed" }, [{ stop: "invite" }, { do: "leave", why: "closed" }]];
}
