/**
 * What a terminal is told of the call that its pre-established session serves (TS 24.380 §9.3): each Connect and Disconnect
 * again and again until it is acknowledged, a few times at most. Pure. The terminal's answer decides nothing: who may be in a
 * call was decided before.
 */
import { type SessionMessage, sessionType } from "../floor/session-message.ts";
import type { Machine, TimerEffect } from "../machine.ts";

/** A call as a terminal is told of it. */
export interface PresentCall {
  readonly talkgroup: string;
  /** A talkgroup that anybody may come into, rather than a call that somebody set up. */
  readonly standing: boolean;
  /** The identity of who called. */
  readonly caller?: string | undefined;
}

type Message<Type extends SessionMessage["type"]> = Extract<SessionMessage, { readonly type: Type }>;

/** A call is named in the domain of `user`, the terminal's (TS 24.379 §4.5). */
function identityOf({ talkgroup, standing }: PresentCall, user: string) {
  const domain = user.slice(user.indexOf("@") + 1);
  return { session: `sip:${talkgroup}@${domain}`, sessionType: standing ? sessionType.chat : sessionType.none };
}

export function disconnect(call: PresentCall, user: string): Message<"disconnect"> {
  return { type: "disconnect", ...identityOf(call, user) };
}

/** `lines`: the m= lines of the terminal's session. */
export function connect(
  call: PresentCall,
  user: string,
  lines: { readonly audio: number; readonly floor: number },
): Message<"connect"> {
  const identity = identityOf(call, user);
  return {
    type: "connect",
    ...identity,
    ...(call.standing && { group: identity.session }),
    audioLine: lines.audio,
    floorLine: lines.floor,
    ...(call.caller !== undefined && { caller: call.caller }),
  };
}

type Told<Type extends SessionMessage["type"]> = {
  readonly message: Message<Type>;
  readonly sent: number;
};

/** What is not acknowledged yet: the last of each. */
export interface SessionCallState {
  readonly connect?: Told<"connect">;
  readonly disconnect?: Told<"disconnect">;
}

export type SessionCallEvent =
  | { readonly type: "tell"; readonly message: Message<"connect" | "disconnect"> }
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
