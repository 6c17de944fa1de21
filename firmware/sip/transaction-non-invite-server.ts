/** The server transaction of every method but INVITE: RFC 3261 §17.2.2. */
import type { Machine } from "../machine.ts";
import { patience, type ServerEffect, type ServerEvent, terminated } from "./transaction.ts";

export type NonInviteServerState =
  | { readonly in: "initial" }
  | { readonly in: "trying" }
  | { readonly in: "proceeding"; readonly last: Uint8Array }
  | { readonly in: "completed"; readonly final: Uint8Array }
  | { readonly in: "terminated" };

/**
 * `timerAbandoned` has no letter in the standard: after 64*T1 the client's timer F has fired, and RFC 4320 §4.2
 * forbids to answer any more, so that a request nobody answers does not stay for ever.
 */
export type NonInviteServerTimer = "timerJ" | "timerAbandoned";

type NonInviteServer = Machine<NonInviteServerState, ServerEvent, ServerEffect, NonInviteServerTimer>;
type Event = Parameters<NonInviteServer>[1];
type Step = ReturnType<NonInviteServer>;

const end: Step = [terminated, [{ do: "forget" }]];

/** `reliable`: the transport loses nothing (TCP), so that nothing is sent twice and little is waited for. */
export function nonInviteServer(reliable: boolean): NonInviteServer {
  return (state, event) => {
    switch (state.in) {
      case "initial":
        if (event.type !== "start") return [state, []];
        return [{ in: "trying" }, [{ start: "timerAbandoned", ms: patience }]];
      case "trying":
      case "proceeding":
        return unanswered(state, event);
      case "completed":
        return answered(state, event);
      case "terminated":
        return [state, []];
    }
  };

  function unanswered(state: NonInviteServerState & { in: "trying" | "proceeding" }, event: Event): Step {
    switch (event.type) {
      case "start":
      case "ack":
        return [state, []];
      case "request":
        return [state, state.in === "proceeding" ? [{ do: "send", data: state.last }] : []];
      case "respond":
        return answer(event.status, event.data);
      case "transport-error":
        return end;
      case "expiry":
        return event.timer === "timerAbandoned" ? end : [state, []];
    }
  }

  function answer(status: number, data: Uint8Array): Step {
    const send = { do: "send", data } as const;
    if (status < 200) return [{ in: "proceeding", last: data }, [send]];
    const linger = { start: "timerJ", ms: reliable ? 0 : patience } as const;
    return [{ in: "completed", final: data }, [{ stop: "timerAbandoned" }, linger, send]];
  }

  function answered(state: NonInviteServerState & { in: "completed" }, event: Event): Step {
    switch (event.type) {
      case "start":
      case "ack":
      case "respond":
        return [state, []];
      case "request":
        return [state, [{ do: "send", data: state.final }]];
      case "transport-error":
        return end;
      case "expiry":
        return event.timer === "timerJ" ? end : [state, []];
    }
  }
}
