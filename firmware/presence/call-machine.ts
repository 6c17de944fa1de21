/**
 * One private or ad hoc call: who is asked to come, who is there, and when it is over. Pure. Whoever asked for it, the initiator, is
 * told what comes of it; afterwards it goes on for as long as two are in it, whoever they are.
 */
import type { Machine } from "../machine.ts";

/** A member of the call; the initiator is the first. */
export type MemberId = number;
export const initiator: MemberId = 0;

/** Why somebody does not come: a final SIP status, and what is said of it in words (RFC 3326). */
export interface Refusal {
  readonly status: number;
  readonly words?: string;
}

/** "asked": not there yet. */
export type Members = ReadonlyMap<MemberId, "asked" | "there">;

export type CallState =
  /** `refusal`: of the first who does not come. */
  | { readonly in: "setting-up"; readonly members: Members; readonly refusal?: Refusal }
  | { readonly in: "standing"; readonly members: Members }
  | { readonly in: "over" };

export type CallInput =
  | { readonly type: "ringing" }
  | { readonly type: "there"; readonly member: MemberId }
  /** `refusal`: instead of coming; absent: hung up, or lost. */
  | { readonly type: "gone"; readonly member: MemberId; readonly refusal?: Refusal }
  /** Nobody wants it any more, or nobody has talked for too long. */
  | { readonly type: "end" };

export type CallDeed =
  /** The initiator is told that somebody is being called, … */
  | { readonly do: "ring" }
  /** … that the call stands, … */
  | { readonly do: "answer" }
  /** … or that it does not come about, also where that is the initiator's own doing. Who still waits is dismissed with it. */
  | { readonly do: "refuse"; readonly refusal: Refusal }
  | { readonly do: "dismiss"; readonly member: MemberId }
  | { readonly do: "close" };

type CallMachine = Machine<CallState, CallInput, CallDeed>;
type Step = ReturnType<CallMachine>;

const unavailable: Refusal = { status: 480 };

export function initialCall(members: number): CallState {
  return { in: "setting-up", members: new Map(Array.from({ length: members }, (_, id) => [id, "asked"])) };
}

export const callMachine: CallMachine = (state, event) => {
  if (state.in === "over") return [state, []];
  switch (event.type) {
    case "ringing":
      return [state, state.in === "setting-up" ? [{ do: "ring" }] : []];
    case "there":
      if (!state.members.has(event.member)) return [state, []];
      return settle({ ...state, members: new Map([...state.members, [event.member, "there"]]) });
    case "gone": {
      if (!state.members.has(event.member)) return [state, []];
      const members = new Map([...state.members].filter(([id]) => id !== event.member));
      if (state.in === "standing") return settle({ ...state, members });
      const refusal = state.refusal ?? event.refusal;
      return settle({ ...state, members, ...(refusal && { refusal }) });
    }
    case "end":
      return end(state);
    case "expiry":
      return [state, []];
  }
};

function settle(state: Exclude<CallState, { in: "over" }>): Step {
  const { members } = state;
  const there = [...members.values()].filter((place) => place === "there").length;
  // Whoever still rings would come to nobody.
  const isLeft = state.in === "setting-up" ? !members.has(initiator) : there === 0;
  if (members.size < 2 || isLeft) return end(state);
  const stands = members.get(initiator) === "there" && there > 1;
  if (state.in === "standing" || !stands) return [state, []];
  return [{ in: "standing", members }, [{ do: "answer" }]];
}

function end(state: Exclude<CallState, { in: "over" }>): Step {
  const isRefused = state.in === "setting-up";
  const refused: readonly CallDeed[] = isRefused ? [{ do: "refuse", refusal: refusalOf(state) }] : [];
  const left = [...state.members.keys()].filter((member) => !isRefused || member !== initiator);
  return [{ in: "over" }, [...refused, ...left.map((member) => ({ do: "dismiss", member }) as const), { do: "close" }]];
}

function refusalOf(state: CallState): Refusal {
  return (state.in === "setting-up" && state.refusal) || unavailable;
}
