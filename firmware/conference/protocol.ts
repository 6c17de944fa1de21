/**
 * What the main thread and the conference server say to each other. Plain values: they cross a worker boundary now and
 * MQTT when the conference server is on another board.
 */

/** Names one leg (a pre-established session of one subscription of one terminal). Unique for the life of the gateway. */
export type LegId = string;
export type GatewayId = string;

/** Talkgroup settings, all times in ms. Defaults and timer names as in TS 24.380 §11. */
export interface TalkgroupSettings {
  readonly name: string;
  /** T1: media silence after which a talker has lost the floor. */
  readonly endOfMediaMs: number;
  /** T2: the longest talk burst. */
  readonly talkMs: number;
  /** T3: grace after a revoke. */
  readonly graceMs: number;
  /** T4: hang time after the last burst, before the legs are un-bridged. */
  readonly hangMs: number;
}

export interface LegOptions {
  readonly leg: LegId;
  readonly talkgroup: string;
  /** The identity shown to others: "sip:alice@example.org". */
  readonly user: string;
  readonly mayTalk: boolean;
  /** Floor priority 0..255. */
  readonly priority: number;
  readonly mayPreempt: boolean;
}

/** Who runs the arbiter of a talkgroup. `peers` are the other live gateways that have members in it. */
export type FloorRole =
  | { readonly in: "controlling"; readonly peers: readonly GatewayId[] }
  | { readonly in: "participating"; readonly controller: GatewayId; readonly peers: readonly GatewayId[] };

/** Floor control between gateways. `participant` is "gateway/leg"; `message` is an RTCP APP MCPT packet (TS 24.380 §8). */
export interface TrunkFloor {
  readonly talkgroup: string;
  readonly participant: string;
  /** The term of the controlling gateway: grows each time control changes hands. */
  readonly epoch: number;
  /** The priority of the burst that a Taken speaks of. */
  readonly priority: number;
  readonly message: Uint8Array;
}

export type ConferenceCommand =
  | { readonly type: "talkgroup"; readonly settings: TalkgroupSettings }
  /** Ends its call, and gives up its legs ("lost"); known again by "talkgroup", with other settings if so. */
  | { readonly type: "no-talkgroup"; readonly talkgroup: string }
  /** Opens ports for a leg. With `offer` the reply is "answer"; without, "offer". Ill-fitting: "refused". */
  | { readonly type: "provision"; readonly options: LegOptions; readonly offer?: string }
  /** The terminal answered the offer. Reply: "ready" or "refused". */
  | { readonly type: "accept"; readonly leg: LegId; readonly answer: string }
  | { readonly type: "release"; readonly leg: LegId }
  | { readonly type: "role"; readonly talkgroup: string; readonly role: FloorRole }
  | { readonly type: "trunk-floor"; readonly from: GatewayId; readonly floor: TrunkFloor }
  | { readonly type: "trunk-media"; readonly from: GatewayId; readonly talkgroup: string; readonly packet: Uint8Array };

export type ConferenceEvent =
  | { readonly type: "offer"; readonly leg: LegId; readonly sdp: string }
  | { readonly type: "answer"; readonly leg: LegId; readonly sdp: string }
  | { readonly type: "ready"; readonly leg: LegId }
  | { readonly type: "refused"; readonly leg: LegId; readonly status: number; readonly reason: string }
  /** No sign of life for three keep-alive intervals; the leg is gone and should be provisioned again. */
  | { readonly type: "lost"; readonly leg: LegId }
  | { readonly type: "bridged"; readonly talkgroup: string }
  | { readonly type: "unbridged"; readonly talkgroup: string }
  /** Who talks now (identity), for logs, lamps and consoles. */
  | { readonly type: "floor"; readonly talkgroup: string; readonly talker?: string }
  | { readonly type: "trunk-floor"; readonly to: GatewayId | "all"; readonly floor: TrunkFloor }
  | { readonly type: "trunk-media"; readonly talkgroup: string; readonly packet: Uint8Array };
