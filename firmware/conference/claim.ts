/** What gateways tell each other of a talkgroup's floor, and whose word counts when two of them ruled. Pure. */
import type { FloorMessage } from "../floor/message.ts";
import type { Burst, ControlEffect, ControlState, ParticipantKey } from "./control-state.ts";
import type { GatewayId } from "./protocol.ts";

/** Terms are 32 bits wide on the trunk. */
export const lastEpoch = 0xffff_ffff;
/** Who only stands in has less to say than any controller. */
export const standInEpoch = 0;

/** Two gateways that both ruled keep the burst of the higher (priority, term, gateway id), on both sides alike. */
export function outranks(one: Burst, other: Burst): boolean {
  if (one.priority !== other.priority) return one.priority > other.priority;
  if (one.epoch !== other.epoch) return one.epoch > other.epoch;
  return one.authority > other.authority;
}

export const idleMessage: FloorMessage = { type: "idle", sequence: 0 };

export function taken(burst: Burst): FloorMessage {
  return { type: "taken", party: burst.party, mayRequest: true, sequence: 0 };
}

export function announce(burst: Burst): ControlEffect {
  const { talker: participant, epoch, priority } = burst;
  return { do: "send", to: "all", participant, epoch, priority, message: taken(burst) };
}

export function announceIdle({ epoch }: ControlState): ControlEffect {
  return { do: "send", to: "all", participant: "", epoch, priority: 0, message: idleMessage };
}

export function sendTo(
  { epoch }: ControlState,
  to: GatewayId,
  participant: ParticipantKey,
  message: FloorMessage,
  priority = 0,
): ControlEffect {
  return { do: "send", to, participant, epoch, priority, message };
}
