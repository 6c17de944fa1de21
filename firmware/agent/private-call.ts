/**
 * Whether a private call is connected on a session that stands anyway, as the server tells (control of a pre-established session,
 * TS 24.380 §9.2.2). Pure. A Connect may be lost: floor control that speaks on a parked session says the same. And UDP reorders:
 * for a while after a Disconnect, what still comes of that call is late, and connects nothing.
 */
import type { Machine } from "../machine.ts";

/** `call`: the identity of the call; empty where it was not told. */
export type PrivateCallState =
  | { readonly in: "parked" }
  | { readonly in: "connected"; readonly call: string }
  /** Parked so lately that what belongs to the call may still be on its way. */
  | { readonly in: "parting"; readonly call: string };

/** A call as the server names it, to be named so in the Acknowledgement. */
interface Named {
  readonly call: string;
  /** §8.3.3.3: of what kind it is. */
  readonly kind: number;
}

export type PrivateCallEvent =
  /** `party`: who calls; empty where it is withheld. */
  | ({ readonly type: "connect"; readonly party: string } & Named)
  | ({ readonly type: "disconnect" } & Named)
  /** Floor Taken or Idle came. `party`: who talks, or empty. */
  | { readonly type: "floor"; readonly party: string }
  /** The floor of the call was asked for in vain: there is no answer, or nobody who would hear. */
  | { readonly type: "deserted" }
  /** The session ended, or is replaced. */
  | { readonly type: "session-over" };

/** Every `connected` is followed by one `parted`. */
export type PrivateCallEffect =
  | ({ readonly do: "acknowledge" } & Named)
  | { readonly do: "connected"; readonly party: string }
  | { readonly do: "parted" };

type PrivateCall = Machine<PrivateCallState, PrivateCallEvent, PrivateCallEffect, "late">;
type Step = ReturnType<PrivateCall>;

export const privateCallInitial: PrivateCallState = { in: "parked" };

/** What is still on its way after so long is lost; less than what a Connect is repeated after, ms. */
const lateMs = 500;

const acknowledge = ({ call, kind }: Named) => ({ do: "acknowledge", call, kind }) as const;

export const privateCall: PrivateCall = (state, event) => {
  switch (event.type) {
    case "connect":
      return connect(state, event, event.party);
    case "disconnect":
      return disconnect(state, event);
    case "floor":
      if (state.in !== "parked") return [state, []];
      return [{ in: "connected", call: "" }, [{ do: "connected", party: event.party }]];
    // Its Disconnect was lost: the next press must not be in vain too.
    case "deserted":
      return state.in === "connected" ? [{ in: "parked" }, [{ do: "parted" }]] : [state, []];
    case "session-over":
      return [{ in: "parked" }, [{ stop: "late" }, ...parted(state)]];
    case "expiry":
      return state.in === "parting" ? [{ in: "parked" }, []] : [state, []];
  }
};

function connect(state: PrivateCallState, named: Named, party: string): Step {
  const { call } = named;
  // A repeated one that its call's Disconnect has overtaken. If the call is really back, it is repeated again.
  if (state.in === "parting" && call !== "" && call === state.call) return [state, []];
  // Our Acknowledgement was lost; or the Connect comes behind the floor that it speaks of.
  if (state.in === "connected" && isSame(call, state.call))
    return [{ in: "connected", call: call || state.call }, [acknowledge(named)]];
  return [
    { in: "connected", call },
    [acknowledge(named), { stop: "late" }, ...parted(state), { do: "connected", party }],
  ];
}

function disconnect(state: PrivateCallState, named: Named): Step {
  const { call } = named;
  // Told before, or of the call before.
  if (state.in !== "connected" || !isSame(call, state.call)) return [state, [acknowledge(named)]];
  return [
    { in: "parting", call: call || state.call },
    [acknowledge(named), ...parted(state), { start: "late", ms: lateMs }],
  ];
}

/** What was not told may be either. */
function isSame(one: string, other: string): boolean {
  return one === "" || other === "" || one === other;
}

function parted(state: PrivateCallState): readonly PrivateCallEffect[] {
  return state.in === "connected" ? [{ do: "parted" }] : [];
}
