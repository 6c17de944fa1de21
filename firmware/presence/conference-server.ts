/** What this room asks of a conference server, and hears from it: plain values, so that it may stand anywhere. */

/** One leg to open: a terminal's session with a talkgroup. */
export interface SessionRequest {
  /** Unique for the life of this gateway. */
  readonly leg: string;
  readonly talkgroup: string;
  /** "sip:alice@example.org" */
  readonly user: string;
  readonly mayTalk: boolean;
  readonly priority: number;
  readonly mayPreempt: boolean;
}

export type SessionCommand =
  /** Reply: "offer"; with `offer`, "answer" and "ready"; or "refused". */
  | { readonly type: "provision"; readonly options: SessionRequest; readonly offer?: string }
  /** The terminal's answer. Reply: "ready" or "refused". */
  | { readonly type: "accept"; readonly leg: string; readonly answer: string }
  | { readonly type: "release"; readonly leg: string };

export type SessionEvent =
  | { readonly type: "offer"; readonly leg: string; readonly sdp: string }
  | { readonly type: "answer"; readonly leg: string; readonly sdp: string }
  | { readonly type: "ready"; readonly leg: string }
  | { readonly type: "refused"; readonly leg: string; readonly status: number; readonly reason: string }
  /** The terminal gave no sign of life; the leg is gone. */
  | { readonly type: "lost"; readonly leg: string };

export interface ConferenceServer {
  /** What comes of it is told later, never during the call. */
  send(command: SessionCommand): void;
}
