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
  /** A call of this gateway alone: neither its floor nor its media crosses a trunk. */
  readonly scope?: "gateway";
  /** While it has exactly two legs and neither has a floor channel, both are heard at once. */
  readonly duplex?: true;
  /** Whoever talks is heard by all others at once. */
  readonly mixing?: true;
}

/** What the user of a leg may do in a call. */
export interface Rights {
  readonly mayTalk: boolean;
  /** Floor priority 0..255. */
  readonly priority: number;
  /** Whether its priority takes the floor from a lower one. */
  readonly mayPreempt: boolean;
}

/** What a leg was provisioned with. Where it is later, and with which rights, is what the "move" commands made of it. */
export interface LegOptions extends Rights {
  readonly leg: LegId;
  /** Absent: parked, a session in no call. It is kept alive and carries no audio. */
  readonly talkgroup?: string;
  /** The identity shown to others: "sip:alice@example.org". */
  readonly user: string;
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
  /** Of the burst that a Taken speaks of; of a Request, what it contends with: 0 of who may not pre-empt, whose burst has the priority in `message`. */
  readonly priority: number;
  readonly message: Uint8Array;
}

/** Into another call, or into none. Unknown talkgroup: "lost". A terminal with floor control is told of it. */
export interface Move {
  readonly type: "move";
  readonly leg: LegId;
  readonly talkgroup?: string;
  /** The identity of who called, for the terminal to show. */
  readonly caller?: string;
  /** In that call; absent: those that the leg was provisioned with. */
  readonly rights?: Rights;
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
  /** The terminal offers anew in a standing session (RFC 3264 §8). Reply: "reanswer". */
  | { readonly type: "reoffer"; readonly leg: LegId; readonly offer: string }
  | Move
  /** "0".."9", "*", "#", "A".."D": a key that the terminal did not send in its audio. */
  | { readonly type: "key"; readonly leg: LegId; readonly key: string }
  /** Played into that leg's audio. */
  | { readonly type: "tone"; readonly leg: LegId; readonly tone: "confirm" | "deny" }
  | { readonly type: "role"; readonly talkgroup: string; readonly role: FloorRole }
  | { readonly type: "trunk-floor"; readonly from: GatewayId; readonly floor: TrunkFloor }
  | { readonly type: "trunk-media"; readonly from: GatewayId; readonly talkgroup: string; readonly packet: Uint8Array };

/** With a status: refused, and the session goes on as it was (RFC 3261 §14.1). */
export type Reanswer = { readonly sdp: string } | { readonly status: number; readonly reason: string };

export type ConferenceEvent =
  | { readonly type: "offer"; readonly leg: LegId; readonly sdp: string }
  | { readonly type: "answer"; readonly leg: LegId; readonly sdp: string }
  | { readonly type: "ready"; readonly leg: LegId }
  | { readonly type: "refused"; readonly leg: LegId; readonly status: number; readonly reason: string }
  | ({ readonly type: "reanswer"; readonly leg: LegId } & Reanswer)
  /** No sign of life, or no such call; the leg is gone and should be provisioned again. */
  | { readonly type: "lost"; readonly leg: LegId }
  | { readonly type: "bridged"; readonly talkgroup: string }
  /** T4 is over. Of a call of this gateway alone also if nobody has talked `hangMs` after it was opened, or has ceased to be duplex. */
  | { readonly type: "unbridged"; readonly talkgroup: string }
  /** Who talks now (identity), for logs, lamps and consoles. */
  | { readonly type: "floor"; readonly talkgroup: string; readonly talker?: string }
  | { readonly type: "trunk-floor"; readonly to: GatewayId | "all"; readonly floor: TrunkFloor }
  | { readonly type: "trunk-media"; readonly talkgroup: string; readonly packet: Uint8Array };
