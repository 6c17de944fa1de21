/**
 * The floor participant of one terminal (TS 24.380 §6.2.4, basic operation): between the button and the floor control
 * server. Decides when the microphone is kept, sent and stopped, and what the user is told. It knows no sockets, tones or
 * lamps. Whether there is a queue is the server's matter: who is told of a place in it waits.
 *
 * After a denial, a revoke or no answer the button is `held`: nothing happens until it has been let go.
 */
import type { Expiry, Machine } from "../machine.ts";
import {
  acknowledgeBit,
  ackSource,
  type FloorMessage,
  floorSubtype,
  isOfServer,
  queuePosition,
  revokeCause,
} from "./message.ts";
import { askOf, type Effects, type In, isMore, known, moves, type Step, then } from "./participant-moves.ts";
import type {
  Ask,
  ParticipantEffect,
  ParticipantEvent,
  ParticipantLimits,
  ParticipantState,
  ParticipantTimer,
} from "./participant-state.ts";
import { urgencyIn } from "./urgency.ts";

type Event = ParticipantEvent | Expiry<ParticipantTimer>;

/** Whoever calls an emergency presses another button than the one that was held too long. */
const isIgnored = ({ held }: { readonly held: boolean }, ask: Ask): boolean => held && !isMore(ask, { priority: 0 });

