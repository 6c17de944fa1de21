import { test } from "uvu";
import * as assert from "uvu/assert";
import type { FloorMessage } from "../../../firmware/floor/message.ts";
import {
  type ParticipantEffect,
  type ParticipantEvent,
  type ParticipantState,
  type ParticipantTimer,
  participant,
  participantDefaults,
} from "../../../firmware/floor/participant.ts";
import type { Expiry, TimerEffect } from "../../../firmware/machine.ts";
import { fullest } from "../../support/floor-messages.ts";

/** Every state against every event. A state, event, message or timer that is missing here does not compile. */
type Where =
  | "no permission"
  | "listening"
  | "held"
  | "pending request"
  | "last request"
  | "has permission"
  | "in doubt"
  | "pending release"
  | "last release";
type What = Exclude<ParticipantEvent["type"], "message"> | FloorMessage["type"] | ParticipantTimer;

const states: Readonly<Record<Where, ParticipantState>> = {
  "no permission": { in: "no-permission", held: false },
  listening: { in: "no-permission", held: false, party: "sip:x" },
  held: { in: "no-permission", held: true },
  "pending request": { in: "pending-request", priority: 1, sent: 1, party: "sip:x" },
  "last request": { in: "pending-request", priority: 1, sent: participantDefaults.C101 },
  "has permission": { in: "has-permission", priority: 1, sent: 0 },
  "in doubt": { in: "has-permission", priority: 1, sent: participantDefaults.C101, party: "sip:x" },
  "pending release": { in: "pending-release", held: false, sent: 1 },
  "last release": { in: "pending-release", held: true, sent: participantDefaults.C100, party: "sip:x" },
};

const message = (type: FloorMessage["type"]): ParticipantEvent => ({
  type: "message",
  message: fullest[type],
  acknowledge: false,
});
const expiry = (timer: ParticipantTimer): Expiry<ParticipantTimer> => ({ type: "expiry", timer });
const events: Readonly<Record<What, ParticipantEvent | Expiry<ParticipantTimer>>> = {
  press: { type: "press", priority: 3 },
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
  ack: message("ack"),
  T100: expiry("T100"),
  T101: expiry("T101"),
  T103: expiry("T103"),
};

function words(effect: ParticipantEffect | TimerEffect<ParticipantTimer>): string {
  if ("start" in effect) return `+${effect.start}`;
  if ("stop" in effect) return `-${effect.stop}`;
  switch (effect.do) {
    case "send":
      return `send ${effect.message.type}`;
    case "denied":
    case "revoked":
      return `${effect.do} ${effect.cause}`;
    case "listening":
    case "capture":
    case "talk":
    case "mute":
    case "failed":
    case "silence":
      return effect.do;
  }
}

function outcome(state: ParticipantState, event: ParticipantEvent | Expiry<ParticipantTimer>): string {
  const [after, effects] = participant(participantDefaults)(state, event);
  const held = "held" in after && after.held ? " held" : "";
  const sent = "sent" in after && after.sent > 0 ? ` ${after.sent}` : "";
  return [after.in + held + sent, ...effects.map(words)].join(", ");
}

