import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  type ArbiterEffect,
  type ArbiterEvent,
  type ArbiterState,
  type ArbiterTimer,
  arbiter,
  arbiterDefaults,
} from "../../../firmware/floor/arbiter.ts";
import type { Expiry, TimerEffect } from "../../../firmware/machine.ts";

/** Every state against every event, for a talker "a" of priority 5. A state, event or timer that is missing here does not compile. */
type Where = "idle, not bridged" | "idle" | "just let go" | "taken" | "revoking" | "pre-empting";
type What = ArbiterEvent["type"] | "higher request" | "talker's request" | "other's media" | ArbiterTimer;

const burst = { talker: "a", party: "sip:a", priority: 5 };
const states: Readonly<Record<Where, ArbiterState>> = {
  "idle, not bridged": { in: "idle", bridged: false, told: 3 },
  idle: { in: "idle", bridged: true, told: 1 },
  "just let go": { in: "idle", bridged: true, told: 1, lull: { talker: "a", spent: false } },
  taken: { in: "taken", told: 1, ...burst },
  revoking: { in: "revoking", told: 1, cause: 2, ...burst },
  "pre-empting": { in: "revoking", told: 1, cause: 4, ...burst, next: { talker: "c", party: "sip:c", priority: 8 } },
};

const request = (from: string, priority: number): ArbiterEvent => ({
  type: "request",
  from,
  party: `sip:${from}`,
  priority,
  mayTalk: true,
  mayPreempt: true,
});
const expiry = (timer: ArbiterTimer): Expiry<ArbiterTimer> => ({ type: "expiry", timer });
const events: Readonly<Record<What, ArbiterEvent | Expiry<ArbiterTimer>>> = {
  join: { type: "join", participant: "d" },
  leave: { type: "leave", participant: "a" },
  request: request("b", 5),
  "higher request": request("b", 6),
  "talker's request": request("a", 5),
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
      return `grant ${effect.to}`;
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

/** The state with its talker, and the effects but for timers that are stopped to be sure. */
function outcome(state: ArbiterState, event: ArbiterEvent | Expiry<ArbiterTimer>): string {
  const [after, effects] = arbiter(arbiterDefaults)(state, event);
  const where = after.in === "idle" ? "idle" : `${after.in} ${after.talker}`;
  return [where, ...effects.map(words).filter((word) => !word.startsWith("-"))].join(", ");
}

const table: Readonly<Record<Where, Readonly<Record<What, string>>>> = {
  "idle, not bridged": {
    join: "idle, tell d idle",
    leave: "idle",
    request: "taken b, bridge, grant b, taken b, +T1, +T20, +T2",
    "higher request": "taken b, bridge, grant b, taken b, +T1, +T20, +T2",
    "talker's request": "taken a, bridge, grant a, taken a, +T1, +T20, +T2",
    release: "idle",
    media: "idle, revoke a 3",
    "other's media": "idle, revoke b 3",
    acknowledge: "idle",
    adopt: "taken z, bridge, +T1, +T2",
    "adopt-idle": "idle",
    revoke: "idle",
    T1: "idle",
    T2: "idle",
    T3: "idle",
    T4: "idle, unbridge",
    T7: "idle",
    T8: "idle",
    T20: "idle",
    flutter: "idle",
  },
  idle: {
    join: "idle, tell d idle",
    leave: "idle",
    request: "taken b, grant b, taken b, +T1, +T20, +T2",
    "higher request": "taken b, grant b, taken b, +T1, +T20, +T2",
    "talker's request": "taken a, grant a, taken a, +T1, +T20, +T2",
    release: "idle",
    media: "idle, revoke a 3",
    "other's media": "idle, revoke b 3",
    acknowledge: "idle",
    adopt: "taken z, +T1, +T2",
    "adopt-idle": "idle",
    revoke: "idle",
    T1: "idle",
    T2: "idle",
    T3: "idle",
    T4: "idle, unbridge",
    T7: "idle, idle, +T7",
    T8: "idle",
    T20: "idle",
    flutter: "idle",
  },
  "just let go": {
    join: "idle, tell d idle",
    leave: "idle",
    request: "taken b, grant b, taken b, +T1, +T20, +T2",
    "higher request": "taken b, grant b, taken b, +T1, +T20, +T2",
    "talker's request": "taken a, grant a, taken a, +T1, +T20",
    release: "idle",
    media: "idle",
    "other's media": "idle, revoke b 3",
    acknowledge: "idle",
    adopt: "taken z, +T1, +T2",
    "adopt-idle": "idle",
    revoke: "idle",
    T1: "idle",
    T2: "idle",
    T3: "idle",
    T4: "idle, unbridge",
    T7: "idle, idle, +T7",
    T8: "idle",
    T20: "idle",
    flutter: "idle",
  },
  taken: {
    join: "taken a, tell d taken a",
    leave: "idle, close-gate a, idle, +T4, +T7",
    request: "taken a, deny b 1",
    "higher request": "revoking a, revoke a 4, +T3, +T8",
    "talker's request": "taken a, grant a",
    release: "idle, close-gate a, idle, +flutter, +T4, +T7",
    media: "taken a, +T1",
    "other's media": "taken a, revoke b 3",
    acknowledge: "taken a",
    adopt: "taken z, +T1, +T2",
    "adopt-idle": "idle, close-gate a, idle, +T4, +T7",
    revoke: "revoking a, revoke a 255, +T3, +T8",
    T1: "idle, close-gate a, idle, +T4, +T7",
    T2: "revoking a, revoke a 2, +T3, +T8",
    T3: "taken a",
    T4: "taken a",
    T7: "taken a",
    T8: "taken a",
    T20: "taken a, grant a, +T20",
    flutter: "taken a",
  },
  revoking: {
    join: "revoking a, tell d taken a",
    leave: "idle, close-gate a, idle, +T4, +T7",
    request: "revoking a, deny b 1",
    "higher request": "revoking a, +T3",
    "talker's request": "revoking a, revoke a 2",
    release: "idle, close-gate a, idle, +flutter, +T4, +T7",
    media: "revoking a",
    "other's media": "revoking a",
    acknowledge: "revoking a",
    adopt: "taken z, +T1, +T2",
    "adopt-idle": "idle, close-gate a, idle, +T4, +T7",
    revoke: "revoking a",
    T1: "revoking a",
    T2: "revoking a",
    T3: "idle, close-gate a, idle, +T4, +T7",
    T4: "revoking a",
    T7: "revoking a",
    T8: "revoking a, revoke a 2, +T8",
    T20: "revoking a",
    flutter: "revoking a",
  },
  "pre-empting": {
    join: "revoking a, tell d taken a",
    leave: "taken c, close-gate a, grant c, taken c, +T1, +T20, +T2",
    request: "revoking a, deny b 1",
    "higher request": "revoking a, deny b 1",
    "talker's request": "revoking a, revoke a 4",
    release: "taken c, close-gate a, grant c, taken c, +T1, +T20, +T2",
    media: "revoking a",
    "other's media": "revoking a",
    acknowledge: "revoking a",
    adopt: "taken z, +T1, +T2",
    "adopt-idle": "taken c, close-gate a, grant c, taken c, +T1, +T20, +T2",
    revoke: "revoking a",
    T1: "revoking a",
    T2: "revoking a",
    T3: "taken c, close-gate a, grant c, taken c, +T1, +T20, +T2",
    T4: "revoking a",
    T7: "revoking a",
    T8: "revoking a, revoke a 4, +T8",
    T20: "revoking a",
    flutter: "revoking a",
  },
};

for (const where of Object.keys(table) as Where[])
  test(`every event while the floor is ${where}`, () => {
    for (const what of Object.keys(events) as What[])
      assert.is(outcome(states[where], events[what]), table[where][what], `${what} while ${where}`);
  });

test.run();
