/** The server transaction of every method but INVITE until it is answered: RFC 3261 §17.2.2. Its answer is kept by others (answers.ts). */
import type { Machine } from "../machine.ts";
import { patience, type ServerEffect, type ServerEvent, terminated } from "./transaction.ts";

export type NonInviteServerState =
  | { readonly in: "initial" }
  | { readonly in: "trying" }
  | { readonly in: "proceeding"; readonly last: Uint8Array }
  | { readonly in: "terminated" };

/**
 * `timerAbandoned` has no letter in the standard: after 64*T1 the client's timer F has fired, and RFC 4320 §4.2
 * forbids to answer any more, so that a request nobody answers does not stay for ever.
 */
export type NonInviteServerTimer = "timerAbandoned";

type NonInviteServer = Machine<NonInviteServerState, ServerEvent, ServerEffect, NonInviteServerTimer>;
type Event = Parameters<NonInviteServer>[1];
type Step = ReturnType<NonInviteServer>;

const end: Step = [terminated, [{ do: "forget" }]];

export const nonInviteServer: NonInviteServer = (state, event) => {
  switch (state.in) {
    case "initial":
      if (event.type !== "start") return [state, []];
      return [{ in: "trying" }, [{ start: "timerAbandoned", ms: patience }]];
    case "trying":
    case "proceeding":
      return unanswered(state, event);
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
      return end;
  }
}

function answer(status: number, data: Uint8Array): Step {
  const send = { do: "send", data } as const;
  if (status < 200) return [{ in: "proceeding", last: data }, [send]];
  return [terminated, [{ stop: "timerAbandoned" }, send, { do: "forget" }]];
}
