/** The INVITE client transaction: RFC 3261 §17.1.1, with the Accepted state of RFC 6026 §7.2. */
import type { Machine } from "../machine.ts";
import type { SipResponse } from "./message.ts";
import { type ClientEffect, type ClientEvent, lingering, patience, t1, terminated } from "./transaction.ts";

export type InviteClientState =
  | { readonly in: "initial" }
  /** `interval`: timer A as it was last set, ms. */
  | { readonly in: "calling"; readonly interval: number }
  | { readonly in: "proceeding" }
  | { readonly in: "accepted" }
  | { readonly in: "completed" }
  | { readonly in: "terminated" };

/** `timerCancelled` has no letter in the standard: §9.1 gives a cancelled INVITE 64*T1 to be answered. */
export type InviteClientTimer = "timerA" | "timerB" | "timerD" | "timerM" | "timerCancelled";

type InviteClient = Machine<InviteClientState, ClientEvent, ClientEffect, InviteClientTimer>;
type Event = Parameters<InviteClient>[1];
type Step = ReturnType<InviteClient>;

const end: Step = [terminated, [{ do: "forget" }]];

/** `reliable`: the transport loses nothing (TCP), so that nothing is sent twice and little is waited for. */
export function inviteClient(reliable: boolean): InviteClient {
  return (state, event) => {
    switch (state.in) {
      case "initial":
        return event.type === "start" ? called() : [state, []];
      case "calling":
      case "proceeding":
        return unanswered(state, event);
      case "accepted":
        // RFC 6026 §7.2: every 2xx, of this callee or of another branch, goes up until timer M.
        if (event.type === "response" && event.response.status >= 200 && event.response.status < 300)
          return [state, [{ do: "pass", response: event.response }]];
        return event.type === "expiry" && event.timer === "timerM" ? end : [state, []];
      case "completed":
        if (event.type === "response" && event.response.status >= 300)
          return [state, [{ do: "acknowledge", response: event.response }]];
        if (event.type === "transport-error") return end;
        return event.type === "expiry" && event.timer === "timerD" ? end : [state, []];
      case "terminated":
        return [state, []];
    }
  };

  function called(): Step {
    const repeat = reliable ? [] : [{ start: "timerA", ms: t1 } as const];
    return [{ in: "calling", interval: t1 }, [{ start: "timerB", ms: patience }, ...repeat, { do: "send" }]];
  }

  function unanswered(state: InviteClientState & { in: "calling" | "proceeding" }, event: Event): Step {
    switch (event.type) {
      case "start":
        return [state, []];
      case "response":
        return answered(event.response);
      case "cancelled":
        return [state, [{ start: "timerCancelled", ms: patience }]];
      case "transport-error":
        return [terminated, [{ do: "forget" }, { do: "fail", status: 503 }]];
      case "expiry":
        if (event.timer === "timerCancelled") return [terminated, [{ do: "forget" }, { do: "fail", status: 408 }]];
        // RFC 3261 §17.1.1.2: only Calling repeats the request and gives up; Proceeding waits for the callee.
        if (state.in === "proceeding") return [state, []];
        if (event.timer === "timerB") return [terminated, [{ do: "forget" }, { do: "fail", status: 408 }]];
        return event.timer === "timerA" ? again(state.interval * 2) : [state, []];
    }
  }

  function again(interval: number): Step {
    return [{ in: "calling", interval }, [{ do: "send" }, { start: "timerA", ms: interval }]];
  }

  function answered(response: SipResponse): Step {
    const pass = { do: "pass", response } as const;
    const settle = [{ stop: "timerA" }, { stop: "timerB" }] as const;
    if (response.status < 200) return [{ in: "proceeding" }, [...settle, pass]];
    if (response.status < 300) return [{ in: "accepted" }, [...settle, { start: "timerM", ms: patience }, pass]];
    const linger = { start: "timerD", ms: reliable ? 0 : lingering } as const;
    return [{ in: "completed" }, [...settle, linger, { do: "acknowledge", response }, pass]];
  }
}