const table: Readonly<Record<Where, Readonly<Record<What, string>>>> = {
  "no permission": {
    press: "pending-request 1, send request, +T101, capture, -T100",
    unpress: "no-permission",
    media: "no-permission",
    disconnected: "no-permission, -T100, -T101",
    request: "no-permission",
    granted: "pending-release 1, send release, -T101, +T100",
    taken: "no-permission, listening, +T103",
    deny: "no-permission",
    release: "no-permission",
    idle: "no-permission",
    revoke: "no-permission",
    "queue-request": "no-permission",
    "queue-info": "no-permission",
    ack: "no-permission",
    T100: "no-permission",
    T101: "no-permission",
    T103: "no-permission",
  },
  listening: {
    press: "pending-request 1, send request, +T101, capture, -T100",
    unpress: "no-permission",
    media: "no-permission, +T103",
    disconnected: "no-permission, silence, -T103, -T100, -T101",
    request: "no-permission",
    granted: "pending-release 1, send release, -T101, +T100",
    taken: "no-permission, listening, +T103",
    deny: "no-permission",
    release: "no-permission",
    idle: "no-permission, silence, -T103",
    revoke: "no-permission",
    "queue-request": "no-permission",
    "queue-info": "no-permission",
    ack: "no-permission",
    T100: "no-permission",
    T101: "no-permission",
    T103: "no-permission, silence, -T103",
  },
  held: {
    press: "no-permission held",
    unpress: "no-permission",
    media: "no-permission held",
    disconnected: "no-permission held, -T100, -T101",
    request: "no-permission held",
    granted: "pending-release held 1, send release, -T101, +T100",
    taken: "no-permission held, listening, +T103",
    deny: "no-permission held",
    release: "no-permission held",
    idle: "no-permission held",
    revoke: "no-permission held",
    "queue-request": "no-permission held",
    "queue-info": "no-permission held",
    ack: "no-permission held",
    T100: "no-permission held",
    T101: "no-permission held",
    T103: "no-permission held",
  },
  "pending request": {
    press: "pending-request 1",
    unpress: "pending-release 1, mute, send release, -T101, +T100",
    media: "pending-request 1, +T103",
    disconnected: "no-permission held, failed, silence, -T103, -T100, -T101",
    request: "pending-request 1",
    granted: "has-permission, -T101, silence, -T103, talk",
    taken: "pending-request 1, listening, +T103",
    deny: "no-permission held, -T101, denied 1",
    release: "pending-request 1",
    idle: "pending-request 1, silence, -T103",
    revoke: "pending-request 1",
    "queue-request": "pending-request 1",
    "queue-info": "pending-request 1, +T101",
    ack: "pending-request 1",
    T100: "pending-request 1",
    T101: "pending-request 2, send request, +T101",
    T103: "pending-request 1, silence, -T103",
  },
  "last request": {
    press: "pending-request 4",
    unpress: "pending-release 1, mute, send release, -T101, +T100",
    media: "pending-request 4",
    disconnected: "no-permission held, failed, -T100, -T101",
    request: "pending-request 4",
    granted: "has-permission, -T101, talk",
    taken: "pending-request 4, listening, +T103",
    deny: "no-permission held, -T101, denied 1",
    release: "pending-request 4",
    idle: "pending-request 4",
    revoke: "pending-request 4",
    "queue-request": "pending-request 4",
    "queue-info": "pending-request 1, +T101",
    ack: "pending-request 4",
    T100: "pending-request 4",
    T101: "pending-release held 1, failed, send release, -T101, +T100",
    T103: "pending-request 4",
  },
  "has permission": {
    press: "has-permission",
    unpress: "pending-release 1, mute, send release, -T101, +T100",
    media: "has-permission",
    disconnected: "no-permission held, failed, -T100, -T101",
    request: "has-permission",
    granted: "has-permission, -T101",
    taken: "has-permission 1, send request, +T101",
    deny: "has-permission",
    release: "has-permission",
    idle: "has-permission 1, send request, +T101",
    revoke: "pending-release held 1, revoked 4, send release, -T101, +T100",
    "queue-request": "has-permission",
    "queue-info": "has-permission",
    ack: "has-permission",
    T100: "has-permission",
    T101: "has-permission 1, send request, +T101",
    T103: "has-permission",
  },
  "in doubt": {
    press: "has-permission 4",
    unpress: "pending-release 1, mute, send release, -T101, +T100, listening, +T103",
    media: "has-permission 4",
    disconnected: "no-permission held, failed, -T100, -T101",
    request: "has-permission 4",
    granted: "has-permission, -T101",
    taken: "has-permission 4",
    deny: "pending-release held 1, revoked 3, send release, -T101, +T100, listening, +T103",
    release: "has-permission 4",
    idle: "has-permission 4",
    revoke: "pending-release held 1, revoked 4, send release, -T101, +T100, listening, +T103",
    "queue-request": "has-permission 4",
    "queue-info": "has-permission 4",
    ack: "has-permission 4",
    T100: "has-permission 4",
    T101: "pending-release held 1, revoked 3, send release, -T101, +T100, listening, +T103",
    T103: "has-permission 4",
  },
  "pending release": {
    press: "pending-request 1, send request, +T101, capture, -T100",
    unpress: "pending-release 1",
    media: "no-permission, -T100",
    disconnected: "no-permission, -T100, -T101",
    request: "pending-release 1",
    granted: "pending-release 1, send release, -T101, +T100",
    taken: "no-permission, listening, +T103, -T100",
    deny: "no-permission, -T100",
    release: "pending-release 1",
    idle: "no-permission, -T100",
    revoke: "pending-release 1",
    "queue-request": "pending-release 1",
    "queue-info": "pending-release 1",
    ack: "pending-release 1",
    T100: "pending-release 2, send release, -T101, +T100",
    T101: "pending-release 1",
    T103: "pending-release 1",
  },
  "last release": {
    press: "pending-release held 3",
    unpress: "pending-release 3",
    media: "no-permission held, +T103, -T100",
    disconnected: "no-permission held, silence, -T103, -T100, -T101",
    request: "pending-release held 3",
    granted: "pending-release held 3, send release, -T101, +T100",
    taken: "no-permission held, listening, +T103, -T100",
    deny: "no-permission held, -T100",
    release: "pending-release held 3",
    idle: "no-permission held, silence, -T103, -T100",
    revoke: "pending-release held 3",
    "queue-request": "pending-release held 3",
    "queue-info": "pending-release held 3",
    ack: "pending-release held 3",
    T100: "no-permission held",
    T101: "pending-release held 3",
    T103: "pending-release held 3, silence, -T103",
  },
};

for (const where of Object.keys(table) as Where[])
  test(`every event with the participant at: ${where}`, () => {
    for (const what of Object.keys(events) as What[])
      assert.is(outcome(states[where], events[what]), table[where][what], `${what} at ${where}`);
  });

test.run();
