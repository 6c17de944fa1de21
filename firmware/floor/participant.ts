/**
 * The floor participant of one terminal (TS 24.380 §6.2.4, basic operation): between the button and the floor control
 * server. Decides when the microphone is kept, sent and stopped, and what the user is told. It knows no sockets, tones or
 * lamps. Queueing (T104, T132) is not negotiated: a Queue Position Info only shows that the server is there.
 *
 * After a denial, a revoke or no answer the button is `held`: nothing happens until it has been let go.
 */
import type { Expiry, Machine, TimerEffect } from "../machine.ts";
import { acknowledgeBit, ackSource, type FloorMessage, floorSubtype, revokeCause } from "./message.ts";

/** Timers in ms, counters in messages sent; names as in TS 24.380 §11. */
export interface ParticipantLimits {
  /** Floor Release is repeated until the floor is known to be another's or nobody's. */
  readonly T100: number;
  readonly C100: number;
  /** Floor Request is repeated until it is answered. */
  readonly T101: number;
  readonly C101: number;
  /** Silence after which the other's burst is over. */
  readonly T103: number;
}

export const participantDefaults: ParticipantLimits = { T100: 500, C100: 3, T101: 500, C101: 4, T103: 4000 };

/** `party`: whose burst is heard, as last told. `sent`: requests or releases sent and not answered. */
export type ParticipantState = { readonly party?: string } & (
  | { readonly in: "no-permission"; readonly held: boolean }
  | { readonly in: "pending-request"; readonly priority: number; readonly sent: number }
  /** `sent` > 0: the server said that the floor is not ours, and has been asked again. */
  | { readonly in: "has-permission"; readonly priority: number; readonly sent: number }
  | { readonly in: "pending-release"; readonly held: boolean; readonly sent: number }
);

export type ParticipantEvent =
  /** Priority 0..255. */
  | { readonly type: "press"; readonly priority: number }
  | { readonly type: "unpress" }
  | { readonly type: "message"; readonly message: FloorMessage; readonly acknowledge: boolean }
  /** Someone's media is heard. Sent now and then while it is, well within T103. */
  | { readonly type: "media" }
  /** The session with the server is gone. */
  | { readonly type: "disconnected" };

/** Every `capture` is followed by `talk` or by one of `mute`, `denied`, `failed`; every `talk` by one of `mute`, `revoked`, `failed`. */
export type ParticipantEffect =
  | { readonly do: "send"; readonly message: FloorMessage }
  /** The button is down: keep what the microphone hears. */
  | { readonly do: "capture" }
  /** The floor is granted: the talk-permit tone, and what was kept and what comes are sent. */
  | { readonly do: "talk" }
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
  | { readonly do: "silence" };

export type ParticipantTimer = "T100" | "T101" | "T103";

export const participantInitial: ParticipantState = { in: "no-permission", held: false };

type Effects = readonly (ParticipantEffect | TimerEffect<ParticipantTimer>)[];
type Step = readonly [ParticipantState, Effects];
type In<Name extends ParticipantState["in"]> = Extract<ParticipantState, { readonly in: Name }>;
type Event = ParticipantEvent | Expiry<ParticipantTimer>;

