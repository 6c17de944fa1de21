/**
 * What is known of another gateway, of its present boot. Pure. A gateway counts for roles only while "live"; its users
 * are shown while it is "live" or "doubted".
 */
import type { Machine, TimerEffect } from "../machine.ts";

export type PeerState =
  /** Its status came over this link, and is fresh. */
  | { readonly in: "live"; readonly counter: number }
  /** Live before the link was lost. */
  | { readonly in: "doubted"; readonly counter: number }
  /** Not heard of, or no more. */
  | { readonly in: "silent"; readonly counter: number }
  /** Its will was published, or it said so. */
  | { readonly in: "gone"; readonly counter: number };

export type PeerEvent =
  | { readonly type: "status"; readonly counter: number }
  | { readonly type: "gone" }
  | { readonly type: "restarted" }
  | { readonly type: "link-lost" }
  /** Those who live had time to say so again. */
  | { readonly type: "grace-over" };

export type PeerEffect =
  | { readonly do: "show-users" }
  | { readonly do: "hide-users" }
  | { readonly do: "forget-users" }
  /** It entered or left the set of live gateways. */
  | { readonly do: "recount" };

/** "silence": a status that lies retained, and that nobody renews, is one whose gateway ended together with the broker. */
export type PeerTimer = "silence";

/** Each gateway sends its status so often, ms. */
export const beatMs = 10_000;
const silenceMs = 3.5 * beatMs;

export const unheard: PeerState = { in: "silent", counter: 0 };

type Step = ReturnType<typeof peerMachine>;

const isLive = (state: PeerState): boolean => state.in === "live";
export const showsUsers = (state: PeerState): boolean => state.in === "live" || state.in === "doubted";

function change(before: PeerState, after: PeerState, users: "kept" | "forgotten"): Step {
  const effects: (PeerEffect | TimerEffect<PeerTimer>)[] = [];
  if (isLive(after)) effects.push({ start: "silence", ms: silenceMs });
  else if (isLive(before)) effects.push({ stop: "silence" });
  if (showsUsers(before) && !showsUsers(after)) effects.push({ do: "hide-users" });
  if (!showsUsers(before) && showsUsers(after)) effects.push({ do: "show-users" });
  if (users === "forgotten") effects.push({ do: "forget-users" });
  if (isLive(before) !== isLive(after)) effects.push({ do: "recount" });
  return [after, effects];
}

export const peerMachine: Machine<PeerState, PeerEvent, PeerEffect, PeerTimer> = (state, event) => {
  const { counter } = state;
  switch (event.type) {
    case "status": {
      // A status that lay retained may come again over a new link, but none from before the will brings a gateway back.
      const isNew = event.counter > counter || (event.counter === counter && state.in !== "gone" && !isLive(state));
      return isNew ? change(state, { in: "live", counter: event.counter }, "kept") : [state, []];
    }
    case "gone":
      return state.in === "gone" ? [state, []] : change(state, { in: "gone", counter }, "forgotten");
    case "restarted":
      return change(state, unheard, "forgotten");
    case "link-lost":
      if (isLive(state)) return change(state, { in: "doubted", counter }, "kept");
      // Its users are kept for when it is heard again, but what they did meanwhile can no longer be known.
      return state.in === "silent" ? change(state, state, "forgotten") : [state, []];
    case "grace-over":
      return state.in === "doubted" ? change(state, { in: "silent", counter }, "forgotten") : [state, []];
    case "expiry":
      return change(state, { in: "silent", counter }, "kept");
  }
};
