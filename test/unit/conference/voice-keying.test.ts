import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  type VoiceKeyingEffect,
  type VoiceKeyingEvent,
  type VoiceKeyingState,
  type VoiceKeyingTimer,
  voiceKeying,
} from "../../../firmware/conference/voice-keying.ts";
import type { Expiry, TimerEffect } from "../../../firmware/machine.ts";

/** Every state against every event. What is missing here does not compile. */
type Where = "quiet" | "asking" | "talking" | "spent" | "spent, owes";
type What = VoiceKeyingEvent["type"] | "hang";

const states: Readonly<Record<Where, VoiceKeyingState>> = {
  quiet: { in: "quiet" },
  asking: { in: "asking" },
  talking: { in: "talking" },
  spent: { in: "spent", owes: false },
  "spent, owes": { in: "spent", owes: true },
};
const events: Readonly<Record<What, VoiceKeyingEvent | Expiry<VoiceKeyingTimer>>> = {
  voice: { type: "voice" },
  granted: { type: "granted" },
  denied: { type: "denied" },
  revoked: { type: "revoked" },
  over: { type: "over" },
  reset: { type: "reset" },
  hang: { type: "expiry", timer: "hang" },
};

function words(effect: VoiceKeyingEffect | TimerEffect<VoiceKeyingTimer>): string {
  if ("start" in effect) return `+${effect.start}`;
  return "stop" in effect ? `-${effect.stop}` : effect.do;
}

const nameOf = (state: VoiceKeyingState): string => (state.in === "spent" && state.owes ? "spent, owes" : state.in);

const table: Readonly<Record<Where, Readonly<Record<What, string>>>> = {
  quiet: {
    voice: "asking: request +hang",
    granted: "quiet: release",
    denied: "quiet:",
    revoked: "quiet:",
    over: "quiet:",
    reset: "quiet:",
    hang: "quiet:",
  },
  asking: {
    voice: "asking: +hang",
    granted: "talking: talk",
    denied: "spent:",
    revoked: "spent, owes:",
    over: "asking:",
    reset: "quiet: -hang release",
    hang: "quiet: -hang release",
  },
  talking: {
    voice: "talking: +hang",
    granted: "talking:",
    denied: "spent:",
    revoked: "spent, owes:",
    over: "spent:",
    reset: "quiet: -hang release",
    hang: "quiet: -hang release unkeyed",
  },
  spent: {
    voice: "spent: +hang",
    granted: "spent: release",
    denied: "spent:",
    revoked: "spent, owes:",
    over: "spent:",
    reset: "quiet: -hang",
    hang: "quiet: -hang",
  },
  "spent, owes": {
    voice: "spent, owes: +hang",
    granted: "spent, owes: release",
    denied: "spent, owes:",
    revoked: "spent, owes:",
    over: "spent, owes:",
    reset: "quiet: -hang release",
    hang: "quiet: -hang release",
  },
};

for (const [where, row] of Object.entries(table))
  test(`voice keying, ${where}`, () => {
    const told = Object.fromEntries(
      Object.entries(events).map(([what, event]) => {
        const state = Object.entries(states).find(([name]) => name === where)?.[1] ?? { in: "quiet" };
        const [after, effects] = voiceKeying(800)(state, event);
        return [what, [`${nameOf(after)}:`, ...effects.map(words)].join(" ")];
      }),
    );
    assert.equal(told, row);
  });

test.run();
