/**
 * Whether a call is urgent, and by whom (TS 23.379 §10.6.2.6: emergency and imminent peril of a group). Pure, and the same at every gateway. What
 * another gateway tells of the call can raise it and never lower it: only that somebody says that it is over does, so that no message
 * that is lost, late or of a gateway that was cut off ends an emergency. It knows no rights: who may raise and end it was judged before.
 */
import type { Machine } from "../machine.ts";
import { isMoreUrgent, type Urgency } from "./urgency.ts";

export interface AlarmState {
  readonly urgency: Urgency;
  /** Identities of those who are known to have raised it; another gateway may know of more. */
  readonly by: readonly string[];
  /** It has just ended: what others say of it was said before. */
  readonly ended?: true;
}

export type AlarmEvent =
  | { readonly type: "raise"; readonly urgency: Urgency; readonly by: string }
  /** It is over for who raised it, or without `by` for all. */
  | { readonly type: "calm"; readonly by?: string }
  /** Another gateway says that the call is so urgent. */
  | { readonly type: "heard"; readonly urgency: Urgency };

export type AlarmEffect =
  /** It is another than it was. */
  | { readonly do: "tell"; readonly urgency: Urgency }
  /** The other gateways are to know of it. */
  | { readonly do: "announce" }
  /** It is over by itself, for all gateways. */
  | { readonly do: "lapse" };

/** "lapse": nobody has spoken of it for long. "recall": another gateway knows of no urgency, and has not said that it is over.
 * "late": what was on its way when it ended has arrived. */
export type AlarmTimer = "lapse" | "recall" | "late";

export const alarmInitial: AlarmState = { urgency: "normal", by: [] };

/** Whoever else raises it is not remembered, and cannot end it alone. */
const mostNamed = 32;
/** What is on its way between gateways takes no longer, ms. */
const lateMs = 2_000;
const recallMs = 3_000;

/** `lapseMs`: after so long without a word of it, it is over. 0: never. */
export function alarm(lapseMs: number): Machine<AlarmState, AlarmEvent, AlarmEffect, AlarmTimer> {
  const renew = lapseMs > 0 ? [{ start: "lapse", ms: lapseMs } as const] : [];
  const tell = (urgency: Urgency) => ({ do: "tell", urgency }) as const;
  const end = [{ stop: "lapse" }, { stop: "recall" }, { start: "late", ms: lateMs }] as const;
  const ended: AlarmState = { ...alarmInitial, ended: true };

  return (state, event) => {
    const { urgency, by } = state;
    switch (event.type) {
      case "raise": {
        if (event.urgency === "normal") return [state, []];
        const named = by.includes(event.by) || by.length >= mostNamed ? by : [...by, event.by];
        if (!isMoreUrgent(event.urgency, urgency)) return [{ urgency, by: named }, renew];
        return [{ urgency: event.urgency, by: named }, [...renew, tell(event.urgency)]];
      }
      case "heard":
        if (state.ended) return [state, []];
        if (isMoreUrgent(event.urgency, urgency))
          return [{ urgency: event.urgency, by }, [...renew, tell(event.urgency)]];
        if (urgency === "normal") return [state, []];
        if (event.urgency === urgency) return [state, [...renew, { stop: "recall" }]];
        return [state, [{ start: "recall", ms: recallMs }]];
      case "calm": {
        if (urgency === "normal") return [state, []];
        const left = event.by === undefined ? [] : by.filter((each) => each !== event.by);
        if (left.length > 0) return [{ urgency, by: left }, [{ do: "announce" }]];
        return [ended, [...end, tell("normal"), { do: "announce" }]];
      }
      case "expiry":
        if (event.timer === "late") return [{ urgency, by }, []];
        if (urgency === "normal") return [state, []];
        if (event.timer === "recall") return [state, [{ do: "announce" }]];
        return [ended, [...end, { do: "lapse" }, tell("normal"), { do: "announce" }]];
    }
  };
}
