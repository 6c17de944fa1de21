/**
 * What each move of the button and each answer of the server does to the state of a floor participant, to its timers and to its user. When
 * that is so is the participant's matter (participant.ts).
 */
import type { TimerEffect } from "../machine.ts";
import { denyCause, type FloorMessage, floorIndicator } from "./message.ts";
import type {
  Ask,
  ParticipantEffect,
  ParticipantLimits,
  ParticipantState,
  ParticipantTimer,
} from "./participant-state.ts";
import { isMoreUrgent, urgencyBit } from "./urgency.ts";

export type Effects = readonly (ParticipantEffect | TimerEffect<ParticipantTimer>)[];
export type Step = readonly [ParticipantState, Effects];
export type In<Name extends ParticipantState["in"]> = Extract<ParticipantState, { readonly in: Name }>;
type Told<Type extends FloorMessage["type"]> = Extract<FloorMessage, { readonly type: Type }>;

export const askOf = ({ priority, urgency }: Ask): Ask => ({ priority, ...(urgency && { urgency }) });
export const isMore = (ask: Ask, before: Ask): boolean =>
  isMoreUrgent(ask.urgency ?? "normal", before.urgency ?? "normal");

/** What is known of the call, whatever becomes of the button. */
export function known({ party, around }: ParticipantState): Pick<ParticipantState, "party" | "around"> {
  return { ...(party !== undefined && { party }), ...(around && { around }) };
}

export function then([state, effects]: Step, more: Effects): Step {
  return [state, [...effects, ...more]];
}

export function moves(limits: ParticipantLimits) {
  function request({ priority, urgency }: Ask): Effects {
    const indicator = urgency && urgency !== "normal" ? { indicator: urgencyBit[urgency] } : {};
    return [
      { do: "send", message: { type: "request", priority, ...indicator } },
      { start: "T101", ms: limits.T101 },
    ];
  }

  function release(ends?: true): Effects {
    const indicator = ends ? { indicator: floorIndicator.normal } : {};
    return [
      { do: "send", message: { type: "release", ...indicator }, acknowledge: true },
      { stop: "T101" },
      { stop: "T104" },
      { stop: "warning" },
      { start: "T100", ms: limits.T100 },
    ];
  }

  /** Someone else talks. */
  function listen(state: ParticipantState, party: string): Step {
    const renew = { start: "T103", ms: limits.T103 } as const;
    if (state.party === party) return [state, [renew]];
    return [{ ...state, party }, [{ do: "listening", party }, renew]];
  }

  /** Nobody talks. */
  function hush(state: ParticipantState): Step {
    if (state.party === undefined) return [state, []];
    const { party: _, ...rest } = state;
    return [rest, [{ do: "silence" }, { stop: "T103" }]];
  }

  const heard = (state: ParticipantState): Step => [
    state,
    state.party === undefined ? [] : [{ start: "T103", ms: limits.T103 }],
  ];

  function press(state: ParticipantState, ask: Ask): Step {
    return [
      { in: "pending-request", ...askOf(ask), sent: 1, ...known(state) },
      [...request(ask), { do: "capture" }, { stop: "T100" }],
    ];
  }

  /** Back to asking, with the button down: with more urgency, or because the server forgot. */
  function ask(state: ParticipantState, wanted: Ask): Step {
    return [
      { in: "pending-request", ...askOf(wanted), sent: 1, ...known(state) },
      [...request(wanted), { stop: "T104" }],
    ];
  }

  /** The request is taken back: it may have been granted, or be queued. */
  function withdraw(state: In<"pending-request"> | In<"queued">, held: boolean, effect: ParticipantEffect): Step {
    return [{ in: "pending-release", held, sent: 1, ...known(state) }, [effect, ...release()]];
  }

  /** Not talking, and the server knows. */
  function done(state: In<"pending-release">): ParticipantState {
    return { in: "no-permission", held: state.held, ...known(state) };
  }

  function disconnect(state: ParticipantState, held: boolean, effects: Effects): Step {
    const [after, hushed] = hush({ in: "no-permission", held, ...known(state) });
    const timers = (["T100", "T101", "T104", "warning"] as const).map((timer) => ({ stop: timer }));
    return [after, [...effects, ...hushed, ...timers]];
  }

  /** §6.2.4.4, and §6.2.4.9 with a button that is still down: nobody is asked any more whether to accept (T132). */
  function granted(state: In<"pending-request"> | In<"queued">, { durationS }: Told<"granted">): Step {
    const [, hushed] = hush(state);
    const { party: _, ...rest } = known(state);
    return [
      { in: "has-permission", ...askOf(state), sent: 0, warned: false, ...rest },
      [{ stop: "T101" }, { stop: "T104" }, ...hushed, { do: "talk" }, ...untilWarning(durationS)],
    ];
  }

  function untilWarning(durationS: number): Effects {
    if (limits.warningMs === 0 || durationS === 0) return [];
    return [{ start: "warning", ms: Math.max(0, durationS * 1000 - limits.warningMs) }];
  }

  function denied(state: In<"pending-request"> | In<"queued">, cause: number): Step {
    const effect: ParticipantEffect = { do: "denied", cause };
    // The server has not heard that the burst before was let go.
    if (cause === denyCause.retryAfter) return withdraw(state, true, effect);
    return [{ in: "no-permission", held: true, ...known(state) }, [{ stop: "T101" }, { stop: "T104" }, effect]];
  }

  /** The server speaks of a floor that is not ours: an old message that our Granted overtook, or a Revoke was lost. Asking tells. */
  function doubt(state: In<"has-permission">): Step {
    if (state.sent > 0) return [state, []];
    return [{ ...state, sent: 1 }, request(state)];
  }

  /** The floor is lost or let go; whoever was said to have it meanwhile is heard. */
  function leave(state: In<"has-permission">, held: boolean, effect: ParticipantEffect): Step {
    const { party, ...rest } = known(state);
    const released: ParticipantState = { in: "pending-release", held, sent: 1, ...rest };
    const [after, effects]: Step = party === undefined ? [released, []] : listen(released, party);
    return [after, [effect, ...release(), ...effects]];
  }

  return {
    ask,
    denied,
    disconnect,
    done,
    doubt,
    granted,
    heard,
    hush,
    leave,
    listen,
    press,
    release,
    request,
    untilWarning,
    withdraw,
  };
}
