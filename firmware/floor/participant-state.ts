/** The words of the floor participant (participant.ts): its state, what it hears and what it wants done. */
import type { FloorMessage } from "./message.ts";
import type { Urgency } from "./urgency.ts";

/** Timers in ms, counters in messages sent; names as in TS 24.380 §11.1.1. */
export interface ParticipantLimits {
  /** Floor Release is repeated until it is acknowledged, or the floor is known to be another's or nobody's. */
  readonly T100: number;
  readonly C100: number;
  /** Floor Request is repeated until it is answered. */
  readonly T101: number;
  readonly C101: number;
  /** Silence after which the other's burst is over. */
  readonly T103: number;
  /** The place in the queue is asked for so often, and so often in vain, before the floor is asked for anew. */
  readonly T104: number;
  readonly C104: number;
  /** So long before the end of what was granted the user is warned. 0: never. */
  readonly warningMs: number;
}

export const participantDefaults: ParticipantLimits = {
  T100: 500,
  C100: 3,
  T101: 500,
  C101: 4,
  T103: 4000,
  T104: 2000,
  C104: 2,
  warningMs: 5000,
};

/** What is asked for. `priority` 0..255. */
export interface Ask {
  readonly priority: number;
  readonly urgency?: Urgency;
}

/**
 * `party`: whose burst is heard, as last told. `around`: how urgent the call is, as last told. `sent`: messages of its kind that were sent
 * and not answered.
 */
export type ParticipantState = { readonly party?: string; readonly around?: Urgency } & (
  | { readonly in: "no-permission"; readonly held: boolean }
  | ({ readonly in: "pending-request"; readonly sent: number } & Ask)
  /** `sent` > 0: the server said that the floor is not ours, and has been asked again. `warned`: of the end. */
  | ({ readonly in: "has-permission"; readonly sent: number; readonly warned: boolean } & Ask)
  /** `ends`: the release says that the urgency is over. */
  | { readonly in: "pending-release"; readonly held: boolean; readonly sent: number; readonly ends?: true }
  /** §6.2.4.9. The button is down all the while. */
  | ({ readonly in: "queued"; readonly position: number; readonly sent: number } & Ask)
);

export type ParticipantEvent =
  /** While the button is down already: it is more urgent now. */
  | ({ readonly type: "press" } & Ask)
  | { readonly type: "unpress" }
  /** The urgency that this user raised, or that a dispatcher judges of, is over. While nothing is asked for. */
  | { readonly type: "calm" }
  | { readonly type: "message"; readonly message: FloorMessage; readonly acknowledge: boolean }
  /** Someone's media is heard. Sent now and then while it is, well within T103. */
  | { readonly type: "media" }
  /** The session with the server is gone. */
  | { readonly type: "disconnected" };

/** Every `capture` is followed by `talk` or by one of `mute`, `denied`, `failed`; every `talk` by one of `mute`, `revoked`, `failed`. */
export type ParticipantEffect =
  /** `acknowledge`: an Ack is asked for. */
  | { readonly do: "send"; readonly message: FloorMessage; readonly acknowledge?: true }
  /** The button is down: keep what the microphone hears. */
  | { readonly do: "capture" }
  /** The floor is granted: the talk-permit tone, and what was kept and what comes are sent. */
  | { readonly do: "talk" }
  /** The floor is granted later: 1 is next. Keep nothing until then: whoever waits is not speaking yet. */
  | { readonly do: "queued"; readonly position: number }
  /** The burst will soon be cut. */
  | { readonly do: "warn" }
  /** The button is up: keep and send nothing. */
  | { readonly do: "mute" }
  /** One of `denyCause`. Keep and send nothing. */
  | { readonly do: "denied"; readonly cause: number }
  /** One of `revokeCause`. Send nothing more. */
  | { readonly do: "revoked"; readonly cause: number }
  /** The server did not answer, or its session is gone. Keep and send nothing. */
  | { readonly do: "failed" }
  /** Someone talks; its identity, or empty. */
  | { readonly do: "listening"; readonly party: string }
  /** Nobody talks any more. */
  | { readonly do: "silence" }
  /** How urgent the call is from now on. */
  | { readonly do: "urgency"; readonly urgency: Urgency };

/** "warning" is ours. T132 never runs: the button that is held accepts what is granted, at once. */
export type ParticipantTimer = "T100" | "T101" | "T103" | "T104" | "warning";

export const participantInitial: ParticipantState = { in: "no-permission", held: false };
