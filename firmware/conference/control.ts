/**
 * Who controls a talkgroup's floor, and what of floor control crosses the trunk to other gateways. Pure.
 * One gateway runs the arbiter ("controlling"); the others pass their legs' messages to it and its rulings back
 * ("participating"). Control changes hands while the floor is idle; only the loss of the controller moves it in
 * mid-burst, and then the burst lives on. A controller that does not answer is stood in for, for one burst.
 * It knows no sockets, no media and no MQTT; participants are keys "gateway/leg".
 */
import type { ArbiterEffect } from "../floor/arbiter-state.ts";
import {
  acknowledgeBit,
  ackSource,
  denyCause,
  type FloorMessage,
  floorSubtype,
  revokeCause,
} from "../floor/message.ts";
import { priorityOf } from "../floor/urgency.ts";
import type { Expiry, Machine, TimerEffect } from "../machine.ts";
import {
  announce,
  announceIdle,
  asked,
  idleMessage,
  lastEpoch,
  outranks,
  asking as question,
  sendTo,
  standInEpoch,
  taken,
} from "./claim.ts";
import {
  type Burst,
  type ControlEffect,
  type ControlEvent,
  type ControlLimits,
  type ControlState,
  type ControlTimer,
  type FloorRequest,
  gatewayOf,
  type ParticipantKey,
  type TrunkMessage,
} from "./control-state.ts";
import type { FloorRole, GatewayId } from "./protocol.ts";

type Effects = readonly (ControlEffect | TimerEffect<ControlTimer>)[];
type Step = readonly [ControlState, Effects];

/** After a release that the controller does not confirm, the floor is taken for idle so much later, ms. */
const unconfirmedReleaseMs = 500;
/** The controller's own T1 comes first; this is for a controller that is gone, ms. */
const silenceGraceMs = 500;

