/**
 * What a terminal is told of the call that its pre-established session serves (TS 24.380 §9.3): each Connect and Disconnect
 * again and again until it is acknowledged, a few times at most. Pure. The terminal's answer decides nothing: who may be in a
 * call was decided before.
 */
import type { SessionMessage } from "../floor/session-message.ts";
import type { Machine, TimerEffect } from "../machine.ts";

type Told<Type extends SessionMessage["type"]> = {
  readonly message: Extract<SessionMessage, { readonly type: Type }>;
  readonly sent: number;
};

/** What is not acknowledged yet: the last of each. */
export interface SessionCallState {
  readonly connect?: Told<"connect">;
  readonly disconnect?: Told<"disconnect">;
}

export type SessionCallEvent =
  | { readonly type: "tell"; readonly message: Exclude<SessionMessage, { readonly type: "acknowledgement" }> }
  | { readonly type: "acknowledged"; readonly session: string };
export type SessionCallEffect = { readonly do: "send"; readonly message: SessionMessage };
export type SessionCallTimer = "connect" | "disconnect";

const againMs = 1_000;
const tries = 3;

type Effects = readonly (SessionCallEffect | TimerEffect<SessionCallTimer>)[];

export const sessionCall: Machine<SessionCallState, SessionCallEvent, SessionCallEffect, SessionCallTimer> = (
  state,
  event,
) => {
  const send = (message: SessionMessage, timer: SessionCallTimer): Effects => [
    { do: "send", message },
    { start: timer, ms: againMs },
  ];

  switch (event.type) {
    case "tell": {
      const { message } = event;
      const told = { message, sent: 1 };
      // It is back in a call that it was told it had left: only the last word counts.
      const other = message.type === "connect" ? "disconnect" : "connect";
      const undone = state[other]?.message.session === message.session;
      const { [other]: _, ...rest } = state;
      return [
        { ...(undone ? rest : state), [message.type]: told },
        [...(undone ? [{ stop: other } as const] : []), ...send(message, message.type)],
      ];
    }
    case "acknowledged": {
      const { connect, disconnect } = state;
      const stands = <Type extends SessionMessage["type"]>(told: Told<Type> | undefined) =>
        told !== undefined && told.message.session !== event.session;
      return [
        { ...(connect && stands(connect) && { connect }), ...(disconnect && stands(disconnect) && { disconnect }) },
        [
          ...(stands(connect) ? [] : [{ stop: "connect" } as const]),
          ...(stands(disconnect) ? [] : [{ stop: "disconnect" } as const]),
        ],
      ];
    }
    case "expiry": {
      const told = state[event.timer];
      if (!told || told.sent >= tries) {
        const { [event.timer]: _, ...rest } = state;
        return [rest, []];
      }
      return [{ ...state, [event.timer]: { ...told, sent: told.sent + 1 } }, send(told.message, event.timer)];
    }
  }
};
