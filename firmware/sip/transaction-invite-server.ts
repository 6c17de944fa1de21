/** The INVITE server transaction: RFC 3261 §17.2.1, with the Accepted state of RFC 6026 §7.1. */
import type { Machine } from "../machine.ts";
import { patience, type ServerEffect, type ServerEvent, t1, t2, t4, terminated, tryingAfter } from "./transaction.ts";

export type InviteServerState =
  | { readonly in: "initial" }
  /** `last`: the latest provisional answer, sent again for a repeated INVITE. */
  | { readonly in: "proceeding"; readonly last?: Uint8Array }
  | { readonly in: "accepted" }
  /** `interval`: timer G as it was last set, ms. */
  | { readonly in: "completed"; readonly final: Uint8Array; readonly interval: number }
  | { readonly in: "confirmed" }
  | { readonly in: "terminated" };

/** `timerTrying` has no letter in the standard: it makes the 100 that stops the caller's repeats. */
export type InviteServerTimer = "timerG" | "timerH" | "timerI" | "timerL" | "timerTrying";

type InviteServer = Machine<InviteServerState, ServerEvent, ServerEffect, InviteServerTimer>;
type Event = Parameters<InviteServer>[1];
type Step = ReturnType<InviteServer>;

const end: Step = [terminated, [{ do: "forget" }]];

/** `reliable`: the transport loses nothing (TCP), so that nothing is sent twice and little is waited for. */
export function inviteServer(reliable: boolean): InviteServer {
  return (state, event) => {
    switch (state.in) {
      case "initial":
        if (event.type !== "start") return [state, []];
        return [{ in: "proceeding" }, [{ start: "timerTrying", ms: tryingAfter }]];
      case "proceeding":
        return unanswered(state, event);
      case "accepted":
        // RFC 6026 §7.1: repeated INVITEs end here; the user of the transaction repeats its 2xx through it.
        if (event.type === "respond" && event.status >= 200 && event.status < 300)
          return [state, [{ do: "send", data: event.data }]];
        return event.type === "expiry" && event.timer === "timerL" ? end : [state, []];
      case "completed":
        return refused(state, event);
      case "confirmed":
        return event.type === "expiry" && event.timer === "timerI" ? end : [state, []];
      case "terminated":
        return [state, []];
    }
  };

  function unanswered(state: InviteServerState & { in: "proceeding" }, event: Event): Step {
    switch (event.type) {
      case "start":
      case "ack":
        return [state, []];
      case "request":
        return [state, state.last ? [{ do: "send", data: state.last }] : []];
      case "respond":
        return answer(state, event.status, event.data);
      case "transport-error":
        return end;
      case "expiry":
        return [state, event.timer === "timerTrying" && !state.last ? [{ do: "trying" }] : []];
    }
  }

  function answer(state: InviteServerState & { in: "proceeding" }, status: number, data: Uint8Array): Step {
    const send = { do: "send", data } as const;
    const settle = { stop: "timerTrying" } as const;
    if (status < 200) return [{ in: "proceeding", last: data }, [settle, send]];
    if (status < 300) return [{ in: "accepted" }, [settle, { start: "timerL", ms: patience }, send]];
    // A refusal may hit a forged sender, and a challenge always may (§26.3.2.4): these are sent again only to a repeated
    // INVITE. Nothing is lost by it, for a caller that has heard nothing repeats it as often as timer G would (timer A).
    const unheard = state.last === undefined;
    const once = reliable || unheard || status === 401 || status === 407;
    const repeat = once ? [] : [{ start: "timerG", ms: t1 } as const];
    return [
      { in: "completed", final: data, interval: t1 },
      [settle, { start: "timerH", ms: patience }, ...repeat, send],
    ];
  }

  function refused(state: InviteServerState & { in: "completed" }, event: Event): Step {
    switch (event.type) {
      case "start":
      case "respond":
        return [state, []];
      case "request":
        return [state, [{ do: "send", data: state.final }]];
      case "ack": {
        const linger = { start: "timerI", ms: reliable ? 0 : t4 } as const;
        return [{ in: "confirmed" }, [{ stop: "timerG" }, { stop: "timerH" }, linger]];
      }
      case "transport-error":
        return end;
      case "expiry": {
        if (event.timer === "timerH") return end;
        if (event.timer !== "timerG") return [state, []];
        const interval = Math.min(state.interval * 2, t2);
        return [
          { ...state, interval },
          [
            { do: "send", data: state.final },
            { start: "timerG", ms: interval },
          ],
        ];
      }
    }
  }
}