export function control(
  self: GatewayId,
  limits: ControlLimits,
): Machine<ControlState, ControlEvent, ControlEffect, ControlTimer> {
  const isLocal = (participant: ParticipantKey): boolean => gatewayOf(participant) === self;
  const controlling = (state: ControlState): boolean => state.controller === self;
  const controllerOf = (role: FloorRole): GatewayId => (role.in === "controlling" ? self : role.controller);

  /** Takes on the wanted role. Called while the floor is idle, or when the present controller is gone. */
  function settle({ standIn, ...state }: ControlState): ControlState {
    const controller = controllerOf(state.wanted);
    const begins = controller === self && (standIn || state.controller !== self);
    return { ...state, controller, epoch: begins ? Math.min(state.epoch + 1, lastEpoch) : state.epoch };
  }

  function opened(state: ControlState, burst: Burst): Step {
    const { asking, ...rest } = state;
    return [
      { ...rest, burst },
      [
        ...(asking ? [{ stop: "answer" } as const] : []),
        { stop: "hang" },
        { do: "bridge" },
        { do: "open", talker: burst.talker, party: burst.party },
        { do: "tell-all", except: burst.talker, message: taken(burst) },
      ],
    ];
  }

  function idled(state: ControlState): Step {
    const { burst, ...rest } = state;
    if (!burst) return [settle(state), []];
    return [
      settle(rest),
      [
        { do: "close" },
        { do: "tell-all", message: idleMessage },
        { stop: "silence" },
        { start: "hang", ms: limits.hangMs },
      ],
    ];
  }

  function both(first: Step, more: (state: ControlState) => Step): Step {
    const [middle, effects] = first;
    const [after, rest] = more(middle);
    return [after, [...effects, ...rest]];
  }

  function onRole(state: ControlState, role: FloorRole): Step {
    const next: ControlState = { ...state, wanted: role };
    const { burst } = next;
    if (!burst) {
      const settled = settle(next);
      // Whoever has just appeared, or missed something, learns the state of the floor.
      return [settled, controlling(settled) ? [announceIdle(settled)] : []];
    }
    if (controlling(next)) return [next, role.peers.length > 0 ? [announce(burst)] : []];
    if (controllerOf(role) === next.controller || role.peers.includes(next.controller)) return [next, []];
    // The controller is gone in mid-burst: the burst lives on under its successor.
    const settled = settle(next);
    if (!controlling(settled)) return [settled, []];
    const adopted: Burst = { ...burst, authority: self, epoch: settled.epoch };
    const after: Step = [{ ...settled, burst: adopted }, [{ stop: "silence" }, adopt(adopted), announce(adopted)]];
    return burst.released ? both(after, (now) => onRelease(now, burst.talker)) : after;
  }

  const adopt = ({ talker, party, priority }: Burst): ControlEffect => ({
    do: "arbitrate",
    event: { type: "adopt", talker, party, priority },
  });

  function onRequest(state: ControlState, request: FloorRequest): Step {
    if (controlling(state)) return [state, [{ do: "arbitrate", event: { type: "request", ...request } }]];
    // The controller knows no users of other gateways: each answers for its own.
    if (!request.mayTalk)
      return [
        state,
        [{ do: "tell", participant: request.from, message: { type: "deny", cause: denyCause.receiveOnly } }],
      ];
    const forward = question(state, request);
    // Only one question is timed; a leg that asks meanwhile asks again by its own T101.
    if (state.asking) return [state, [forward]];
    return [{ ...state, asking: request }, [forward, { start: "answer", ms: limits.answerMs }]];
  }

  /** What only the arbiter knows. */
  function pass(
    state: ControlState,
    event: { readonly type: "position" | "acknowledge"; readonly from: ParticipantKey },
  ): Step {
    if (controlling(state)) return [state, [{ do: "arbitrate", event }]];
    const message: FloorMessage =
      event.type === "position"
        ? { type: "queue-request" }
        : { type: "ack", of: floorSubtype.granted | acknowledgeBit, source: ackSource.participating };
    return [state, [sendTo(state, state.controller, event.from, message)]];
  }

  function onRelease(state: ControlState, from: ParticipantKey): Step {
    const { asking, ...rest } = state;
    const withdrawn: Step = asking?.from === from ? [rest, [{ stop: "answer" }]] : [state, []];
    return both(withdrawn, (now) => {
      if (controlling(now)) return [now, [{ do: "arbitrate", event: { type: "release", from } }]];
      const forward = sendTo(now, now.controller, from, { type: "release" });
      if (now.burst?.talker !== from || now.burst.released) return [now, [forward]];
      return [
        { ...now, burst: { ...now.burst, released: true } },
        [forward, { do: "close" }, { start: "silence", ms: unconfirmedReleaseMs }],
      ];
    });
  }

  /** This gateway's arbiter has spoken: legs here are told, participants elsewhere are sent word. */
  function onRuling(state: ControlState, ruling: ArbiterEffect): Step {
    const say = (to: ParticipantKey, message: FloorMessage, priority?: number): ControlEffect =>
      isLocal(to) ? { do: "tell", participant: to, message } : sendTo(state, gatewayOf(to), to, message, priority);

    // An arbiter that controls no more has nothing to say; its timers may still run out.
    if (!controlling(state)) return [state, []];
    switch (ruling.do) {
      // Who is told how much is left knows that it will be cut.
      case "grant":
      case "warn": {
        const { to, durationMs, priority, waiting } = ruling;
        const durationS = Math.ceil(durationMs / 1000);
        const queueSize = waiting > 0 ? { queueSize: waiting } : {};
        return [
          state,
          [say(to, { type: "granted", durationS, priority: priorityOf(priority), ...queueSize }, priority)],
        ];
      }
      case "queued": {
        const { to, position, priority, waiting: queueSize } = ruling;
        return [state, [say(to, { type: "queue-info", position, priority: priorityOf(priority), queueSize })]];
      }
      case "deny":
        // Who stood in for nothing gives control back.
        return [state.burst ? state : settle(state), [say(ruling.to, { type: "deny", cause: ruling.cause })]];
      case "revoke":
        return [state, revoked(state, ruling.to, { type: "revoke", cause: ruling.cause })];
      case "taken": {
        const { talker, party, priority } = ruling;
        if (state.burst?.talker === talker) return weighed(state, state.burst, priority);
        const epoch = state.standIn ? standInEpoch : state.epoch;
        const burst: Burst = { talker, party, priority, authority: self, epoch, released: false };
        return both(opened(state, burst), (now) => [now, [announce(burst)]]);
      }
      case "idle": {
        if (!state.burst) return [state, [announceIdle(state), { do: "tell-all", message: idleMessage }]];
        return both([state, state.burst.authority === self ? [announceIdle(state)] : []], idled);
      }
      case "close-gate":
        return [state, [{ do: "close" }]];
      // Bridging follows the burst, whoever rules it; late entry is answered from the burst as well.
      case "bridge":
      case "unbridge":
      case "taken-to":
      case "idle-to":
        return [state, []];
    }
  }

  /** Every gateway learns that the burst is cut: each may have a voice log. */
  function revoked(state: ControlState, participant: ParticipantKey, message: FloorMessage): Effects {
    const toAll = sendTo(state, "all", participant, message);
    return isLocal(participant) ? [{ do: "tell", participant, message }, toAll] : [toAll];
  }

  function onTrunk(state: ControlState, trunk: TrunkMessage): Step {
    const seen: ControlState = { ...state, epoch: Math.max(state.epoch, trunk.epoch) };
    const { from, participant, message } = trunk;
    switch (message.type) {
      case "request":
        // Who asks the wrong gateway asks again by T101, by then knowing better.
        if (!controlling(seen) || gatewayOf(participant) !== from) return [seen, []];
        return onRequest(seen, asked(trunk, message));
      case "release":
        if (!controlling(seen) || gatewayOf(participant) !== from) return [seen, []];
        return [seen, [{ do: "arbitrate", event: { type: "release", from: participant } }]];
      case "granted":
        if (from !== (controlling(seen) ? controllerOf(seen.wanted) : seen.controller)) return [seen, []];
        return isLocal(participant) ? onGranted(seen, trunk) : [seen, []];
      case "revoke":
        return from === seen.controller ? answered(seen, participant, message) : [seen, []];
      case "deny":
      case "queue-info":
        return from === seen.controller && isLocal(participant) ? answered(seen, participant, message) : [seen, []];
      case "taken":
        return onTaken(seen, trunk);
      case "idle":
        return onIdle(seen, from);
      case "queue-request":
        if (!controlling(seen) || gatewayOf(participant) !== from) return [seen, []];
        return [seen, [{ do: "arbitrate", event: { type: "position", from: participant } }]];
      case "ack":
        if (!controlling(seen) || gatewayOf(participant) !== from) return [seen, []];
        return [seen, [{ do: "arbitrate", event: { type: "acknowledge", from: participant } }]];
    }
  }

  /** The controller has answered a leg here, or revoked one elsewhere. */
  function answered(state: ControlState, participant: ParticipantKey, message: FloorMessage): Step {
    const told: Effects = [{ do: "tell", participant, message }];
    const { asking, ...rest } = state;
    return asking?.from === participant ? [rest, [{ stop: "answer" }, ...told]] : [state, told];
  }

  /** The burst goes on with another priority. */
  function weighed(state: ControlState, before: Burst, priority: number): Step {
    if (before.priority === priority) return [state, []];
    const burst: Burst = { ...before, priority };
    return [{ ...state, burst }, [announce(burst), { do: "tell-all", except: burst.talker, message: taken(burst) }]];
  }

  function onGranted(state: ControlState, trunk: TrunkMessage): Step {
    const { from, participant, party, epoch, priority, message } = trunk;
    const { burst: before } = state;
    // It comes too late: the leg is gone, or this gateway has stood in. The floor is not to be held for nobody.
    if (party === undefined || controlling(state))
      return [state, before?.talker === participant ? [] : [sendTo(state, from, participant, { type: "release" })]];
    const told: Effects = [{ do: "tell", participant, message }];
    // A grant to a leg that has let go meanwhile is answered by that leg with Release.
    if (before?.talker === participant && !before.released) return [state, told];
    const burst: Burst = { talker: participant, party, priority, authority: from, epoch, released: false };
    return both(opened(state, burst), (now) => [
      now,
      [...told, { start: "silence", ms: limits.endOfMediaMs + silenceGraceMs }],
    ]);
  }

  function onTaken(state: ControlState, trunk: TrunkMessage): Step {
    const { from, participant, epoch, priority, message } = trunk;
    if (message.type !== "taken") return [state, []];
    const { burst } = state;
    if (burst?.talker === participant) {
      if (from !== burst.authority || burst.priority === priority) return [state, []];
      const now: Burst = { ...burst, priority };
      return [{ ...state, burst: now }, [{ do: "tell-all", except: now.talker, message: taken(now) }]];
    }
    const theirs: Burst = {
      talker: participant,
      party: message.party,
      priority,
      authority: from,
      epoch,
      released: false,
    };
    // A burst of this gateway's own leg that the leg knows nothing of: its Granted was lost, and T101 asks again.
    if (isLocal(participant)) return [state, []];
    const isLastWord = from === state.controller || from === burst?.authority;
    if (burst && !isLastWord && !outranks(theirs, burst))
      return [state, controlling(state) && burst.authority === self ? [announce(burst)] : []];

    const lost: Effects =
      burst && isLocal(burst.talker) && !burst.released
        ? [{ do: "tell", participant: burst.talker, message: { type: "revoke", cause: revokeCause.preempted } }]
        : [];
    const watch: Effects = controlling(state)
      ? [adopt(theirs)]
      : [{ start: "silence", ms: limits.endOfMediaMs + silenceGraceMs }];
    return both([state, lost], (now) => both(opened(now, theirs), (open) => [open, watch]));
  }

  function onIdle(state: ControlState, from: GatewayId): Step {
    const { burst } = state;
    if (!burst) return [settle(state), []];
    const believed = from === burst.authority || from === state.controller || from === gatewayOf(burst.talker);
    if (!believed) return [state, []];
    if (controlling(state)) return [state, [{ do: "arbitrate", event: { type: "adopt-idle" } }]];
    return idled(state);
  }

  function onMedia(state: ControlState): Step {
    if (!state.burst) return [state, []];
    if (controlling(state)) return [state, [{ do: "arbitrate", event: { type: "media", from: state.burst.talker } }]];
    if (state.burst.released) return [state, []];
    return [state, [{ start: "silence", ms: limits.endOfMediaMs + silenceGraceMs }]];
  }

  function onExpiry(state: ControlState, timer: ControlTimer): Step {
    switch (timer) {
      case "hang":
        return [state, [{ do: "unbridge" }]];
      case "silence":
        return controlling(state) ? [state, []] : idled(state);
      case "answer": {
        const { asking, ...rest } = state;
        if (!asking || controlling(state)) return [rest, []];
        // Never silent: the site's own floor is arbitrated here until this burst has ended.
        const standIn: ControlState = { ...rest, controller: self, standIn: true };
        return [standIn, [{ do: "arbitrate", event: { type: "request", ...asking } }]];
      }
    }
  }

  function onLeave(state: ControlState, participant: ParticipantKey): Step {
    if (controlling(state)) return [state, [{ do: "arbitrate", event: { type: "leave", participant } }]];
    return state.burst?.talker === participant || state.asking?.from === participant
      ? onRelease(state, participant)
      : [state, []];
  }

  /** A question to a gateway that controls no more is put to its successor. */
  function askAgain([after, effects]: Step, before: ControlState): Step {
    const { asking, ...rest } = after;
    if (!asking || after.controller === before.controller) return [after, effects];
    return both([rest, [...effects, { stop: "answer" }]], (now) => onRequest(now, asking));
  }

  function step(state: ControlState, event: ControlEvent | Expiry<ControlTimer>): Step {
    switch (event.type) {
      case "opened":
        return state.burst ? [state, []] : [state, [{ start: "hang", ms: limits.hangMs }]];
      case "role":
        return onRole(state, event.role);
      case "request":
        return onRequest(state, event.request);
      case "release":
        return onRelease(state, event.from);
      case "announce":
        return [state, [state.burst ? announce(state.burst) : announceIdle(state)]];
      case "position":
      case "acknowledge":
        return pass(state, event);
      case "leave":
        return onLeave(state, event.participant);
      case "trunk":
        return onTrunk(state, event.trunk);
      case "media":
        return onMedia(state);
      case "ruled":
        return onRuling(state, event.ruling);
      case "expiry":
        return onExpiry(state, event.timer);
    }
  }

  /** Who controls no more forgets who waits for its ruling. */
  function abdicate([after, effects]: Step, before: ControlState): Step {
    if (!controlling(before) || controlling(after)) return [after, effects];
    return [after, [...effects, { do: "arbitrate", event: { type: "abdicate" } }]];
  }

  return (state, event) => abdicate(askAgain(step(state, event), state), state);
}
