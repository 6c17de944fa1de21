/**
 * How the floor changes hands: what each ruling of the arbiter does to the state, to the timers and to those who are told. When it is
 * ruled so is the arbiter's matter (arbiter.ts).
 */
import type { TimerEffect } from "../machine.ts";
import type {
  ArbiterEffect,
  ArbiterLimits,
  ArbiterState,
  ArbiterTimer,
  Burst,
  Participant,
  Standing,
} from "./arbiter-state.ts";
import { type Claim, moved, type Queue, withdraw } from "./queue.ts";

export type Effects = readonly (ArbiterEffect | TimerEffect<ArbiterTimer>)[];
export type Step = readonly [ArbiterState, Effects];
export type In<Name extends ArbiterState["in"]> = Extract<ArbiterState, { readonly in: Name }>;

export const stop = (...timers: ArbiterTimer[]): Effects => timers.map((timer) => ({ stop: timer }));

export function rulings(limits: ArbiterLimits) {
  const { talkMs, talkWarningMs } = limits;
  const granted = ({ talker, priority }: Burst, waiting: number): ArbiterEffect => ({
    do: "grant",
    to: talker,
    durationMs: talkMs,
    priority,
    waiting,
  });
  const lateEntry = (to: Participant, { talker, party, priority }: Burst): ArbiterEffect => ({
    do: "taken-to",
    to,
    talker,
    party,
    priority,
  });
  const fullBurst: Effects = [
    { start: "T2", ms: talkMs },
    ...(talkWarningMs > 0 && talkWarningMs < talkMs
      ? [{ start: "warning", ms: talkMs - talkWarningMs } as const]
      : stop("warning")),
  ];

  /** Whoever has another place in the queue than before learns it, and who asks in any case. */
  function places(before: Queue, after: Queue, asking?: Participant): Effects {
    const waiting = after.length;
    return moved(before, after, asking).map(({ claim: { talker: to, priority }, position }) => ({
      ...{ do: "queued", to, position, priority, waiting },
    }));
  }

  /** No longer waits. Those behind move up. */
  function withdrawn<State extends ArbiterState>(state: State, participant: Participant): readonly [State, Effects] {
    const queue = withdraw(state.queue, participant);
    return [queue === state.queue ? state : { ...state, queue }, places(state.queue, queue)];
  }

  function grant(
    state: ArbiterState,
    { talker, party, priority }: Burst,
    bridged: boolean,
    budget: "whole" | "rest",
  ): Step {
    const burst: Burst = { talker, party, priority };
    const [after, told] = withdrawn(state, talker);
    return [
      { in: "taken", told: 1, ...burst, ...standing(after), ...originating(state, talker) },
      [
        ...(bridged ? [] : [{ do: "bridge" } as const]),
        granted(burst, after.queue.length),
        { do: "taken", ...burst },
        ...stop("T3", "T4", "T7", "T8", "flutter"),
        { start: "T1", ms: limits.endOfMediaMs },
        { start: "T20", ms: limits.grantedMs },
        ...(budget === "whole" ? fullBurst : []),
        ...told,
      ],
    ];
  }

  function originating({ originator }: Standing, talker: Participant): Pick<Standing, "originator"> {
    return limits.broadcast ? { originator: originator ?? talker } : {};
  }

  /** §6.3.4.3.2. The first in the queue gets the floor at once (§6.3.4.4.2). */
  function free(state: In<"taken"> | In<"revoking">, lull?: In<"idle">["lull"]): Step {
    const { talker } = state;
    const [first] = state.queue;
    if (first) {
      const [after, effects] = grant(state, first, true, "whole");
      return [after, [{ do: "close-gate", talker }, ...effects]];
    }
    return [
      { in: "idle", bridged: true, told: 1, ...standing(state), ...(lull && { lull }) },
      [
        { do: "close-gate", talker },
        { do: "idle" },
        ...stop("T1", "T3", "T8", "T20"),
        ...(lull ? [{ start: "flutter", ms: limits.flutterMs } as const] : stop("T2", "warning")),
        { start: "T4", ms: limits.hangMs },
        { start: "T7", ms: limits.idleMs },
      ],
    ];
  }

  /** The talker was cut off and has not let go. */
  function blocking<State extends ArbiterState>(state: State, talker: Participant): State {
    return { ...state, blocked: [...state.blocked.filter((each) => each !== talker), talker] };
  }

  const block: Effects = [{ start: "block", ms: limits.blockMs }];

  function cut(state: In<"taken"> | In<"revoking">): Step {
    const [after, effects] = free(blocking(state, state.talker));
    return [after, [...effects, ...block]];
  }

  function revoke({ talker, party, priority, ...state }: In<"taken">, cause: number, next?: Claim): Step {
    return [
      { ...standing(state), in: "revoking", told: 1, talker, party, priority, cause, ...(next && { next }) },
      [
        { do: "revoke", to: talker, cause },
        ...stop("T1", "T2", "T20", "warning"),
        { start: "T3", ms: next ? limits.preemptMs : limits.graceMs },
        { start: "T8", ms: limits.revokeMs },
      ],
    ];
  }

  /** The floor is another arbiter's ruling: a burst of our own that it displaces ends unsaid. */
  function adopt(state: ArbiterState, { talker, party, priority }: Burst, bridged: boolean): Step {
    const [after, told] = withdrawn(state, talker);
    return [
      {
        ...{ in: "taken", told: limits.tries, talker, party, priority },
        ...standing(after),
        ...originating(state, talker),
      },
      [
        ...(bridged ? [] : [{ do: "bridge" } as const]),
        ...stop("T3", "T4", "T7", "T8", "T20", "flutter"),
        { start: "T1", ms: limits.endOfMediaMs },
        ...fullBurst,
        ...told,
      ],
    ];
  }

  return { adopt, block, blocking, cut, free, grant, granted, lateEntry, places, revoke, withdrawn };
}

function standing({ queue, blocked, originator }: Standing): Standing {
  return { queue, blocked, ...(originator !== undefined && { originator }) };
}
