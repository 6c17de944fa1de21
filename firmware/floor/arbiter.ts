/**
 * The arbiter: the floor control server of one call (TS 24.380 §6.3.4, "general floor control operation"). Decides who has
 * the floor, for how long, who waits for it, and who is told. It knows no sockets, no media and no other gateway: participants are
 * keys, and whoever runs it turns effects into messages and gates.
 *
 * After a Revoke the talker is blocked: its requests are answered by the Revoke again until T3 ends, and are denied from then on,
 * until it releases. So are those of a talker that fell silent: a lease is not renewed by asking for it.
 * A talker that keys up again within `flutterMs` of its release goes on with the T2 it had.
 */
import type { Expiry, Machine } from "../machine.ts";
import {
  type ArbiterEffect,
  type ArbiterEvent,
  type ArbiterLimits,
  type ArbiterState,
  type ArbiterTimer,
  arbiterInitial,
  arbiterTimers,
  type Burst,
  type Participant,
} from "./arbiter-state.ts";
import { denyCause, queuePosition, revokeCause } from "./message.ts";
import { type Claim, enqueue, positionIn } from "./queue.ts";
import { type Effects, type In, rulings, type Step, stop } from "./rulings.ts";
import { isUrgent } from "./urgency.ts";

type Event = ArbiterEvent | Expiry<ArbiterTimer>;
type Request = Extract<ArbiterEvent, { readonly type: "request" }>;

const deny = (to: Participant, cause: number): ArbiterEffect => ({ do: "deny", to, cause });