export function participant(
  limits: ParticipantLimits,
): Machine<ParticipantState, ParticipantEvent, ParticipantEffect, ParticipantTimer> {
  const {
    ask,
    denied,
    disconnect,
    done,
    doubt,
    granted,
    heard,
    hush,
    leave,
    listen,
    press,
    release,
    request,
    untilWarning,
    withdraw,
  } = moves(limits);

  // §6.2.4.3
  function noPermission(state: In<"no-permission">, event: Event): Step {
    switch (event.type) {
      case "press":
        return isIgnored(state, event) ? [state, []] : press(state, event);
      case "unpress":
        return [{ ...state, held: false }, []];
      case "calm":
        return [{ ...state, in: "pending-release", sent: 1, ends: true }, release(true)];
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
        return [{ ...state, in: "pending-release", sent: 1 }, release()];
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

  // §6.2.4.4
  function pendingRequest(state: In<"pending-request">, event: Event): Step {
    switch (event.type) {
      case "press":
        return isMore(event, state) ? ask(state, event) : [state, []];
      case "unpress":
        return withdraw(state, false, { do: "mute" });
      case "media":
        return heard(state);
      case "disconnected":
        return disconnect(state, true, [{ do: "failed" }]);
      case "message":
        return toldPendingRequest(state, event.message);
      case "calm":
        return [state, []];
      case "expiry":
        switch (event.timer) {
          case "T101":
            // A grant that got lost must not hold the floor: the release goes out all the same.
            if (state.sent >= limits.C101) return withdraw(state, true, { do: "failed" });
            return [{ ...state, sent: state.sent + 1 }, request(state)];
          case "T103":
            return hush(state);
          case "T100":
          case "T104":
          case "warning":
            return [state, []];
        }
    }
  }

  function toldPendingRequest(state: In<"pending-request">, message: FloorMessage): Step {
    switch (message.type) {
      case "granted":
        return granted(state, message);
      case "deny":
        return denied(state, message.cause);
      // §6.2.4.4 takes it for a denial; but it may have crossed with a request that pre-empts, and a Deny will tell.
      case "taken":
        return listen(state, message.party);
      case "idle":
        return hush(state);
      case "queue-info": {
        const { position } = message;
        // Of a question before this request.
        if (position === queuePosition.none) return [state, []];
        return [
          { in: "queued", ...askOf(state), position, sent: 0, ...known(state) },
          [{ stop: "T101" }, { start: "T104", ms: limits.T104 }, { do: "queued", position }],
        ];
      }
      // Of the burst before.
      case "revoke":
      case "request":
      case "release":
      case "queue-request":
      case "ack":
        return [state, []];
    }
  }

  // §6.2.4.9
  function queued(state: In<"queued">, event: Event): Step {
    switch (event.type) {
      case "press":
        return isMore(event, state) ? ask(state, event) : [state, []];
      case "unpress":
        return withdraw(state, false, { do: "mute" });
      case "media":
        return heard(state);
      case "disconnected":
        return disconnect(state, true, [{ do: "failed" }]);
      case "message":
        return toldQueued(state, event.message);
      case "calm":
        return [state, []];
      case "expiry":
        switch (event.timer) {
          // The server may be gone, and with it the queue: then the floor is asked for anew, and what comes of that is told.
          case "T104":
            if (state.sent >= limits.C104) return ask(state, state);
            return [
              { ...state, sent: state.sent + 1 },
              [
                { do: "send", message: { type: "queue-request" } },
                { start: "T104", ms: limits.T104 },
              ],
            ];
          case "T103":
            return hush(state);
          case "T100":
          case "T101":
          case "warning":
            return [state, []];
        }
    }
  }

  function toldQueued(state: In<"queued">, message: FloorMessage): Step {
    switch (message.type) {
      case "granted":
        return granted(state, message);
      case "deny":
        return denied(state, message.cause);
      case "taken":
        return listen(state, message.party);
      case "idle":
        return hush(state);
      case "queue-info": {
        const { position } = message;
        if (position === queuePosition.none) return ask(state, state);
        const told: Effects = position === state.position ? [] : [{ do: "queued", position }];
        return [{ ...state, position, sent: 0 }, [{ start: "T104", ms: limits.T104 }, ...told]];
      }
      case "revoke":
      case "request":
      case "release":
      case "queue-request":
      case "ack":
        return [state, []];
    }
  }

  // §6.2.4.5
  function hasPermission(state: In<"has-permission">, event: Event): Step {
    switch (event.type) {
      case "press":
        return isMore(event, state) ? [{ ...state, ...askOf(event), sent: 1 }, request(event)] : [state, []];
      case "unpress":
        return leave(state, false, { do: "mute" });
      case "media":
      case "calm":
        return [state, []];
      case "disconnected": {
        const { party: _, ...rest } = known(state);
        return disconnect({ in: "no-permission", held: true, ...rest }, true, [{ do: "failed" }]);
      }
      case "message":
        return toldTalking(state, event.message);
      case "expiry":
        switch (event.timer) {
          case "T101":
            if (state.sent >= limits.C101)
              return leave(state, true, { do: "revoked", cause: revokeCause.noPermission });
            return [{ ...state, sent: state.sent + 1 }, request(state)];
          case "warning":
            return state.warned ? [state, []] : [{ ...state, warned: true }, [{ do: "warn" }]];
          case "T100":
          case "T103":
          case "T104":
            return [state, []];
        }
    }
  }

  function toldTalking(state: In<"has-permission">, message: FloorMessage): Step {
    switch (message.type) {
      case "granted": {
        const { party: _, ...rest } = state;
        return [{ ...rest, sent: 0 }, [{ stop: "T101" }, ...untilWarning(message.durationS)]];
      }
      case "revoke":
        return leave(state, true, { do: "revoked", cause: message.cause });
      case "taken":
        return doubt({ ...state, party: message.party });
      case "idle": {
        const { party: _, ...rest } = state;
        return doubt(rest);
      }
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

  // §6.2.4.6
  function pendingRelease(state: In<"pending-release">, event: Event): Step {
    switch (event.type) {
      case "press":
        return isIgnored(state, event) ? [state, []] : press(state, event);
      case "unpress":
        return [{ ...state, held: false }, []];
      case "calm":
        return [{ ...state, sent: 1, ends: true }, release(true)];
      // §6.2.4.6: someone who is heard has the floor.
      case "media":
        return state.ends ? heard(state) : then(heard(done(state)), [{ stop: "T100" }]);
      case "disconnected":
        return disconnect(state, state.held, []);
      case "message":
        return toldPendingRelease(state, event.message);
      case "expiry":
        switch (event.timer) {
          case "T100":
            if (state.sent >= limits.C100) return [done(state), []];
            return [{ ...state, sent: state.sent + 1 }, release(state.ends)];
          case "T103":
            return hush(state);
          case "T101":
          case "T104":
          case "warning":
            return [state, []];
        }
    }
  }

  function toldPendingRelease(state: In<"pending-release">, message: FloorMessage): Step {
    switch (message.type) {
      // Nothing but an Ack says that the end of the urgency was heard of.
      case "taken":
        return state.ends ? listen(state, message.party) : then(listen(done(state), message.party), [{ stop: "T100" }]);
      case "idle":
        return state.ends ? hush(state) : then(hush(done(state)), [{ stop: "T100" }]);
      case "deny":
        return [done(state), [{ stop: "T100" }]];
      case "ack":
        if ((message.of & ~acknowledgeBit) !== floorSubtype.release) return [state, []];
        return [done(state), [{ stop: "T100" }]];
      // It crossed with the release, or the release was lost.
      case "granted":
        return [state, release(state.ends)];
      case "revoke":
      case "queue-info":
      case "request":
      case "release":
      case "queue-request":
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
      case "queued":
        return queued(state, event);
    }
  }

  /** §8.2.3.15. A server that says nothing of it changes nothing. */
  function noticed(state: ParticipantState, event: Event): Step {
    if (event.type !== "message") return [state, []];
    const { message } = event;
    const urgency = isOfServer(message) ? urgencyIn(message.indicator) : undefined;
    if (!urgency || urgency === (state.around ?? "normal")) return [state, []];
    const { around: _, ...rest } = state;
    return [{ ...rest, ...(urgency !== "normal" && { around: urgency }) }, [{ do: "urgency", urgency }]];
  }

  function acknowledged(event: Event): Effects {
    if (event.type !== "message" || !event.acknowledge) return [];
    const of = floorSubtype[event.message.type] | acknowledgeBit;
    return [{ do: "send", message: { type: "ack", of, source: ackSource.participant } }];
  }

  return (state, event) => {
    const [aware, told] = noticed(state, event);
    const [after, effects] = step(aware, event);
    return [after, [...acknowledged(event), ...told, ...effects]];
  };
}
