/** The words of the control machine (control.ts): its state, what it hears and what it wants done. */
import type { ArbiterEffect, ArbiterEvent } from "../floor/arbiter-state.ts";
import type { FloorMessage } from "../floor/message.ts";
import type { FloorRole, GatewayId } from "./protocol.ts";

export type ParticipantKey = string;

/** A talk burst as this gateway knows it. */
export interface Burst {
  readonly talker: ParticipantKey;
  /** The identity shown to people. */
  readonly party: string;
  /** A weight (floor/urgency.ts); so is every priority of this machine. */
  readonly priority: number;
  /** The gateway whose arbiter granted it. */
  readonly authority: GatewayId;
  /** The term in which it was granted; 0 by a gateway that stood in. */
  readonly epoch: number;
  /** The talker let go; the controller has not said so yet. */
  readonly released: boolean;
}

export interface FloorRequest {
  readonly from: ParticipantKey;
  readonly party: string;
  readonly priority: number;
  readonly mayTalk: boolean;
  readonly mayPreempt: boolean;
  readonly mayQueue: boolean;
}

export interface ControlState {
  /** The gateway that controls now; this one's own id when it does. */
  readonly controller: GatewayId;
  /** What the realm wants; taken on when the floor is idle. */
  readonly wanted: FloorRole;
  /** The highest term heard of. */
  readonly epoch: number;
  /** Rules for one burst in place of a controller that does not answer. */
  readonly standIn?: true;
  readonly burst?: Burst;
  /** A request that the controller has not answered yet. */
  readonly asking?: FloorRequest;
}

export interface TrunkMessage {
  readonly from: GatewayId;
  readonly participant: ParticipantKey;
  /** The identity of the participant where it is a leg here. */
  readonly party?: string;
  readonly epoch: number;
  readonly priority: number;
  readonly message: FloorMessage;
}

export type ControlEvent =
  /** From now on the floor decides who is heard: the hang time begins though nobody has talked. */
  | { readonly type: "opened" }
  | { readonly type: "role"; readonly role: FloorRole }
  | { readonly type: "request"; readonly request: FloorRequest }
  | { readonly type: "release"; readonly from: ParticipantKey }
  /** A participant asks for its place in the queue. */
  | { readonly type: "position"; readonly from: ParticipantKey }
  /** The other gateways are to hear the state of the floor again. */
  | { readonly type: "announce" }
  /** A participant has its Granted. */
  | { readonly type: "acknowledge"; readonly from: ParticipantKey }
  | { readonly type: "leave"; readonly participant: ParticipantKey }
  | { readonly type: "trunk"; readonly trunk: TrunkMessage }
  /** The talker's media flows. Sent at most every few hundred ms. */
  | { readonly type: "media" }
  /** What this gateway's own arbiter ruled. */
  | { readonly type: "ruled"; readonly ruling: ArbiterEffect };

export type ControlEffect =
  | { readonly do: "arbitrate"; readonly event: ArbiterEvent }
  | { readonly do: "tell"; readonly participant: ParticipantKey; readonly message: FloorMessage }
  | { readonly do: "tell-all"; readonly except?: ParticipantKey; readonly message: FloorMessage }
  | {
      readonly do: "send";
      readonly to: GatewayId | "all";
      readonly participant: ParticipantKey;
      readonly epoch: number;
      readonly priority: number;
      readonly message: FloorMessage;
    }
  /** The talker's media goes through from now on. */
  | { readonly do: "open"; readonly talker: ParticipantKey; readonly party: string }
  /** The gate closes behind what is in flight. */
  | { readonly do: "close" }
  | { readonly do: "bridge" }
  | { readonly do: "unbridge" };

/** "answer": the controller has not answered a request. "silence": no media of a burst that another gateway rules. "hang": T4 of TS 24.380, hang time. */
export type ControlTimer = "answer" | "silence" | "hang";

export interface ControlLimits {
  /** How long the controller may take to answer, ms. */
  readonly answerMs: number;
  /** T1, ms: a talker that is silent so long has lost the floor. */
  readonly endOfMediaMs: number;
  readonly hangMs: number;
}

/** "" for what is no participant's key. */
export const gatewayOf = (participant: ParticipantKey): GatewayId =>
  participant.slice(0, Math.max(0, participant.indexOf("/")));

export function initialControl(self: GatewayId): ControlState {
  return { controller: self, wanted: { in: "controlling", peers: [] }, epoch: 1 };
}
