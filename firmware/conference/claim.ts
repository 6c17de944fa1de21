/** What gateways tell each other of a talkgroup's floor, and whose word counts when two of them ruled. Pure. */
import { type FloorMessage, floorIndicator } from "../floor/message.ts";
import { boundWeight, priorityOf, urgencyBit, urgencyIn, urgencyOf, weigh } from "../floor/urgency.ts";
import type {
  Burst,
  ControlEffect,
  ControlState,
  FloorRequest,
  ParticipantKey,
  TrunkMessage,
} from "./control-state.ts";
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

/** The question to the controller: it knows no users of other gateways, each of which answers for its own. */
export function asking(state: ControlState, request: FloorRequest): ControlEffect {
  const { from, party: userId, priority: weight, mayPreempt, mayQueue } = request;
  const indicator = urgencyBit[urgencyOf(weight)] | (mayQueue ? floorIndicator.queueing : 0);
  const message: FloorMessage = { type: "request", priority: priorityOf(weight), userId, indicator };
  return sendTo(state, state.controller, from, message, mayPreempt ? weight : 0);
}

/** A request of another gateway, which has judged for itself who may talk and who may pre-empt (see TrunkFloor). */
export function asked(trunk: TrunkMessage, message: Extract<FloorMessage, { readonly type: "request" }>): FloorRequest {
  const { participant: from } = trunk;
  const { indicator = 0, userId: party = from } = message;
  const contends = boundWeight(trunk.priority);
  const priority = Math.max(contends, weigh(urgencyIn(indicator) ?? "normal", message.priority ?? 0));
  const mayQueue = (indicator & floorIndicator.queueing) !== 0;
  return { from, party, priority, mayTalk: true, mayPreempt: contends === priority, mayQueue };
}
