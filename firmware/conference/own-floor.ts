/**
 * The floor of one terminal in a talkgroup where everybody may talk at once (TS 23.379 §10.9.1.3: several talk simultaneously): it is
 * granted when it is asked for, whoever else talks, and is still a lease. A stuck button is cut by T2, a dead talker by T1, and after a
 * cut the button must be let go before it works again. Pure.
 */
import { denyCause, type FloorMessage, revokeCause } from "../floor/message.ts";
import type { Machine, TimerEffect } from "../machine.ts";

export type OwnFloorState =
  | { readonly in: "silent" }
  | { readonly in: "talking" }
  /** `open`: it may finish its word. */
  | { readonly in: "cut"; readonly open: boolean };

export type OwnFloorEvent =
  | { readonly type: "request"; readonly priority: number; readonly mayTalk: boolean }
  | { readonly type: "release" }
  /** Its media arrives. Sent now and then while it does. */
  | { readonly type: "media" };

/** "tell-state": it is told what the others do. */
export type OwnFloorEffect = { readonly do: "tell"; readonly message: FloorMessage } | { readonly do: "tell-state" };
export type OwnFloorTimer = "T1" | "T2" | "T3";

/** T1, T2 and T3 of TS 24.380 §11, ms. */
export interface OwnFloorLimits {
  readonly endOfMediaMs: number;
  readonly talkMs: number;
  readonly graceMs: number;
}

type OwnFloor = Machine<OwnFloorState, OwnFloorEvent, OwnFloorEffect, OwnFloorTimer>;
type Step = ReturnType<OwnFloor>;
type Effects = readonly (OwnFloorEffect | TimerEffect<OwnFloorTimer>)[];

export const ownFloorInitial: OwnFloorState = { in: "silent" };

/** Whether what the terminal sends is heard. */
export const isOpen = (state: OwnFloorState): boolean => state.in === "talking" || (state.in === "cut" && state.open);

const tell = (message: FloorMessage): OwnFloorEffect => ({ do: "tell", message });
const revoke = (cause: number): OwnFloorEffect => tell({ type: "revoke", cause });

export function ownFloor(limits: OwnFloorLimits): OwnFloor {
  const granted = (priority: number): OwnFloorEffect =>
    tell({ type: "granted", durationS: Math.ceil(limits.talkMs / 1000), priority });
  const silent = (...effects: Effects): Step => [
    { in: "silent" },
    [{ stop: "T1" }, { stop: "T2" }, { stop: "T3" }, ...effects],
  ];

  function talking(state: OwnFloorState, event: Parameters<OwnFloor>[1]): Step {
    switch (event.type) {
      // Its Granted was lost.
      case "request":
        return [state, [granted(event.priority)]];
      case "release":
        return silent({ do: "tell-state" });
      case "media":
        return [state, [{ start: "T1", ms: limits.endOfMediaMs }]];
      case "expiry":
        if (event.timer === "T1") return silent({ do: "tell-state" });
        if (event.timer === "T3") return [state, []];
        return [
          { in: "cut", open: true },
          [{ stop: "T1" }, { start: "T3", ms: limits.graceMs }, revoke(revokeCause.tooLong)],
        ];
    }
  }

  return (state, event) => {
    switch (state.in) {
      case "silent":
        if (event.type === "release") return [state, [{ do: "tell-state" }]];
        if (event.type !== "request") return [state, []];
        if (!event.mayTalk) return [state, [tell({ type: "deny", cause: denyCause.receiveOnly })]];
        return [
          { in: "talking" },
          [granted(event.priority), { start: "T1", ms: limits.endOfMediaMs }, { start: "T2", ms: limits.talkMs }],
        ];
      case "talking":
        return talking(state, event);
      case "cut":
        if (event.type === "release") return silent({ do: "tell-state" });
        if (event.type === "request")
          return [
            state,
            [state.open ? revoke(revokeCause.tooLong) : tell({ type: "deny", cause: denyCause.retryAfter })],
          ];
        if (event.type === "expiry" && event.timer === "T3") return [{ in: "cut", open: false }, []];
        return [state, []];
    }
  };
}
