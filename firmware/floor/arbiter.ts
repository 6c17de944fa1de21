/**
 * The arbiter: the floor control server of one call (TS 24.380 §6.3.4, "general floor control operation"). Decides who has
 * the floor, for how long, and who is told. It knows no sockets, no media and no other gateway: participants are keys, and
 * whoever runs it turns effects into messages and gates.
 *
 * After a Revoke the talker is blocked: its requests are answered by the Revoke again until it releases or T3 ends.
 * A talker that keys up again within `flutterMs` of its release goes on with the T2 it had.
 */
import type { Expiry, Machine, TimerEffect } from "../machine.ts";
import { denyCause, revokeCause } from "./message.ts";

/** A key: whoever runs the arbiter knows whom it names. */
export type Participant = string;

/** All in ms but `tries`. Timers and counters named as in TS 24.380 §11. */
export interface ArbiterLimits {
  /** T1: silence of the talker after which the floor is free. */
  readonly endOfMediaMs: number;
  /** T2: the longest talk burst. */
  readonly talkMs: number;
  /** T3: how long a revoked talker may finish its word. */
  readonly graceMs: number;
  /** T3 while a higher priority waits; shorter than the time that a participant keeps asking. */
  readonly preemptMs: number;
  /** T4: idle time after which the call is un-bridged (hang time). */
  readonly hangMs: number;
  /** T7: Idle is repeated. */
  readonly idleMs: number;
  /** T8: Revoke is repeated. */
  readonly revokeMs: number;
  /** T20: Granted is repeated until its talker is heard or acknowledges. */
  readonly grantedMs: number;
  /** An unkey shorter than this does not give the talker a new T2. */
  readonly flutterMs: number;
  /** C7, C8, C20: how often each of Idle, Revoke and Granted is sent at most. */
  readonly tries: number;
}

export const arbiterDefaults: ArbiterLimits = {
  endOfMediaMs: 4000,
  talkMs: 30_000,
  graceMs: 3000,
  preemptMs: 1000,
  hangMs: 10_000,
  idleMs: 1000,
  revokeMs: 1000,
  grantedMs: 1000,
  flutterMs: 300,
  tries: 3,
};

interface Burst {
  readonly talker: Participant;
  /** The identity shown to people. */
  readonly party: string;
  /** 0..255; only a higher one pre-empts. */
  readonly priority: number;
}

export type ArbiterState =
  /** `lull`: who has just let go; T2 still runs for it, or is `spent`. */
  | {
      readonly in: "idle";
      readonly bridged: boolean;
      readonly told: number;
      readonly lull?: { readonly talker: Participant; readonly spent: boolean };
    }
  | ({ readonly in: "taken"; readonly told: number } & Burst)
  /** §6.3.4.5 pending Floor Revoke. `next` pre-empts. */
  | ({ readonly in: "revoking"; readonly told: number; readonly cause: number; readonly next?: Burst } & Burst);

export type ArbiterEvent =
  /** A participant appears; it learns the state of the floor (late entry). */
  | { readonly type: "join"; readonly participant: Participant }
  | { readonly type: "leave"; readonly participant: Participant }
  | {
      readonly type: "request";
      readonly from: Participant;
      readonly party: string;
      readonly priority: number;
      readonly mayTalk: boolean;
      /** Whether a priority above the talker's takes the floor. */
      readonly mayPreempt: boolean;
    }
  | { readonly type: "release"; readonly from: Participant }
  /** Media flows from a participant. Sent now and then while it does, well within T1. */
  | { readonly type: "media"; readonly from: Participant }
  /** A Granted was acknowledged. */
  | { readonly type: "acknowledge"; readonly from: Participant }
  /** A burst that another arbiter granted is ruled from here on. Whoever adopts has told everyone. */
  | { readonly type: "adopt"; readonly talker: Participant; readonly party: string; readonly priority: number }
  /** The burst that another arbiter granted has ended. */
  | { readonly type: "adopt-idle" }
  /** The present burst must end: a conflict was lost. */
  | { readonly type: "revoke"; readonly cause: number };

export type ArbiterEffect =
  /** The first grant after a silence longer than T4 … */
  | { readonly do: "bridge" }
  /** … and T4 is over. */
  | { readonly do: "unbridge" }
  /** `durationMs` is T2 as a whole, also where a burst goes on with the rest of it. */
  | { readonly do: "grant"; readonly to: Participant; readonly durationMs: number; readonly priority: number }
  | { readonly do: "deny"; readonly to: Participant; readonly cause: number }
  | { readonly do: "revoke"; readonly to: Participant; readonly cause: number }
  /** To everyone but the talker, whose gate opens. */
  | { readonly do: "taken"; readonly talker: Participant; readonly party: string; readonly priority: number }
  | {
      readonly do: "taken-to";
      readonly to: Participant;
      readonly talker: Participant;
      readonly party: string;
      readonly priority: number;
    }
  /** To everyone. */
  | { readonly do: "idle" }
  | { readonly do: "idle-to"; readonly to: Participant }
  /** The talker lost the floor: its gate closes behind what is in flight. */
  | { readonly do: "close-gate"; readonly talker: Participant };

