/** A switch: it is on or off, and a change counts once the contact has stayed so for `settleMs`. Pure. Nobody is in a hurry with it. */
import type { Machine } from "../machine.ts";

export interface SwitchState {
  /** As it was last told. */
  readonly on: boolean;
  readonly contact: boolean;
}

export interface SwitchEdge {
  readonly type: "edge";
  readonly closed: boolean;
}

export interface SwitchEffect {
  readonly do: "turn";
  readonly on: boolean;
}

export const switchAtStart = (closed: boolean): SwitchState => ({ on: closed, contact: closed });

/** `settleMs`: longer than any contact bounces. */
export function toggleSwitch(settleMs: number): Machine<SwitchState, SwitchEdge, SwitchEffect, "settle"> {
  return (state, event) => {
    const { on, contact } = state;
    if (event.type === "edge") return [{ on, contact: event.closed }, [{ start: "settle", ms: settleMs }]];
    return on === contact ? [state, []] : [{ on: contact, contact }, [{ do: "turn", on: contact }]];
  };
}
