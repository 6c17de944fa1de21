import { arbiter } from "../../../firmware/floor/arbiter.ts";
import {
  type ArbiterEffect,
  type ArbiterEvent,
  type ArbiterState,
  type ArbiterTimer,
  arbiterDefaults,
} from "../../../firmware/floor/arbiter-state.ts";
import { weigh } from "../../../firmware/floor/urgency.ts";
import type { Expiry, TimerEffect } from "../../../firmware/machine.ts";

/** Every state of the arbiter and every event, for a talker "a" of priority 5. A state, event or timer that is missing here does not compile. */
export type Where =
  | "idle, not bridged"
  | "idle"
  | "just let go"
  | "idle, the talker cut off"
  | "idle, in a broadcast of a"
  | "taken"
  | "taken, in a broadcast of a"
  | "taken, b and c waiting"
  | "taken, the queue full"
  | "revoking"
  | "revoking, b and c waiting"
  | "pre-empting";
export type What =
  | ArbiterEvent["type"]
  | "higher request"
  | "emergency"
  | "talker's request"
  | "talker's emergency"
  | "other's release"
  | "other's leave"
  | "other's media"
  | "no originator"
  | ArbiterTimer;

const burst = { talker: "a", party: "sip:a", priority: 5 };
const waits = (talker: string, priority: number) => ({ talker, party: `sip:${talker}`, priority, mayQueue: true });
const nothing = { queue: [], blocked: [] };
const two = { queue: [waits("b", 5), waits("c", 4)], blocked: [] };
export const states: Readonly<Record<Where, ArbiterState>> = {
  "idle, not bridged": { in: "idle", bridged: false, told: 3, ...nothing },
  idle: { in: "idle", bridged: true, told: 1, ...nothing },
  "just let go": { in: "idle", bridged: true, told: 1, lull: { talker: "a", spent: false }, ...nothing },
  "idle, the talker cut off": { in: "idle", bridged: true, told: 1, queue: [], blocked: ["a"] },
  "idle, in a broadcast of a": { in: "idle", bridged: true, told: 1, ...nothing, originator: "a" },
  taken: { in: "taken", told: 1, ...burst, ...nothing },
  "taken, in a broadcast of a": { in: "taken", told: 1, ...burst, ...nothing, originator: "a" },
  "taken, b and c waiting": { in: "taken", told: 1, ...burst, ...two },
  "taken, the queue full": { in: "taken", told: 1, ...burst, queue: [waits("x", 5), waits("y", 4)], blocked: [] },
  revoking: { in: "revoking", told: 1, cause: 2, ...burst, ...nothing },
  "revoking, b and c waiting": { in: "revoking", told: 1, cause: 2, ...burst, ...two },
  "pre-empting": { in: "revoking", told: 1, cause: 4, ...burst, next: waits("c", 8), ...nothing },
};
const limits = { ...arbiterDefaults, talkWarningMs: 5000, queueLength: 2 };

const request = (from: string, priority: number): ArbiterEvent => ({
  type: "request",
  from,
  party: `sip:${from}`,
  priority,
  mayTalk: true,
  mayPreempt: true,
  mayQueue: true,
});
const expiry = (timer: ArbiterTimer): Expiry<ArbiterTimer> => ({ type: "expiry", timer });
export const events: Readonly<Record<What, ArbiterEvent | Expiry<ArbiterTimer>>> = {
  join: { type: "join", participant: "d" },
  leave: { type: "leave", participant: "a" },
  request: request("b", 5),
  "higher request": request("b", 6),
  "talker's request": request("a", 5),
  emergency: request("b", weigh("emergency", 0)),
  "talker's emergency": request("a", weigh("emergency", 5)),
  "other's release": { type: "release", from: "b" },
  "other's leave": { type: "leave", participant: "b" },
  position: { type: "position", from: "b" },
  abdicate: { type: "abdicate" },
  originator: { type: "originator", participant: "o" },
  "no originator": { type: "originator" },
  release: { type: "release", from: "a" },
  media: { type: "media", from: "a" },
  "other's media": { type: "media", from: "b" },
  acknowledge: { type: "acknowledge", from: "a" },
  adopt: { type: "adopt", talker: "z", party: "sip:z", priority: 1 },
  "adopt-idle": { type: "adopt-idle" },
  revoke: { type: "revoke", cause: 255 },
  T1: expiry("T1"),
  T2: expiry("T2"),
  T3: expiry("T3"),
  T4: expiry("T4"),
  T7: expiry("T7"),
  T8: expiry("T8"),
  T20: expiry("T20"),
  flutter: expiry("flutter"),
  warning: expiry("warning"),
  block: expiry("block"),
};

function words(effect: ArbiterEffect | TimerEffect<ArbiterTimer>): string {
  if ("start" in effect) return `+${effect.start}`;
  if ("stop" in effect) return `-${effect.stop}`;
  switch (effect.do) {
    case "bridge":
    case "unbridge":
    case "idle":
      return effect.do;
    case "grant":
    case "warn":
      return `${effect.do} ${effect.to}`;
    case "queued":
      return `queued ${effect.to} ${effect.position}/${effect.waiting}`;
    case "deny":
    case "revoke":
      return `${effect.do} ${effect.to} ${effect.cause}`;
    case "taken":
    case "close-gate":
      return `${effect.do} ${effect.talker}`;
    case "taken-to":
      return `tell ${effect.to} taken ${effect.talker}`;
    case "idle-to":
      return `tell ${effect.to} idle`;
  }
}

/** The state with its talker and who else is known, and the effects but for timers that are stopped to be sure. */
export function outcome(state: ArbiterState, event: ArbiterEvent | Expiry<ArbiterTimer>): string {
  const broadcast = state.originator !== undefined;
  const [after, effects] = arbiter({ ...limits, broadcast })(state, event);
  const known = [
    ...after.queue.map(({ talker }) => talker),
    ...after.blocked.map((who) => `not ${who}`),
    ...(after.originator === undefined ? [] : [`by ${after.originator}`]),
  ];
  const where = after.in === "idle" ? "idle" : `${after.in} ${after.talker}`;
  return [
    known.length > 0 ? `${where} (${known.join(" ")})` : where,
    ...effects.map(words).filter((word) => !word.startsWith("-")),
  ].join(", ");
}