export type ArbiterTimer = "T1" | "T2" | "T3" | "T4" | "T7" | "T8" | "T20" | "flutter";

export const arbiterInitial: ArbiterState = { in: "idle", bridged: false, told: 0 };

type Effects = readonly (ArbiterEffect | TimerEffect<ArbiterTimer>)[];
type Step = readonly [ArbiterState, Effects];
type In<Name extends ArbiterState["in"]> = Extract<ArbiterState, { readonly in: Name }>;
type Event = ArbiterEvent | Expiry<ArbiterTimer>;
type Request = Extract<ArbiterEvent, { readonly type: "request" }>;

const stop = (...timers: ArbiterTimer[]): Effects => timers.map((timer) => ({ stop: timer }));
const deny = (to: Participant, cause: number): ArbiterEffect => ({ do: "deny", to, cause });

export function arbiter(limits: ArbiterLimits): Machine<ArbiterState, ArbiterEvent, ArbiterEffect, ArbiterTimer> {
  const granted = ({ talker, priority }: Burst): ArbiterEffect => ({
    do: "grant",
    to: talker,
    durationMs: limits.talkMs,
    priority,
  });
  const lateEntry = (to: Participant, { talker, party, priority }: Burst): ArbiterEffect => ({
    do: "taken-to",
    to,
    talker,
    party,
    priority,
  });

  function grant({ talker, party, priority }: Burst, bridged: boolean, budget: "whole" | "rest"): Step {
    const burst: Burst = { talker, party, priority };
    return [
      { in: "taken", told: 1, ...burst },
      [
        ...(bridged ? [] : [{ do: "bridge" } as const]),
        granted(burst),
        { do: "taken", ...burst },
        ...stop("T3", "T4", "T7", "T8", "flutter"),
        { start: "T1", ms: limits.endOfMediaMs },
        { start: "T20", ms: limits.grantedMs },
        ...(budget === "whole" ? [{ start: "T2", ms: limits.talkMs } as const] : []),
      ],
    ];
  }

  function free(talker: Participant, lull?: In<"idle">["lull"]): Step {
    return [
      { in: "idle", bridged: true, told: 1, ...(lull && { lull }) },
      [
        { do: "close-gate", talker },
        { do: "idle" },
        ...stop("T1", "T3", "T8", "T20"),
        ...(lull ? [{ start: "flutter", ms: limits.flutterMs } as const] : stop("T2")),
        { start: "T4", ms: limits.hangMs },
        { start: "T7", ms: limits.idleMs },
      ],
    ];
  }

  function revoke({ talker, party, priority }: Burst, cause: number, next?: Burst): Step {
    return [
      { in: "revoking", told: 1, talker, party, priority, cause, ...(next && { next }) },
      [
        { do: "revoke", to: talker, cause },
        ...stop("T1", "T2", "T20"),
        { start: "T3", ms: next ? limits.preemptMs : limits.graceMs },
        { start: "T8", ms: limits.revokeMs },
      ],
    ];
  }

  /** The floor is another arbiter's ruling: a burst of our own that it displaces ends unsaid. */
  function adopt({ talker, party, priority }: Burst, bridged: boolean): Step {
    return [
      { in: "taken", told: limits.tries, talker, party, priority },
      [
        ...(bridged ? [] : [{ do: "bridge" } as const]),
        ...stop("T3", "T4", "T7", "T8", "T20", "flutter"),
        { start: "T1", ms: limits.endOfMediaMs },
        { start: "T2", ms: limits.talkMs },
      ],
    ];
  }

  function idle(state: In<"idle">, event: Event): Step {
    switch (event.type) {
      case "join":
        return [state, [{ do: "idle-to", to: event.participant }]];
      case "request": {
        if (!event.mayTalk) return [state, [deny(event.from, denyCause.receiveOnly)]];
        const again = state.lull?.talker === event.from;
        if (again && state.lull.spent) return [state, [deny(event.from, denyCause.retryAfter)]];
        return grant(claim(event), state.bridged, again ? "rest" : "whole");
      }
      // §6.3.5.7: who sends without the floor is told to stop; it may have missed that its burst has ended.
      case "media":
        // The last of its burst, still in flight.
        if (event.from === state.lull?.talker) return [state, []];
        return [state, [{ do: "revoke", to: event.from, cause: revokeCause.noPermission }]];
      case "adopt":
        return adopt(event, state.bridged);
      case "leave":
      case "release":
      case "acknowledge":
      case "adopt-idle":
      case "revoke":
        return [state, []];
      case "expiry":
        switch (event.timer) {
          case "T2":
            return [state.lull ? { ...state, lull: { ...state.lull, spent: true } } : state, []];
          case "T4":
            return [{ ...state, bridged: false }, [{ do: "unbridge" }]];
          case "T7":
            if (state.told >= limits.tries) return [state, []];
            return [{ ...state, told: state.told + 1 }, [{ do: "idle" }, { start: "T7", ms: limits.idleMs }]];
          case "flutter": {
            const { lull: _, ...rest } = state;
            return [rest, stop("T2")];
          }
          case "T1":
          case "T3":
          case "T8":
          case "T20":
            return [state, []];
        }
    }
  }

  function taken(state: In<"taken">, event: Event): Step {
    switch (event.type) {
      case "join":
        return [state, [lateEntry(event.participant, state)]];
      case "leave":
        return event.participant === state.talker ? free(state.talker) : [state, []];
      case "request": {
        // Its Granted was lost, or it asks for more urgency: §6.3.5.5.
        if (event.from === state.talker) {
          const same = { ...state, priority: event.priority };
          return [same, [granted(same)]];
        }
        if (!event.mayTalk) return [state, [deny(event.from, denyCause.receiveOnly)]];
        if (!preempts(event, state)) return [state, [deny(event.from, denyCause.taken)]];
        return revoke(state, revokeCause.preempted, claim(event));
      }
      case "release":
        return event.from === state.talker ? free(state.talker, { talker: state.talker, spent: false }) : [state, []];
      case "media":
        if (event.from !== state.talker)
          return [state, [{ do: "revoke", to: event.from, cause: revokeCause.noPermission }]];
        return [state, [{ start: "T1", ms: limits.endOfMediaMs }, { stop: "T20" }]];
      case "acknowledge":
        return [state, event.from === state.talker ? stop("T20") : []];
      case "adopt":
        return event.talker === state.talker ? [state, []] : adopt(event, true);
      case "adopt-idle":
        return free(state.talker);
      case "revoke":
        return revoke(state, event.cause);
      case "expiry":
        switch (event.timer) {
          case "T1":
            return free(state.talker);
          case "T2":
            return revoke(state, revokeCause.tooLong);
          case "T20":
            if (state.told >= limits.tries) return [state, []];
            return [{ ...state, told: state.told + 1 }, [granted(state), { start: "T20", ms: limits.grantedMs }]];
          case "T3":
          case "T4":
          case "T7":
          case "T8":
          case "flutter":
            return [state, []];
        }
    }
  }

  function revoking(state: In<"revoking">, event: Event): Step {
    const { next, talker, cause } = state;
    const again: ArbiterEffect = { do: "revoke", to: talker, cause };

    function ended(released: boolean): Step {
      if (next) {
        const [after, effects] = grant(next, true, "whole");
        return [after, [{ do: "close-gate", talker }, ...effects]];
      }
      return free(talker, released && cause === revokeCause.tooLong ? { talker, spent: true } : undefined);
    }
    function withdrawn(): Step {
      const { next: _, ...rest } = state;
      return [rest, []];
    }

    switch (event.type) {
      case "join":
        return [state, [lateEntry(event.participant, state)]];
      case "leave":
        if (event.participant === talker) return ended(false);
        return event.participant === next?.talker ? withdrawn() : [state, []];
      case "request":
        return contend(state, event, again);
      case "release":
        if (event.from === talker) return ended(true);
        return event.from === next?.talker ? withdrawn() : [state, []];
      case "adopt":
        return event.talker === talker ? [state, []] : adopt(event, true);
      case "adopt-idle":
        return ended(false);
      // The talker may finish its word; nobody else is listened to.
      case "media":
      case "acknowledge":
      case "revoke":
        return [state, []];
      case "expiry":
        switch (event.timer) {
          case "T3":
            return ended(false);
          case "T8":
            if (state.told >= limits.tries) return [state, []];
            return [{ ...state, told: state.told + 1 }, [again, { start: "T8", ms: limits.revokeMs }]];
          case "T1":
          case "T2":
          case "T4":
          case "T7":
          case "T20":
          case "flutter":
            return [state, []];
        }
    }
  }

  /** A request while the talker is being revoked: the highest priority above its own is next. */
  function contend(state: In<"revoking">, request: Request, again: ArbiterEffect): Step {
    const { from, mayTalk } = request;
    const { next, talker } = state;
    if (from === talker) return [state, [again]];
    // It waits already and asks again by T101; the end of the grace answers it.
    if (from === next?.talker) return [{ ...state, next: claim(request) }, []];
    if (!mayTalk) return [state, [deny(from, denyCause.receiveOnly)]];
    if (!preempts(request, next ?? state)) return [state, [deny(from, denyCause.taken)]];
    return [
      { ...state, next: claim(request) },
      next ? [deny(next.talker, denyCause.taken)] : [{ start: "T3", ms: limits.preemptMs }],
    ];
  }

  return (state, event) => {
    switch (state.in) {
      case "idle":
        return idle(state, event);
      case "taken":
        return taken(state, event);
      case "revoking":
        return revoking(state, event);
    }
  };
}

const preempts = ({ priority, mayPreempt }: Request, burst: Burst): boolean => mayPreempt && priority > burst.priority;
const claim = ({ from, party, priority }: Request): Burst => ({ talker: from, party, priority });
