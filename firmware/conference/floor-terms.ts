/** A talkgroup's settings as the terms of its arbiter. */
import { type ArbiterLimits, type ArbiterState, arbiterDefaults, mostQueued } from "../floor/arbiter-state.ts";
import type { ParticipantKey } from "./control-state.ts";
import type { TalkgroupSettings } from "./protocol.ts";

export function limitsOf({ queueing, broadcast, ...settings }: TalkgroupSettings): ArbiterLimits {
  return { ...arbiterDefaults, ...settings, broadcast: broadcast === true, queueLength: queueing ? mostQueued : 0 };
}

/** Whoever waits for the floor, in the queue or for the end of a burst that they pre-empted. */
export function waiting(state: ArbiterState): readonly ParticipantKey[] {
  const next = state.in === "revoking" && state.next ? [state.next] : [];
  return [...next, ...state.queue].map(({ talker }) => talker);
}
