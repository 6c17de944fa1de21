/** The session timer as a machine (RFC 4028 §7.4, §10): when this side refreshes a session, tries again, and gives it up. */
import type { Machine } from "../machine.ts";
import type { Terms } from "./session-terms.ts";

export type SessionTimerState =
  /** Nothing was agreed on: the session lasts until somebody ends it. */
  | { readonly in: "unlimited" }
  /** `asking`: a refresh of this side is on its way. */
  | { readonly in: "limited"; readonly terms: Terms; readonly asking: boolean }
  | { readonly in: "over" };
export type SessionTimerEvent =
  /** A 2xx, of either side: of this side's refresh if `answer`. */
  | { readonly type: "agreed"; readonly terms: Terms | undefined; readonly answer: boolean }
  /**
   * This side's refresh came to nothing. `longer`: what a 422 asked for, seconds. `retryAfter`: seconds. `owner`: this side chose the
   * Call-ID. `fraction`: uniform in [0, 1).
   */
  | {
      readonly type: "refused";
      readonly status: number;
      readonly longer: number | undefined;
      readonly retryAfter: number | undefined;
      readonly owner: boolean;
      readonly fraction: number;
    }
  | { readonly type: "end" };
export type SessionTimerEffect =
  | { readonly do: "refresh"; readonly seconds: number }
  /** BYE: nobody refreshed it, or the far end knows it no more. */
  | { readonly do: "give-up"; readonly cause: number };
export type SessionTimerTimer = "refresh" | "expiry";

type SessionTimer = Machine<SessionTimerState, SessionTimerEvent, SessionTimerEffect, SessionTimerTimer>;
type Step = ReturnType<SessionTimer>;
type Limited = SessionTimerState & { in: "limited" };

const stop = [{ stop: "refresh" }, { stop: "expiry" }] as const;
const over = { in: "over" } as const;
/** Between attempts that were refused for no known reason, s. */
const againSeconds = 10;

export const sessionTimer: SessionTimer = (state, event) => {
  if (state.in === "over") return [state, []];
  switch (event.type) {
    case "agreed":
      return agreed(state, event.terms, event.answer);
    case "refused":
      return state.in === "limited" ? refused({ ...state, asking: false }, event) : [state, []];
    case "end":
      return [over, stop];
    case "expiry":
      if (state.in === "unlimited") return [state, []];
      if (event.timer === "expiry") return [over, [...stop, { do: "give-up", cause: 408 }]];
      if (state.asking) return [state, []];
      return [{ ...state, asking: true }, [{ do: "refresh", seconds: state.terms.seconds }]];
  }
};

function agreed(state: SessionTimerState, terms: Terms | undefined, answer: boolean): Step {
  if (terms === undefined) return [{ in: "unlimited" }, stop];
  const { seconds, refreshes } = terms;
  const asking = state.in === "limited" && state.asking && !answer;
  // §10: both sides give up a little before the end, which is told to the other one.
  const expiry = { start: "expiry", ms: (seconds - Math.min(32, seconds / 3)) * 1_000 } as const;
  const refresh = refreshes ? ({ start: "refresh", ms: seconds * 500 } as const) : ({ stop: "refresh" } as const);
  return [{ in: "limited", terms, asking }, [expiry, refresh]];
}

function refused(state: Limited, event: SessionTimerEvent & { type: "refused" }): Step {
  const { status, longer, retryAfter = 0, owner, fraction } = event;
  // RFC 3261 §12.2.1.2: there is no session any more.
  if (status === 481 || status === 408) return [over, [...stop, { do: "give-up", cause: status }]];
  if (status === 422 && longer !== undefined && longer > state.terms.seconds)
    return [
      { ...state, asking: true, terms: { ...state.terms, seconds: longer } },
      [{ do: "refresh", seconds: longer }],
    ];
  // RFC 3261 §14.1: the two sides wait for different times, in steps of 10 ms.
  const glare = Math.floor(owner ? 210 + fraction * 191 : fraction * 201) * 10;
  const ms = status === 491 ? glare : Math.max(againSeconds, retryAfter) * 1_000;
  return [state, [{ start: "refresh", ms }]];
}
