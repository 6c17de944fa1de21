/** The words of the arbiter (arbiter.ts): its state, what it hears and what it wants done. */
import type { Queue } from "./queue.ts";

/** A key: whoever runs the arbiter knows whom it names. */
export type Participant = string;

/** All in ms but counts. Timers and counters named as in TS 24.380 §11. */
export interface ArbiterLimits {
  /** T1: silence of the talker after which the floor is free. */
  readonly endOfMediaMs: number;
  /** T2: the longest talk burst. */
  readonly talkMs: number;
  /** So long before T2 ends the talker is warned. 0: never. */
  readonly talkWarningMs: number;
  /** T3: how long a revoked talker may finish its word. */
  readonly graceMs: number;
  /** T3 while a higher priority waits; shorter than the time that a participant keeps asking. */
  readonly preemptMs: number;
  /** T4: idle time after which the call is un-bridged (hang time). */
  readonly hangMs: number;
  /** T7: Idle is repeated. */
  readonly idleMs: number;
  /** T8: Revoke is repeated. */
  readonly revokeMs: number;
  /** T20: Granted is repeated until its talker is heard or acknowledges. */
  readonly grantedMs: number;
  /** An unkey shorter than this does not give the talker a new T2. */
  readonly flutterMs: number;
  /** Who was cut off and neither lets go nor asks for so long is no longer held to it: its Release may be lost. */
  readonly blockMs: number;
  /** C7, C8, C20: how often each of Idle, Revoke and Granted is sent at most. */
  readonly tries: number;
  /** How many may wait for the floor. 0: who cannot be granted it is denied. */
  readonly queueLength: number;
  /** Who talks first talks alone until the call is un-bridged (TS 24.380 §4.1.2, broadcast group call). */
  readonly broadcast: boolean;
}

export const arbiterDefaults: ArbiterLimits = {
  endOfMediaMs: 4000,
  talkMs: 30_000,
  talkWarningMs: 0,
  graceMs: 3000,
  preemptMs: 1000,
  hangMs: 10_000,
  idleMs: 1000,
  revokeMs: 1000,
  grantedMs: 1000,
  flutterMs: 300,
  blockMs: 5000,
  tries: 3,
  queueLength: 0,
  broadcast: false,
};

/** So many wait at most where queueing is on: nobody holds a button down for the turns of more. */
export const mostQueued = 32;

export interface Burst {
  readonly talker: Participant;
  /** The identity shown to people. */
  readonly party: string;
  /** A weight (urgency.ts); only a higher one pre-empts. */
  readonly priority: number;
}

/** What holds whoever has the floor. */
export interface Standing {
  /** Empty while the floor is idle. */
  readonly queue: Queue;
  /** Cut off for silence or for length, and have not let go since: a button that is stuck, a microphone that is dead. */
  readonly blocked: readonly Participant[];
  /** Of a broadcast: who alone may talk until it is over. */
  readonly originator?: Participant;
}

export type ArbiterState = Standing &
  /** §6.3.4.3 Floor Idle. `lull`: who has just let go; T2 still runs for it, or is `spent`. */
  (
    | {
        readonly in: "idle";
        readonly bridged: boolean;
        readonly told: number;
        readonly lull?: { readonly talker: Participant; readonly spent: boolean };
      }
    /** §6.3.4.4 Floor Taken. */
    | ({ readonly in: "taken"; readonly told: number } & Burst)
    /** §6.3.4.5 pending Floor Revoke. `next` pre-empts. */
    | ({
        readonly in: "revoking";
        readonly told: number;
        readonly cause: number;
        readonly next?: Burst & { readonly mayQueue: boolean };
      } & Burst)
  );

export type ArbiterEvent =
  /** A participant appears; it learns the state of the floor (late entry). */
  | { readonly type: "join"; readonly participant: Participant }
  | { readonly type: "leave"; readonly participant: Participant }
  | {
      readonly type: "request";
      readonly from: Participant;
      readonly party: string;
      readonly priority: number;
      readonly mayTalk: boolean;
      /** Whether a priority above the talker's takes the floor. */
      readonly mayPreempt: boolean;
      /** Whether it can be queued: its participant knows what that is (mc_queueing, TS 24.380 §14.2.2). */
      readonly mayQueue: boolean;
    }
  /** The floor is let go, or no longer waited for. */
  | { readonly type: "release"; readonly from: Participant }
  /** Floor Queue Position Request. */
  | { readonly type: "position"; readonly from: Participant }
  /** Media flows from a participant. Sent now and then while it does, well within T1. */
  | { readonly type: "media"; readonly from: Participant }
  /** A Granted was acknowledged. */
  | { readonly type: "acknowledge"; readonly from: Participant }
  /** A burst that another arbiter granted is ruled from here on. Whoever adopts has told everyone. */
  | { readonly type: "adopt"; readonly talker: Participant; readonly party: string; readonly priority: number }
  /** The burst that another arbiter granted has ended. */
  | { readonly type: "adopt-idle" }
  /** The present burst must end: a conflict was lost. */
  | { readonly type: "revoke"; readonly cause: number }
  /** Whose broadcast it is, as far as another arbiter has ruled it; or it is over. */
  | { readonly type: "originator"; readonly participant?: Participant }
  /** Another arbiter rules from here on, and knows nothing of who waits: they ask again. */
  | { readonly type: "abdicate" };

export type ArbiterEffect =
  /** The first grant after a silence longer than T4 … */
  | { readonly do: "bridge" }
  /** … and T4 is over. */
  | { readonly do: "unbridge" }
  /** `durationMs` is T2 as a whole, also where a burst goes on with the rest of it. `waiting`: how many are queued. */
  | {
      readonly do: "grant";
      readonly to: Participant;
      readonly durationMs: number;
      readonly priority: number;
      readonly waiting: number;
    }
  /** So much of T2 is left. */
  | {
      readonly do: "warn";
      readonly to: Participant;
      readonly durationMs: number;
      readonly priority: number;
      readonly waiting: number;
    }
  | { readonly do: "deny"; readonly to: Participant; readonly cause: number }
  /** Floor Queue Position Info: 1 is next, `queuePosition.none` is not queued. */
  | {
      readonly do: "queued";
      readonly to: Participant;
      readonly position: number;
      readonly priority: number;
      readonly waiting: number;
    }
  | { readonly do: "revoke"; readonly to: Participant; readonly cause: number }
  /** To everyone but the talker, whose gate opens. Again, when its priority is another. */
  | { readonly do: "taken"; readonly talker: Participant; readonly party: string; readonly priority: number }
  | {
      readonly do: "taken-to";
      readonly to: Participant;
      readonly talker: Participant;
      readonly party: string;
      readonly priority: number;
    }
  /** To everyone. */
  | { readonly do: "idle" }
  | { readonly do: "idle-to"; readonly to: Participant }
  /** The talker lost the floor: its gate closes behind what is in flight. */
  | { readonly do: "close-gate"; readonly talker: Participant };

/** "flutter", "warning" and "block" are ours; the others are those of TS 24.380 §11.1.2. */
export const arbiterTimers = ["T1", "T2", "T3", "T4", "T7", "T8", "T20", "flutter", "warning", "block"] as const;
export type ArbiterTimer = (typeof arbiterTimers)[number];

export const arbiterInitial: ArbiterState = { in: "idle", bridged: false, told: 0, queue: [], blocked: [] };
