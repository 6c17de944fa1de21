/**
 * Which of several talkgroups a terminal hears, one at a time. Pure. It is in one of them, its home; it hears another's burst while
 * nothing else is to be heard, and stays there until the conversation has paused for the hang time, so that an answer is heard as well;
 * only the group of priority cuts in. Who talks hears nothing else, and is then back at once for what has priority.
 * It knows names of talkgroups, no legs and no calls.
 */
import type { Machine, TimerEffect } from "../machine.ts";

interface Heard {
  /** What is heard now, or would be. */
  readonly tuned: string;
  /** Where somebody talks, in the order in which they began. */
  readonly active: readonly string[];
}

export type ScanState = Heard &
  (
    | { readonly in: "idle" }
    /** Somebody talks in `tuned`. */
    | { readonly in: "hearing" }
    /** Nobody does since less than the hang time. */
    | { readonly in: "hanging" }
    /** Its own user talks in `tuned`. */
    | { readonly in: "talking" }
  );

export type ScanEvent =
  /** Somebody begins to talk in a talkgroup, or nobody talks there any more. */
  | { readonly type: "burst"; readonly group: string }
  | { readonly type: "quiet"; readonly group: string }
  /** Its own user has the floor there. */
  | { readonly type: "talk"; readonly group: string }
  /** Somebody else has it, who has taken it away. */
  | { readonly type: "overtaken"; readonly group: string }
  /** The talkgroup is no more: one that is set up by its name is another, and nothing holds who was there. */
  | { readonly type: "gone"; readonly group: string };

/** Out of what was heard, and into this. */
export type ScanEffect = { readonly do: "tune"; readonly group: string };
export type ScanTimer = "hang";

export interface ScanLimits {
  readonly home: string;
  readonly priority: string;
  readonly hangMs: number;
}

type Effects = readonly (ScanEffect | TimerEffect<ScanTimer>)[];
type Step = readonly [ScanState, Effects];

export function initialScan(home: string): ScanState {
  return { in: "idle", tuned: home, active: [] };
}

export function scan({ home, priority, hangMs }: ScanLimits): Machine<ScanState, ScanEvent, ScanEffect, ScanTimer> {
  const tune = ({ tuned }: Heard, group: string): Effects => (tuned === group ? [] : [{ do: "tune", group }]);

  function hear(state: Heard, group: string): Step {
    return [{ in: "hearing", tuned: group, active: state.active }, [{ stop: "hang" }, ...tune(state, group)]];
  }

  /** Nothing holds it where it is: on to what is said elsewhere, the priority first, then home. */
  function free(state: Heard): Step {
    const { active } = state;
    const next = [priority, home].find((group) => active.includes(group)) ?? active[0];
    if (next !== undefined) return hear(state, next);
    return [{ in: "idle", tuned: home, active }, [{ stop: "hang" }, ...tune(state, home)]];
  }

  function paused(state: Heard): Step {
    const { tuned, active } = state;
    if (tuned !== priority && active.includes(priority)) return hear(state, priority);
    return [{ in: "hanging", tuned, active }, [{ start: "hang", ms: hangMs }]];
  }

  function overtaken(state: Heard): Step {
    return hear(state, state.active.includes(priority) ? priority : state.tuned);
  }

  function onBurst(state: ScanState, group: string): Step {
    const next: ScanState = { ...state, active: [...state.active.filter((other) => other !== group), group] };
    switch (state.in) {
      case "idle":
        return hear(next, group);
      case "hearing":
        return group === priority && state.tuned !== priority ? hear(next, group) : [next, []];
      case "hanging":
        return group === priority || group === state.tuned ? hear(next, group) : [next, []];
      case "talking":
        return [next, []];
    }
  }

  function onQuiet(state: ScanState, group: string): Step {
    const next: ScanState = { ...state, active: state.active.filter((other) => other !== group) };
    if (group !== state.tuned) return [next, []];
    return state.in === "hearing" || state.in === "talking" ? paused(next) : [next, []];
  }

  function onGone(state: ScanState, group: string): Step {
    const next: ScanState = { ...state, active: state.active.filter((other) => other !== group) };
    return group === state.tuned ? free(next) : [next, []];
  }

  return (state, event) => {
    switch (event.type) {
      case "gone":
        return onGone(state, event.group);
      case "burst":
        return onBurst(state, event.group);
      case "quiet":
        return onQuiet(state, event.group);
      case "talk": {
        const { group } = event;
        return [{ in: "talking", tuned: group, active: state.active }, [{ stop: "hang" }, ...tune(state, group)]];
      }
      case "overtaken":
        return state.in === "talking" && state.tuned === event.group ? overtaken(state) : [state, []];
      case "expiry":
        return state.in === "hanging" ? free(state) : [state, []];
    }
  };
}
