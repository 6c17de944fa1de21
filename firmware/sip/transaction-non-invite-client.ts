/** The client transaction of every method but INVITE: RFC 3261 §17.1.2. */
import type { Machine } from "../machine.ts";
import type { SipResponse } from "./message.ts";
import { type ClientEffect, type ClientEvent, patience, t1, t2, t4, terminated } from "./transaction.ts";

export type NonInviteClientState =
  | { readonly in: "initial" }
  /** `interval`: timer E as it was last set, ms. */
  | { readonly in: "trying"; readonly interval: number }
  | { readonly in: "proceeding" }
  | { readonly in: "completed" }
  | { readonly in: "terminated" };

export type NonInviteClientTimer = "timerE" | "timerF" | "timerK";

type NonInviteClient = Machine<NonInviteClientState, ClientEvent, ClientEffect, NonInviteClientTimer>;
type Event = Parameters<NonInviteClient>[1];
type Step = ReturnType<NonInviteClient>;

/** `reliable`: the transport loses nothing (TCP), so that nothing is sent twice and little is waited for. */
export function nonInviteClient(reliable: boolean): NonInviteClient {
  return (state, event) => {
    switch (state.in) {
      case "initial":
        return event.type === "start" ? asked() : [state, []];
      case "trying":
      case "proceeding":
        return unanswered(state, event);
      case "completed":
        return event.type === "expiry" && event.timer === "timerK" ? [terminated, [{ do: "forget" }]] : [state, []];
      case "terminated":
        return [state, []];
    }
  };

  function asked(): Step {
    const repeat = reliable ? [] : [{ start: "timerE", ms: t1 } as const];
    return [{ in: "trying", interval: t1 }, [{ start: "timerF", ms: patience }, ...repeat, { do: "send" }]];
  }

  function unanswered(state: NonInviteClientState & { in: "trying" | "proceeding" }, event: Event): Step {
    switch (event.type) {
      case "start":
      case "cancelled":
        return [state, []];
      case "response":
        return answered(event.response);
      case "transport-error":
        return [terminated, [{ do: "forget" }, { do: "fail", status: 503 }]];
      case "expiry":
        if (event.timer === "timerF") return [terminated, [{ do: "forget" }, { do: "fail", status: 408 }]];
        return event.timer === "timerE" ? again(state) : [state, []];
    }
  }

  /** RFC 3261 §17.1.2.2: intervals double up to T2; after a provisional answer they are T2. */
  function again(state: NonInviteClientState & { in: "trying" | "proceeding" }): Step {
    const interval = state.in === "trying" ? Math.min(state.interval * 2, t2) : t2;
    const next = state.in === "trying" ? ({ in: "trying", interval } as const) : state;
    return [next, [{ do: "send" }, { start: "timerE", ms: interval }]];
  }

  function answered(response: SipResponse): Step {
    const pass = { do: "pass", response } as const;
    if (response.status < 200) return [{ in: "proceeding" }, [pass]];
    const linger = { start: "timerK", ms: reliable ? 0 : t4 } as const;
    return [{ in: "completed" }, [{ stop: "timerE" }, { stop: "timerF" }, linger, pass]];
  }
}