export function arbiter(limits: ArbiterLimits): Machine<ArbiterState, ArbiterEvent, ArbiterEffect, ArbiterTimer> {
  const { adopt, block, blocking, cut, free, grant, granted, lateEntry, places, revoke, withdrawn } = rulings(limits);

  /** Why a request is not even considered. */
  function refusal(state: ArbiterState, { from, mayTalk, priority }: Request): Effects | undefined {
    if (!mayTalk) return [deny(from, denyCause.receiveOnly)];
    if (state.blocked.includes(from)) return [deny(from, denyCause.retryAfter), ...block];
    const { originator } = state;
    // An emergency waits for no announcement.
    const isOthers = originator !== undefined && originator !== from && !isUrgent(priority);
    return isOthers ? [deny(from, denyCause.receiveOnly)] : undefined;
  }

  /** §6.3.4.4.2, where the floor is another's: queued where that is possible, and denied else. */
  function wait(state: In<"taken"> | In<"revoking">, request: Request): Step {
    const { from, mayQueue } = request;
    if (!mayQueue || limits.queueLength === 0) return [state, [deny(from, denyCause.taken)]];
    const queue = enqueue(state.queue, claim(request), limits.queueLength);
    if (!queue) return [state, [deny(from, denyCause.queueFull)]];
    return [{ ...state, queue }, places(state.queue, queue, from)];
  }

  /** What is the same whoever has the floor, or nobody. */
  function anywhere(state: ArbiterState, event: Event): Step | undefined {
    switch (event.type) {
      // §6.3.5.4.5
      case "position": {
        const { from } = event;
        const position = positionIn(state.queue, from) ?? queuePosition.none;
        const priority = state.queue.find(({ talker }) => talker === from)?.priority ?? 0;
        return [state, [{ do: "queued", to: from, position, priority, waiting: state.queue.length }]];
      }
      case "originator": {
        const { originator = event.participant, ...rest } = state;
        const known = limits.broadcast && event.participant !== undefined && originator !== undefined;
        return [known ? { ...rest, originator } : rest, []];
      }
      case "abdicate":
        return [arbiterInitial, stop(...arbiterTimers)];
      case "expiry":
        return event.timer === "block" ? [{ ...state, blocked: [] }, []] : undefined;
      default:
        return undefined;
    }
  }

  // §6.3.4.3 G: Floor Idle
  function idle(state: In<"idle">, event: Event): Step {
    switch (event.type) {
      // §6.3.5.2: late entry.
      case "join":
        return [state, [{ do: "idle-to", to: event.participant }]];
      // §6.3.4.3.3
      case "request": {
        const refused = refusal(state, event);
        if (refused) return [state, refused];
        const again = state.lull?.talker === event.from;
        if (again && state.lull.spent) return [state, [deny(event.from, denyCause.retryAfter)]];
        return grant(state, claim(event), state.bridged, again ? "rest" : "whole");
      }
      // §6.3.5.7: who sends without the floor is told to stop; it may have missed that its burst has ended.
      case "media":
        // The last of its burst, still in flight.
        if (event.from === state.lull?.talker) return [state, []];
        return [state, [{ do: "revoke", to: event.from, cause: revokeCause.noPermission }]];
      case "adopt":
        return adopt(state, event, state.bridged);
      case "leave":
        return [unoriginated(state, event.participant), []];
      case "release":
      case "position":
      case "acknowledge":
      case "adopt-idle":
      case "revoke":
      case "originator":
      case "abdicate":
        return [state, []];
      case "expiry":
        switch (event.timer) {
          case "T2":
            return [state.lull ? { ...state, lull: { ...state.lull, spent: true } } : state, []];
          // §11.1.2: inactivity.
          case "T4": {
            const { originator: _, ...rest } = state;
            return [{ ...rest, bridged: false }, [{ do: "unbridge" }]];
          }
          // §11.1.2, C7.
          case "T7":
            if (state.told >= limits.tries) return [state, []];
            return [{ ...state, told: state.told + 1 }, [{ do: "idle" }, { start: "T7", ms: limits.idleMs }]];
          case "flutter": {
            const { lull: _, ...rest } = state;
            return [rest, stop("T2", "warning")];
          }
          case "warning":
            return [state, state.lull ? [{ start: "warning", ms: limits.flutterMs }] : []];
          case "T1":
          case "T3":
          case "T8":
          case "T20":
          case "block":
            return [state, []];
        }
    }
  }

  // §6.3.4.4 G: Floor Taken
  function taken(state: In<"taken">, event: Event): Step {
    switch (event.type) {
      // §6.3.5.2: late entry.
      case "join":
        return [state, [lateEntry(event.participant, state)]];
      case "leave": {
        const left = unoriginated(state, event.participant);
        return event.participant === state.talker ? free(left) : withdrawn(left, event.participant);
      }
      case "request": {
        // Its Granted was lost, or it asks for more urgency: §6.3.5.5.
        if (event.from === state.talker) {
          const same = { ...state, priority: event.priority };
          const { talker, party, priority } = same;
          const told: Effects = priority === state.priority ? [] : [{ do: "taken", talker, party, priority }];
          return [same, [granted(same, state.queue.length), ...told]];
        }
        const refused = refusal(state, event);
        if (refused) return [state, refused];
        if (!preempts(event, state)) return wait(state, event);
        const [after, told] = withdrawn(state, event.from);
        const [revoked, effects] = revoke(after, revokeCause.preempted, claim(event));
        return [revoked, [...effects, ...told]];
      }
      // §6.3.5.5 of the talker; §6.3.5.4 of who waits.
      case "release":
        if (event.from !== state.talker) return withdrawn(state, event.from);
        return free(state, { talker: state.talker, spent: false });
      // T1 of the talker; §6.3.5.7 of any other.
      case "media":
        if (event.from !== state.talker)
          return [state, [{ do: "revoke", to: event.from, cause: revokeCause.noPermission }]];
        return [state, [{ start: "T1", ms: limits.endOfMediaMs }, { stop: "T20" }]];
      // §8.2.12: the Granted has arrived.
      case "acknowledge":
        return [state, event.from === state.talker ? stop("T20") : []];
      case "adopt":
        return event.talker === state.talker ? [state, []] : adopt(state, event, true);
      case "adopt-idle":
        return free(state);
      case "revoke":
        return revoke(state, event.cause);
      case "position":
      case "originator":
      case "abdicate":
        return [state, []];
      case "expiry":
        switch (event.timer) {
          // §11.1.2: end of RTP media.
          case "T1":
            return cut(state);
          // §11.1.2: stop talking.
          case "T2":
            return revoke(state, revokeCause.tooLong);
          case "warning": {
            const { talker: to, priority, queue } = state;
            return [state, [{ do: "warn", to, durationMs: limits.talkWarningMs, priority, waiting: queue.length }]];
          }
          // §11.1.2, C20.
          case "T20":
            if (state.told >= limits.tries) return [state, []];
            return [
              { ...state, told: state.told + 1 },
              [granted(state, state.queue.length), { start: "T20", ms: limits.grantedMs }],
            ];
          case "T3":
          case "T4":
          case "T7":
          case "T8":
          case "flutter":
          case "block":
            return [state, []];
        }
    }
  }

  // §6.3.4.5 G: pending Floor Revoke
  function revoking(state: In<"revoking">, event: Event): Step {
    const { next, talker, cause } = state;

    function ended(how: "released" | "gone" | "cut"): Step {
      const kept = how === "cut" && cause === revokeCause.tooLong ? blocking(state, talker) : state;
      const blocked = kept === state ? [] : block;
      if (next) {
        const [after, effects] = grant(kept, next, true, "whole");
        return [after, [{ do: "close-gate", talker }, ...effects, ...blocked]];
      }
      const spent = how === "released" && cause === revokeCause.tooLong;
      const [after, effects] = free(kept, spent ? { talker, spent } : undefined);
      return [after, [...effects, ...blocked]];
    }
    function gone(participant: Participant): Step {
      if (participant !== next?.talker) return withdrawn(state, participant);
      const { next: _, ...rest } = state;
      return [rest, []];
    }

    switch (event.type) {
      case "join":
        return [state, [lateEntry(event.participant, state)]];
      case "leave":
        return event.participant === talker ? ended("gone") : gone(event.participant);
      case "request":
        return contend(state, event);
      case "release":
        return event.from === talker ? ended("released") : gone(event.from);
      case "adopt":
        return event.talker === talker ? [state, []] : adopt(state, event, true);
      case "adopt-idle":
        return ended("gone");
      // The talker may finish its word; nobody else is listened to.
      case "media":
      case "acknowledge":
      case "revoke":
      case "position":
      case "originator":
      case "abdicate":
        return [state, []];
      case "expiry":
        switch (event.timer) {
          // §11.1.2: stop talking grace.
          case "T3":
            return ended("cut");
          // §11.1.2, C8.
          case "T8":
            if (state.told >= limits.tries) return [state, []];
            return [
              { ...state, told: state.told + 1 },
              [
                { do: "revoke", to: talker, cause },
                { start: "T8", ms: limits.revokeMs },
              ],
            ];
          case "T1":
          case "T2":
          case "T4":
          case "T7":
          case "T20":
          case "flutter":
          case "warning":
          case "block":
            return [state, []];
        }
    }
  }

  /** A request while the talker is being revoked: the highest priority above its own is next. */
  function contend(state: In<"revoking">, request: Request): Step {
    const { from } = request;
    const { next, talker, cause } = state;
    if (from === talker) return [state, [{ do: "revoke", to: talker, cause }]];
    // It waits already and asks again by T101; the end of the grace answers it.
    if (from === next?.talker) return [{ ...state, next: claim(request) }, []];
    const refused = refusal(state, request);
    if (refused) return [state, refused];
    if (!preempts(request, next ?? state)) return wait(state, request);
    const [after, told] = withdrawn(state, from);
    const preempting: In<"revoking"> = { ...after, next: claim(request) };
    if (!next) return [preempting, [...told, { start: "T3", ms: limits.preemptMs }]];
    const queue = next.mayQueue && enqueue(after.queue, next, limits.queueLength);
    if (!queue) return [preempting, [...told, deny(next.talker, denyCause.taken)]];
    return [{ ...preempting, queue }, places(state.queue, queue, next.talker)];
  }

  function step(state: ArbiterState, event: Event): Step {
    const same = anywhere(state, event);
    if (same) return same;
    switch (state.in) {
      case "idle":
        return idle(state, event);
      case "taken":
        return taken(state, event);
      case "revoking":
        return revoking(state, event);
    }
  }

  return (state, event) => step(unblocked(state, event), event);
}

const preempts = ({ priority, mayPreempt }: Request, burst: Burst): boolean => mayPreempt && priority > burst.priority;
const claim = ({ from, party, priority, mayQueue }: Request): Claim => ({ talker: from, party, priority, mayQueue });

/** Who lets go, or is no more, may ask again. */
function unblocked(state: ArbiterState, event: Event): ArbiterState {
  const who = event.type === "release" ? event.from : event.type === "leave" ? event.participant : undefined;
  if (who === undefined || !state.blocked.includes(who)) return state;
  return { ...state, blocked: state.blocked.filter((each) => each !== who) };
}

/** A broadcast is over when its originator has left. */
function unoriginated<State extends ArbiterState>(state: State, participant: Participant): State {
  if (state.originator !== participant) return state;
  const { originator: _, ...rest } = state;
  return rest as State;
}
