/**
 * A push-to-talk button. Pure. The press counts at its first edge, so that debouncing costs no time; a release
 * counts once the contact has stayed open for `settleMs`. A button that is held at start-up (stuck, or a reboot in mid-press) does
 * nothing until it has been let go.
 */
import type { Machine } from "../machine.ts";

export type ButtonState =
  | { readonly in: "held-at-start" }
  | { readonly in: "up" }
  | { readonly in: "down" }
  /** The contact opened at `since`; it may be bounce. */
  | { readonly in: "opening"; readonly since: number; readonly from: "down" | "held-at-start" };

/** An edge of the contact, at a monotonic time in ms. */
export interface ContactEdge {
  readonly type: "edge";
  readonly closed: boolean;
  readonly at: number;
}

/** `at`: when the contact really moved, in monotonic ms. */
export type ButtonEffect =
  | { readonly do: "press"; readonly at: number }
  | { readonly do: "release"; readonly at: number };

export const buttonAtStart = (closed: boolean): ButtonState => ({ in: closed ? "held-at-start" : "up" });

/** `settleMs`: how long a contact must stay open to count as let go. Mechanical buttons bounce for 1 to 10 ms. */
export function button(settleMs: number): Machine<ButtonState, ContactEdge, ButtonEffect, "settle"> {
  return (state, event) => {
    switch (state.in) {
      case "up":
        if (event.type === "expiry" || !event.closed) return [state, []];
        return [{ in: "down" }, [{ do: "press", at: event.at }]];
      case "down":
      case "held-at-start":
        if (event.type === "expiry" || event.closed) return [state, []];
        return [{ in: "opening", since: event.at, from: state.in }, [{ start: "settle", ms: settleMs }]];
      case "opening":
        if (event.type === "edge") return event.closed ? [{ in: state.from }, [{ stop: "settle" }]] : [state, []];
        return [{ in: "up" }, state.from === "down" ? [{ do: "release", at: state.since }] : []];
    }
  };
}
