/**
 * The urgency of one call at this gateway: whose request raises it, whose word ends it, and what every floor message says of it. Who has
 * the floor it decides only by the weight of a request.
 */
import type { Clock } from "../../hal/clock/port.ts";
import { alarm, alarmInitial } from "../floor/alarm.ts";
import { type FloorMessage, floorIndicator, isOfServer } from "../floor/message.ts";
import { type Urgency, urgencyBit, urgencyIn, weigh } from "../floor/urgency.ts";
import { run } from "../machine.ts";
import type { Rights, TalkgroupSettings } from "./protocol.ts";

export interface AlarmHandlers {
  /** The call is so urgent from now on: whoever is in it is to know. `by`: who raised it, where that is known. */
  tell(urgency: Urgency, by: string | undefined): void;
  /** To every other gateway: its user `by` calls it so urgent. */
  raise(urgency: Urgency, by: string): void;
  /** The other gateways are to hear the state of the floor again. */
  announce(): void;
  /** To every other gateway: it is over, for its user `by` or, without, for all. */
  calm(by: string | undefined): void;
}

/** Who called it, or dispatches, says by it that an emergency is over. */
export const calmKey = "0";
export const calm = { type: "release", indicator: floorIndicator.normal } as const;

/** A release that says that the call is a normal one again. */
const isCalm = ({ indicator = 0 }: { readonly indicator?: number }): boolean =>
  (indicator & floorIndicator.normal) !== 0;

export function openAlarm(clock: Clock, settings: TalkgroupSettings, handlers: AlarmHandlers) {
  const machine = run(alarm(settings.emergencyMs ?? 0), alarmInitial, clock, (effect) => {
    switch (effect.do) {
      case "tell":
        return handlers.tell(effect.urgency, machine.state().by.at(-1));
      case "announce":
        return handlers.announce();
      case "lapse":
        return handlers.calm(undefined);
    }
  });
  const always =
    (settings.broadcast ? floorIndicator.broadcast : 0) | (settings.queueing ? floorIndicator.queueing : 0);

  function raise(urgency: Urgency, by: string): void {
    const before = machine.state();
    machine.send({ type: "raise", urgency, by });
    const after = machine.state();
    if (after.urgency !== before.urgency || after.by !== before.by) handlers.raise(urgency, by);
  }

  return {
    urgency: (): Urgency => machine.state().urgency,
    /** With what is to be said of the call (TS 24.380 §8.2.3.15). */
    stamp(message: FloorMessage): FloorMessage {
      if (!isOfServer(message)) return message;
      return { ...message, indicator: urgencyBit[machine.state().urgency] | always };
    },
    /** What the request of `party` weighs, and whether it takes the floor from others. Whoever raised an urgency talks with it. */
    weigh(party: string, rights: Rights, indicator: number | undefined) {
      const wanted = urgencyIn(indicator) ?? "normal";
      if (rights.mayRaise && wanted !== "normal") raise(wanted, party);
      const { urgency, by } = machine.state();
      const priority = weigh(by.includes(party) ? urgency : "normal", rights.priority);
      return { priority, mayPreempt: rights.mayPreempt || priority > rights.priority };
    },
    /** A dispatcher's word ends it for all, that of who raised it for that one. */
    released(party: string, rights: Rights, message: { readonly indicator?: number }): void {
      if (!isCalm(message) || machine.state().urgency === "normal") return;
      if (!rights.mayCalm && !machine.state().by.includes(party)) return;
      const by = rights.mayCalm ? undefined : party;
      handlers.calm(by);
      machine.send({ type: "calm", ...(by !== undefined && { by }) });
    },
    /** Another gateway has judged who may what. True: that was all there was to the message. */
    fromTrunk(participant: string, message: FloorMessage): boolean {
      switch (message.type) {
        case "request": {
          const urgency = urgencyIn(message.indicator) ?? "normal";
          if (message.userId !== undefined) machine.send({ type: "raise", urgency, by: message.userId });
          return participant === "";
        }
        case "taken":
        case "idle": {
          const urgency = urgencyIn(message.indicator);
          if (urgency) machine.send({ type: "heard", urgency });
          return false;
        }
        case "release":
          if (!isCalm(message)) return false;
          machine.send({ type: "calm", ...(message.userId !== undefined && { by: message.userId }) });
          return true;
        case "granted":
        case "deny":
        case "revoke":
        case "queue-request":
        case "queue-info":
        case "ack":
          return false;
      }
    },
    close: machine.close,
  };
}
