/**
 * What the main thread and the conference server say to each other. Plain values: they cross a worker boundary now and
 * MQTT when the conference server is on another board.
 */
import type { SrtpDrops } from "../../hal/srtp/port.ts";
import type { Urgency } from "../floor/urgency.ts";
import type { SrtpUse } from "../sip/negotiation.ts";

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
  /** Who cannot be granted the floor waits for it, where the terminal knows how to; absent: is denied it. */
  readonly queueing?: true;
  /** Who talks first talks alone until it is un-bridged. */
  readonly broadcast?: true;
  /** So long before the longest talk burst ends its talker is warned; absent: never. */
  readonly talkWarningMs?: number;
  /** After so long without a word of it an emergency is over; absent: when somebody says so. */
  readonly emergencyMs?: number;
  /** While it has exactly two legs and neither has a floor channel, both are heard at once. */
  readonly duplex?: true;
  /** Whoever talks is heard by all others at once. */
  readonly mixing?: true;
  /** Its bursts are told of as they are spoken, for the voice log; absent: nothing leaves it. */
  readonly record?: true;
  /** Who is in it hears that it is recorded. */
  readonly announce?: true;
}

/** What was said in one burst since the last piece of it. */
export interface SpokenPiece {
  /** Grows from one burst to the next, whatever the talkgroup. */
  readonly burst: number;
  readonly talkgroup: string;
  /** The identity of who talks. */
  readonly talker: string;
  /** When the first of it was said, Unix ms. */
  readonly startedAt: number;
  /** In Opus (media/packed-speech.ts). */
  readonly speech: Uint8Array;
  /** Packets that found no room. */
  readonly dropped: number;
  /** With the last piece. complete: by its talker; revoked: by others; lost: its talker fell silent, or is gone, or something was dropped. */
  readonly end?: "complete" | "revoked" | "lost";
}

/** What the user of a leg may do in a call. */
export interface Rights {
  readonly mayTalk: boolean;
  /** Floor priority 0..255. */
  readonly priority: number;
  /** Whether its priority takes the floor from a lower one. */
  readonly mayPreempt: boolean;
  /** Whether the user may call an emergency or an imminent peril there; absent: no. */
  readonly mayRaise?: boolean;
  /** Whether the user may end one that others called; absent: no. */
  readonly mayCalm?: boolean;
}

/** How the user of a terminal without floor control takes the floor, beside keys that come by RFC 4733 and by signalling. */
export interface TelephoneOptions {
  /** Keys are heard in its voice, too. */
  readonly inbandKeys?: true;
  /** It keys up as its user speaks, by so many dB above the noise, and unkeys after so long a pause. */
  readonly voice?: { readonly thresholdDb: number; readonly hangMs: number };
}

/** What a leg hears while nobody talks where it is. */
export interface ScanOptions {
  /** Talkgroups, and what its user may do there. */
  readonly groups: readonly (Rights & { readonly talkgroup: string })[];
  /** One of them, or that of the leg: heard at once, whatever else is heard. */
  readonly priority: string;
  /** So long after a burst its talkgroup is stayed with, ms. */
  readonly hangMs: number;
  /** Whether its user answers in the talkgroup that is heard. */
  readonly answerBack: boolean;
}

/** What a leg was provisioned with. Where it is later, and with which rights, is what the "move" commands made of it. */
export interface LegOptions extends Rights {
  readonly leg: LegId;
  /** Absent: parked, a session in no call. It is kept alive and carries no audio. */
  readonly talkgroup?: string;
  /** The identity shown to others: "sip:alice@example.org". */
  readonly user: string;
  /** Whether its speech and floor control are protected; absent: "off". */
  readonly srtp?: SrtpUse;
  /** Absent: by those keys alone. */
  readonly telephone?: TelephoneOptions;
  /** Absent: nothing but the call that it is in. */
  readonly scan?: ScanOptions;
}

/** Who runs the arbiter of a talkgroup. `peers` are the other live gateways where somebody is in it or hears it. */
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
  /** What was recorded (media/packed-speech.ts), into that leg's audio alone, until somebody is heard live. Reply: "replayed", however it ends. */
  | { readonly type: "replay"; readonly leg: LegId; readonly speech: Uint8Array }
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
  /** What came to the ports of a leg with SRTP and is none of its terminal's, in the last seconds. */
  | { readonly type: "srtp-dropped"; readonly leg: LegId; readonly user: string; readonly drops: SrtpDrops }
  | { readonly type: "bridged"; readonly talkgroup: string }
  /** T4 is over. Of a call of this gateway alone also if nobody has talked `hangMs` after it was opened, or has ceased to be duplex. */
  | { readonly type: "unbridged"; readonly talkgroup: string }
  /** How urgent the call is from now on, and who raised it last, where that is known (identity). */
  | { readonly type: "urgency"; readonly talkgroup: string; readonly urgency: Urgency; readonly by?: string }
  /** Who talks now (identity), for logs, lamps and consoles. */
  | { readonly type: "floor"; readonly talkgroup: string; readonly talker?: string }
  | ({ readonly type: "spoken" } & SpokenPiece)
  /** The terminal asks for the last burst of its talkgroup again. */
  | { readonly type: "replay-wanted"; readonly leg: LegId; readonly talkgroup: string }
  | { readonly type: "replayed"; readonly leg: LegId }
  | { readonly type: "trunk-floor"; readonly to: GatewayId | "all"; readonly floor: TrunkFloor }
  | { readonly type: "trunk-media"; readonly talkgroup: string; readonly packet: Uint8Array };