export function participant(
  limits: ParticipantLimits,
): Machine<ParticipantState, ParticipantEvent, ParticipantEffect, ParticipantTimer> {
  const request = (priority: number): Effects => [
    { do: "send", message: { type: "request", priority } },
    { start: "T101", ms: limits.T101 },
  ];
  const release: Effects = [
    { do: "send", message: { type: "release" } },
    { stop: "T101" },
    { start: "T100", ms: limits.T100 },
  ];

  /** Someone else talks. */
  function listen(state: ParticipantState, party: string): Step {
    const renew = { start: "T103", ms: limits.T103 } as const;
    if (state.party === party) return [state, [renew]];
    return [{ ...state, party }, [{ do: "listening", party }, renew]];
  }

  /** Nobody talks. */
  function hush(state: ParticipantState): Step {
    if (state.party === undefined) return [state, []];
    const { party: _, ...rest } = state;
    return [rest, [{ do: "silence" }, { stop: "T103" }]];
  }

  const heard = (state: ParticipantState): Step => [
    state,
    state.party === undefined ? [] : [{ start: "T103", ms: limits.T103 }],
  ];

  function then([state, effects]: Step, more: Effects): Step {
    return [state, [...effects, ...more]];
  }

  const party = (state: ParticipantState) => (state.party === undefined ? {} : { party: state.party });

  function press(state: ParticipantState, priority: number): Step {
    return [
      { in: "pending-request", priority, sent: 1, ...party(state) },
      [...request(priority), { do: "capture" }, { stop: "T100" }],
    ];
  }

  /** The request is taken back: it may have been granted. */
  function withdraw(state: In<"pending-request">, held: boolean, effect: ParticipantEffect): Step {
    return [{ in: "pending-release", held, sent: 1, ...party(state) }, [effect, ...release]];
  }

  /** Not talking, and the server knows. */
  function done(state: In<"pending-release">): ParticipantState {
    return { in: "no-permission", held: state.held, ...party(state) };
  }

  function disconnect(state: ParticipantState, held: boolean, effects: Effects): Step {
    const [after, hushed] = hush({ in: "no-permission", held, ...party(state) });
    return [after, [...effects, ...hushed, { stop: "T100" }, { stop: "T101" }]];
  }

  function noPermission(state: In<"no-permission">, event: Event): Step {
    switch (event.type) {
      case "press":
        return state.held ? [state, []] : press(state, event.priority);
      case "unpress":
        return [{ ...state, held: false }, []];
      case "media":
        return heard(state);
      case "disconnected":
        return disconnect(state, state.held, []);
      case "message":
        return toldOutside(state, event.message);
      case "expiry":
        return event.timer === "T103" ? hush(state) : [state, []];
    }
  }

  function toldOutside(state: In<"no-permission">, message: FloorMessage): Step {
    switch (message.type) {
      // The button was let go before the answer came.
      case "granted":
        return [{ ...state, in: "pending-release", sent: 1 }, release];
      case "taken":
        return listen(state, message.party);
      case "idle":
        return hush(state);
      case "deny":
      case "revoke":
      case "queue-info":
      case "request":
      case "release":
      case "queue-request":
      case "ack":
        return [state, []];
    }
  }

  function pendingRequest(state: In<"pending-request">, event: Event): Step {
    switch (event.type) {
      case "press":
        return [state, []];
      case "unpress":
        return withdraw(state, false, { do: "mute" });
      case "media":
        return heard(state);
      case "disconnected":
        return disconnect(state, true, [{ do: "failed" }]);
      case "message":
        return toldPendingRequest(state, event.message);
      case "expiry":
        switch (event.timer) {
          case "T101":
            // A grant that got lost must not hold the floor: the release goes out all the same.
            if (state.sent >= limits.C101) return withdraw(state, true, { do: "failed" });
            return [{ ...state, sent: state.sent + 1 }, request(state.priority)];
          case "T103":
            return hush(state);
          case "T100":
            return [state, []];
        }
    }
  }

  function toldPendingRequest(state: In<"pending-request">, message: FloorMessage): Step {
    switch (message.type) {
      case "granted": {
        const [, hushed] = hush(state);
        return [
          { in: "has-permission", priority: state.priority, sent: 0 },
          [{ stop: "T101" }, ...hushed, { do: "talk" }],
        ];
      }
      case "deny":
        return [
          { in: "no-permission", held: true, ...party(state) },
          [{ stop: "T101" }, { do: "denied", cause: message.cause }],
        ];
      // §6.2.4.4 takes it for a denial; but it may have crossed with a request that pre-empts, and a Deny will tell.
      case "taken":
        return listen(state, message.party);
      case "idle":
        return hush(state);
      // The server has the request: it may take its time.
      case "queue-info":
        return [{ ...state, sent: 1 }, [{ start: "T101", ms: limits.T101 }]];
      // Of the burst before.
      case "revoke":
      case "request":
      case "release":
      case "queue-request":
      case "ack":
        return [state, []];
    }
  }

  /** The server speaks of a floor that is not ours: an old message that our Granted overtook, or a Revoke was lost. Asking tells. */
  function doubt(state: In<"has-permission">): Step {
    if (state.sent > 0) return [state, []];
    return [{ ...state, sent: 1 }, request(state.priority)];
  }

  /** The floor is lost or let go; whoever was said to have it meanwhile is heard. */
  function leave(state: In<"has-permission">, held: boolean, effect: ParticipantEffect): Step {
    const released: ParticipantState = { in: "pending-release", held, sent: 1 };
    const [after, effects]: Step = state.party === undefined ? [released, []] : listen(released, state.party);
    return [after, [effect, ...release, ...effects]];
  }

  function hasPermission(state: In<"has-permission">, event: Event): Step {
    switch (event.type) {
      case "unpress":
        return leave(state, false, { do: "mute" });
      case "press":
      case "media":
        return [state, []];
      case "disconnected":
        return disconnect({ in: "no-permission", held: true }, true, [{ do: "failed" }]);
      case "message":
        return toldTalking(state, event.message);
      case "expiry":
        if (event.timer !== "T101") return [state, []];
        if (state.sent >= limits.C101) return leave(state, true, { do: "revoked", cause: revokeCause.noPermission });
        return [{ ...state, sent: state.sent + 1 }, request(state.priority)];
    }
  }

  function toldTalking(state: In<"has-permission">, message: FloorMessage): Step {
    switch (message.type) {
      case "granted":
        return [{ in: "has-permission", priority: state.priority, sent: 0 }, [{ stop: "T101" }]];
      case "revoke":
        return leave(state, true, { do: "revoked", cause: message.cause });
      case "taken":
        return doubt({ ...state, party: message.party });
      case "idle":
        return doubt({ in: "has-permission", priority: state.priority, sent: state.sent });
      case "deny":
        if (state.sent === 0) return [state, []];
        return leave(state, true, { do: "revoked", cause: revokeCause.noPermission });
      case "queue-info":
      case "request":
      case "release":
      case "queue-request":
      case "ack":
        return [state, []];
    }
  }

  function pendingRelease(state: In<"pending-release">, event: Event): Step {
    switch (event.type) {
      case "press":
        return state.held ? [state, []] : press(state, event.priority);
      case "unpress":
        return [{ ...state, held: false }, []];
      // §6.2.4.6: someone who is heard has the floor.
      case "media":
        return then(heard(done(state)), [{ stop: "T100" }]);
      case "disconnected":
        return disconnect(state, state.held, []);
      case "message":
        return toldPendingRelease(state, event.message);
      case "expiry":
        switch (event.timer) {
          case "T100":
            if (state.sent >= limits.C100) return [done(state), []];
            return [{ ...state, sent: state.sent + 1 }, release];
          case "T103":
            return hush(state);
          case "T101":
            return [state, []];
        }
    }
  }

  function toldPendingRelease(state: In<"pending-release">, message: FloorMessage): Step {
    switch (message.type) {
      case "taken":
        return then(listen(done(state), message.party), [{ stop: "T100" }]);
      case "idle":
        return then(hush(done(state)), [{ stop: "T100" }]);
      case "deny":
        return [done(state), [{ stop: "T100" }]];
      // It crossed with the release, or the release was lost.
      case "granted":
        return [state, release];
      case "revoke":
      case "queue-info":
      case "request":
      case "release":
      case "queue-request":
      case "ack":
        return [state, []];
    }
  }

  function step(state: ParticipantState, event: Event): Step {
    switch (state.in) {
      case "no-permission":
        return noPermission(state, event);
      case "pending-request":
        return pendingRequest(state, event);
      case "has-permission":
        return hasPermission(state, event);
      case "pending-release":
        return pendingRelease(state, event);
    }
  }

  return (state, event) => {
    const [after, effects] = step(state, event);
    if (event.type !== "message" || !event.acknowledge) return [after, effects];
    const of = floorSubtype[event.message.type] | acknowledgeBit;
    return [after, [{ do: "send", message: { type: "ack", of, source: ackSource.participant } }, ...effects]];
  };
}
