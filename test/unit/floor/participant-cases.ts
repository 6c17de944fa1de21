import {
  acknowledgeBit,
  denyCause,
  type FloorMessage,
  floorSubtype,
  queuePosition,
} from "../../../firmware/floor/message.ts";
import { participant } from "../../../firmware/floor/participant.ts";
import {
  type ParticipantEffect,
  type ParticipantEvent,
  type ParticipantState,
  type ParticipantTimer,
  participantDefaults,
} from "../../../firmware/floor/participant-state.ts";
import type { Expiry, TimerEffect } from "../../../firmware/machine.ts";
import { fullest } from "../../support/floor-messages.ts";

/** Every state of the participant and every event. A state, event, message or timer that is missing here does not compile. */
export type Where =
  | "no permission"
  | "listening"
  | "held"
  | "pending request"
  | "last request"
  | "has permission"
  | "in doubt"
  | "warned"
  | "pending release"
  | "last release"
  | "ending the urgency"
  | "queued"
  | "last question";
export type What =
  | Exclude<ParticipantEvent["type"], "message">
  | FloorMessage["type"]
  | "urgent press"
  | "not queued"
  | "too soon"
  | "other ack"
  | ParticipantTimer;

export const states: Readonly<Record<Where, ParticipantState>> = {
  "no permission": { in: "no-permission", held: false },
  listening: { in: "no-permission", held: false, party: "sip:x" },
  held: { in: "no-permission", held: true },
  "pending request": { in: "pending-request", priority: 1, sent: 1, party: "sip:x" },
  "last request": { in: "pending-request", priority: 1, sent: participantDefaults.C101 },
  "has permission": { in: "has-permission", priority: 1, sent: 0, warned: false },
  "in doubt": { in: "has-permission", priority: 1, sent: participantDefaults.C101, warned: false, party: "sip:x" },
  warned: { in: "has-permission", priority: 1, urgency: "emergency", sent: 0, warned: true },
  "pending release": { in: "pending-release", held: false, sent: 1 },
  "last release": { in: "pending-release", held: true, sent: participantDefaults.C100, party: "sip:x" },
  "ending the urgency": { in: "pending-release", held: false, sent: 1, ends: true, around: "emergency" },
  queued: { in: "queued", priority: 1, position: 3, sent: 0, party: "sip:x" },
  "last question": { in: "queued", priority: 1, position: 2, sent: participantDefaults.C104 },
};

const told = (message: FloorMessage): ParticipantEvent => ({ type: "message", message, acknowledge: false });
const message = (type: FloorMessage["type"]): ParticipantEvent => told(fullest[type]);
const expiry = (timer: ParticipantTimer): Expiry<ParticipantTimer> => ({ type: "expiry", timer });
export const events: Readonly<Record<What, ParticipantEvent | Expiry<ParticipantTimer>>> = {
  press: { type: "press", priority: 3 },
  "urgent press": { type: "press", priority: 3, urgency: "emergency" },
  calm: { type: "calm" },
  "not queued": told({ type: "queue-info", position: queuePosition.none, priority: 0 }),
  "too soon": told({ type: "deny", cause: denyCause.retryAfter }),
  ack: told({ type: "ack", of: floorSubtype.release | acknowledgeBit, source: 2 }),
  "other ack": message("ack"),
  unpress: { type: "unpress" },
  media: { type: "media" },
  disconnected: { type: "disconnected" },
  request: message("request"),
  granted: message("granted"),
  taken: message("taken"),
  deny: message("deny"),
  release: message("release"),
  idle: message("idle"),
  revoke: message("revoke"),
  "queue-request": message("queue-request"),
  "queue-info": message("queue-info"),
  T100: expiry("T100"),
  T101: expiry("T101"),
  T103: expiry("T103"),
  T104: expiry("T104"),
  warning: expiry("warning"),
};

function words(effect: ParticipantEffect | TimerEffect<ParticipantTimer>): string {
  if ("start" in effect) return `+${effect.start}`;
  if ("stop" in effect) return `-${effect.stop}`;
  switch (effect.do) {
    case "send":
      return `send ${effect.message.type}${"indicator" in effect.message ? ` ${effect.message.indicator}` : ""}`;
    case "queued":
      return `queued at ${effect.position}`;
    case "urgency":
      return effect.urgency;
    case "denied":
    case "revoked":
      return `${effect.do} ${effect.cause}`;
    case "listening":
    case "capture":
    case "talk":
    case "mute":
    case "failed":
    case "silence":
    case "warn":
      return effect.do;
  }
}

export function outcome(state: ParticipantState, event: ParticipantEvent | Expiry<ParticipantTimer>): string {
  const [after, effects] = participant(participantDefaults)(state, event);
  const held = "held" in after && after.held ? " held" : "";
  const sent = "sent" in after && after.sent > 0 ? ` ${after.sent}` : "";
  const more = ("urgency" in after ? " urgent" : "") + ("warned" in after && after.warned ? " warned" : "");
  const ends = "ends" in after ? " ends" : "";
  return [after.in + held + sent + more + ends, ...effects.map(words)].join(", ");
}
