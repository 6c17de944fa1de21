/** What this room asks of a conference server, and hears from it: plain values, so that it may stand anywhere. */
import type { SrtpUse } from "../sip/negotiation.ts";

/** What a user may do in a call. */
export interface SessionRights {
  readonly mayTalk: boolean;
  readonly priority: number;
  /** Whether its priority takes the floor from a lower one. */
  readonly mayPreempt: boolean;
  /** Whether the user may call an emergency there, and end one that others called; absent: no. */
  readonly mayRaise?: boolean;
  readonly mayCalm?: boolean;
}

/** What its terminal is beside that. */
export interface SessionTerminal {
  /** How the user of a telephone takes the floor, beside keys that come by RFC 4733 and by "key". */
  readonly telephone?: {
    /** By keys that are heard in its voice. */
    readonly inbandKeys?: true;
    /** By speaking, so many dB above the noise, until so long a pause. */
    readonly voice?: { readonly thresholdDb: number; readonly hangMs: number };
  };
  /** What is heard while nobody talks in the talkgroup of the session, and what its user may do there. */
  readonly scan?: {
    readonly groups: readonly (SessionRights & { readonly talkgroup: string })[];
    /** Of those, or that of the session: heard at once. */
    readonly priority: string;
    /** So long after a burst its talkgroup is stayed with. */
    readonly hangMs: number;
    /** Whether the user answers where the last burst was. */
    readonly answerBack: boolean;
  };
}

/** One leg to open: a terminal's session with a talkgroup. */
export interface SessionRequest extends SessionRights, SessionTerminal {
  /** Unique for the life of this gateway. */
  readonly leg: string;
  /** A talkgroup or a call. Undefined: parked, until it is moved into one. */
  readonly talkgroup?: string;
  /** "sip:alice@example.org" */
  readonly user: string;
  /** Absent: "off". */
  readonly srtp?: SrtpUse;
}

/** Into another call, or parked. Unknown talkgroup: "lost". */
export interface SessionMove {
  readonly type: "move";
  readonly leg: string;
  readonly talkgroup?: string;
  /** Who called, for the terminal to show. */
  readonly caller?: string;
  /** In that call; absent: those of the request. */
  readonly rights?: SessionRights;
}

/** A private or ad hoc call; to a conference server a talkgroup like any other, but for its name and its scope. Times in ms. */
export interface CallSettings {
  readonly name: string;
  /** T1, T2, T3 and T4 of TS 24.380 §11. */
  readonly endOfMediaMs: number;
  readonly talkMs: number;
  readonly graceMs: number;
  readonly hangMs: number;
  /** So long before the end of a burst its talker is warned. */
  readonly talkWarningMs: number;
  /** Nothing of it leaves this gateway. */
  readonly scope: "gateway";
  /** Two phones without floor control hear each other at the same time. */
  readonly duplex: true;
}

export type SessionCommand =
  /** Reply: "offer"; with `offer`, "answer" and "ready"; or "refused". */
  | { readonly type: "provision"; readonly options: SessionRequest; readonly offer?: string }
  /** The terminal's answer. Reply: "ready" or "refused". */
  | { readonly type: "accept"; readonly leg: string; readonly answer: string }
  | { readonly type: "release"; readonly leg: string }
  /** The terminal offers anew. Reply: "reanswer". */
  | { readonly type: "reoffer"; readonly leg: string; readonly offer: string }
  | SessionMove
  | { readonly type: "key"; readonly leg: string; readonly key: string }
  /** Played to the terminal. */
  | { readonly type: "tone"; readonly leg: string; readonly tone: "confirm" | "deny" }
  | { readonly type: "talkgroup"; readonly settings: CallSettings }
  | { readonly type: "no-talkgroup"; readonly talkgroup: string };

export type SessionEvent =
  | { readonly type: "offer"; readonly leg: string; readonly sdp: string }
  | { readonly type: "answer"; readonly leg: string; readonly sdp: string }
  | { readonly type: "ready"; readonly leg: string }
  | { readonly type: "reanswer"; readonly leg: string; readonly sdp: string }
  /** The session goes on as it was. */
  | { readonly type: "reanswer"; readonly leg: string; readonly status: number; readonly reason: string }
  | { readonly type: "refused"; readonly leg: string; readonly status: number; readonly reason: string }
  /** The terminal gave no sign of life; the leg is gone. */
  | { readonly type: "lost"; readonly leg: string };

export interface ConferenceServer {
  /** What comes of it is told later, never during the call. */
  send(command: SessionCommand): void;
}
