/**
 * The life of one pre-established session: provisioned, offered to the terminal by INVITE, confirmed, and then there until the
 * subscription ends. Pure. Whatever breaks it is followed by another try, for as long as somebody wants it: a session that is
 * missing is a foreman who is not heard.
 */
import type { Machine } from "../machine.ts";
import { backoff } from "../sip/backoff.ts";

export type SessionState =
  /** The conference server is asked for a leg. */
  | { readonly in: "provisioning"; readonly failures: number }
  /** The INVITE is with the terminal. */
  | { readonly in: "inviting"; readonly failures: number }
  /** The answer is with the conference server. */
  | { readonly in: "joining"; readonly failures: number }
  /**
   * `reachable`: a request would reach the terminal; its voice may come and go even if not. `doubted`: the terminal is being asked
   * whether it knows the session still.
   */
  | { readonly in: "standing"; readonly reachable: boolean; readonly doubted: boolean }
  | { readonly in: "waiting"; readonly failures: number }
  /** There is no way to the terminal until it is heard of again. */
  | { readonly in: "out-of-reach" }
  | { readonly in: "ended" };

/** `fraction`: jitter, [0, 1). */
export type SessionInput =
  | { readonly type: "start" }
  /** The terminal registers as one that has started anew, and may know nothing of what stood. */
  | { readonly type: "renewed" }
  /** It said whether it knows the session. */
  | { readonly type: "known" }
  | { readonly type: "unknown" }
  | { readonly type: "offer"; readonly sdp: string }
  | { readonly type: "answer"; readonly sdp: string }
  | { readonly type: "ready" }
  /** The terminal or the conference server said no, or hung up, or is gone. */
  | { readonly type: "failed"; readonly cause: SessionFailure; readonly fraction: number }
  /** The connection by which the terminal is reached is gone. */
  | { readonly type: "cut" }
  /** The terminal was heard of again. */
  | { readonly type: "reached" }
  | { readonly type: "end" };

export type SessionFailure = "refused" | "hung-up" | "lost";

export type SessionDeed =
  | { readonly do: "provision" }
  | { readonly do: "invite"; readonly sdp: string }
  | { readonly do: "join"; readonly sdp: string }
  /** Asks the terminal whether it knows the session. */
  | { readonly do: "ask" }
  /** Ends the dialog, if one is open, and gives the leg back. */
  | { readonly do: "clear" }
  | { readonly do: "up" }
  | { readonly do: "down" };

/** "answer": how long the conference server or the terminal may take. */
export type SessionTimer = "answer" | "retry";

type Sessions = Machine<SessionState, SessionInput, SessionDeed, SessionTimer>;
type Step = ReturnType<Sessions>;

const provisionMs = 5_000;
/** A phone without auto-answer rings so long, and is then asked again later. */
const ringMs = 30_000;
/** Of a terminal that has just registered; without an answer the session is as good as dead. */
const knownMs = 4_000;
/** Somebody who hangs up is left alone for a while: as after so many failures in a row. */
const hangUpFailures = 4;

export const initialSession: SessionState = { in: "provisioning", failures: 0 };

export const sessionMachine: Sessions = (state, event) => {
  if (state.in === "ended") return [state, []];
  switch (event.type) {
    case "start":
      return restart(state);
    case "renewed":
      if (state.in !== "standing") return restart(state);
      return [
        { in: "standing", reachable: true, doubted: true },
        state.doubted ? [] : [{ do: "ask" }, { start: "answer", ms: knownMs }],
      ];
    case "known":
      return isDoubted(state) ? [{ ...state, doubted: false }, [{ stop: "answer" }]] : [state, []];
    case "unknown":
      return isDoubted(state) ? restart(state) : [state, []];
    case "end":
      return [{ in: "ended" }, [{ stop: "answer" }, { stop: "retry" }, ...down(state), { do: "clear" }]];
    case "failed":
      return fail(state, event.cause, event.fraction);
    case "cut":
      if (state.in === "standing")
        return [{ in: "standing", reachable: false, doubted: false }, state.doubted ? [{ stop: "answer" }] : []];
      return state.in === "out-of-reach" ? [state, []] : lose(state);
    case "reached":
      if (state.in === "standing") return [{ ...state, reachable: true }, []];
      return state.in === "out-of-reach" ? provision(0) : [state, []];
    case "expiry":
      if (event.timer === "retry") return state.in === "waiting" ? provision(state.failures) : [state, []];
      if (isDoubted(state)) return restart(state);
      return isAsking(state) ? fail(state, "refused", 0.5) : [state, []];
    case "offer":
      if (state.in !== "provisioning") return [state, []];
      return [
        { ...state, in: "inviting" },
        [
          { do: "invite", sdp: event.sdp },
          { start: "answer", ms: ringMs },
        ],
      ];
    case "answer":
      if (state.in !== "inviting") return [state, []];
      return [
        { ...state, in: "joining" },
        [
          { do: "join", sdp: event.sdp },
          { start: "answer", ms: provisionMs },
        ],
      ];
    case "ready":
      if (state.in !== "joining") return [state, []];
      return [{ in: "standing", reachable: true, doubted: false }, [{ stop: "answer" }, { do: "up" }]];
  }
};

type Asking = Extract<SessionState, { readonly in: "provisioning" | "inviting" | "joining" }>;

function isAsking(state: SessionState): state is Asking {
  return state.in === "provisioning" || state.in === "inviting" || state.in === "joining";
}

function isDoubted(state: SessionState): state is Extract<SessionState, { readonly in: "standing" }> {
  return state.in === "standing" && state.doubted;
}

/** Whatever stood is dead. */
function restart(state: SessionState): Step {
  return then(provision(0), down(state));
}

/** A terminal that cannot be reached is not tried: whoever has its address by now may be somebody else. */
function lose(state: SessionState): Step {
  return [{ in: "out-of-reach" }, [...down(state), { do: "clear" }, { stop: "answer" }, { stop: "retry" }]];
}

function provision(failures: number): Step {
  return [
    { in: "provisioning", failures },
    [{ do: "clear" }, { stop: "retry" }, { do: "provision" }, { start: "answer", ms: provisionMs }],
  ];
}

function down(state: SessionState): readonly SessionDeed[] {
  return state.in === "standing" ? [{ do: "down" }] : [];
}

function then([state, effects]: Step, before: readonly SessionDeed[]): Step {
  return [state, [...before, ...effects]];
}

function fail(state: SessionState, cause: SessionFailure, fraction: number): Step {
  if (!isAsking(state) && state.in !== "standing") return [state, []];
  if (state.in === "standing" && !state.reachable) return lose(state);
  const before = state.in === "standing" ? 0 : state.failures;
  const failures = cause === "hung-up" ? Math.max(before, hangUpFailures) : before + 1;
  return [
    { in: "waiting", failures },
    [...down(state), { do: "clear" }, { stop: "answer" }, { start: "retry", ms: backoff(failures, fraction) }],
  ];
}
