import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  initialScan,
  type ScanEffect,
  type ScanEvent,
  type ScanState,
  type ScanTimer,
  scan,
} from "../../../firmware/conference/scan.ts";
import type { Expiry, TimerEffect } from "../../../firmware/machine.ts";

/** Home is A, the priority P; B and C are scanned as well. Every state against every event. */
const limits = { home: "A", priority: "P", hangMs: 3_000 };
const machine = scan(limits);

type Where =
  | "idle"
  | "hears A"
  | "hears B"
  | "talks in B, P waits"
  | "hears P"
  | "hangs on B"
  | "hangs on P, C waits"
  | "talks in A";
type What =
  | "A talks"
  | "B talks"
  | "C talks"
  | "P talks"
  | "A quiet"
  | "B quiet"
  | "C quiet"
  | "P quiet"
  | "own in A"
  | "own in B"
  | "lost in A"
  | "lost in B"
  | "B gone"
  | "hang";

const states: Readonly<Record<Where, ScanState>> = {
  idle: initialScan("A"),
  "hears A": { in: "hearing", tuned: "A", active: ["A"] },
  "hears B": { in: "hearing", tuned: "B", active: ["B"] },
  "talks in B, P waits": { in: "talking", tuned: "B", active: ["B", "P"] },
  "hears P": { in: "hearing", tuned: "P", active: ["B", "P"] },
  "hangs on B": { in: "hanging", tuned: "B", active: [] },
  "hangs on P, C waits": { in: "hanging", tuned: "P", active: ["C"] },
  "talks in A": { in: "talking", tuned: "A", active: ["A"] },
};

const burst = (group: string): ScanEvent => ({ type: "burst", group });
const quiet = (group: string): ScanEvent => ({ type: "quiet", group });
const events: Readonly<Record<What, ScanEvent | Expiry<ScanTimer>>> = {
  "A talks": burst("A"),
  "B talks": burst("B"),
  "C talks": burst("C"),
  "P talks": burst("P"),
  "A quiet": quiet("A"),
  "B quiet": quiet("B"),
  "C quiet": quiet("C"),
  "P quiet": quiet("P"),
  "own in A": { type: "talk", group: "A" },
  "own in B": { type: "talk", group: "B" },
  "lost in A": { type: "overtaken", group: "A" },
  "lost in B": { type: "overtaken", group: "B" },
  "B gone": { type: "gone", group: "B" },
  hang: { type: "expiry", timer: "hang" },
};

function words(effect: ScanEffect | TimerEffect<ScanTimer>): string {
  if ("start" in effect) return `+${effect.start}`;
  return "stop" in effect ? `-${effect.stop}` : `>${effect.group}`;
}

const shown = ([state, effects]: ReturnType<typeof machine>): string =>
  [`${state.in} ${state.tuned} (${state.active.join("")})`, ...effects.map(words)].join(" ");

const table: Readonly<Record<Where, Readonly<Record<What, string>>>> = {
  idle: {
    "A talks": "hearing A (A) -hang",
    "B talks": "hearing B (B) -hang >B",
    "C talks": "hearing C (C) -hang >C",
    "P talks": "hearing P (P) -hang >P",
    "A quiet": "idle A ()",
    "B quiet": "idle A ()",
    "C quiet": "idle A ()",
    "P quiet": "idle A ()",
    "own in A": "talking A () -hang",
    "own in B": "talking B () -hang >B",
    "lost in A": "idle A ()",
    "lost in B": "idle A ()",
    "B gone": "idle A ()",
    hang: "idle A ()",
  },
  "hears A": {
    "A talks": "hearing A (A)",
    "B talks": "hearing A (AB)",
    "C talks": "hearing A (AC)",
    "P talks": "hearing P (AP) -hang >P",
    "A quiet": "hanging A () +hang",
    "B quiet": "hearing A (A)",
    "C quiet": "hearing A (A)",
    "P quiet": "hearing A (A)",
    "own in A": "talking A (A) -hang",
    "own in B": "talking B (A) -hang >B",
    "lost in A": "hearing A (A)",
    "lost in B": "hearing A (A)",
    "B gone": "hearing A (A)",
    hang: "hearing A (A)",
  },
  "hears B": {
    "A talks": "hearing B (BA)",
    "B talks": "hearing B (B)",
    "C talks": "hearing B (BC)",
    "P talks": "hearing P (BP) -hang >P",
    "A quiet": "hearing B (B)",
    "B quiet": "hanging B () +hang",
    "C quiet": "hearing B (B)",
    "P quiet": "hearing B (B)",
    "own in A": "talking A (B) -hang >A",
    "own in B": "talking B (B) -hang",
    "lost in A": "hearing B (B)",
    "lost in B": "hearing B (B)",
    "B gone": "idle A () -hang >A",
    hang: "hearing B (B)",
  },
  "talks in B, P waits": {
    "A talks": "talking B (BPA)",
    "B talks": "talking B (PB)",
    "C talks": "talking B (BPC)",
    "P talks": "talking B (BP)",
    "A quiet": "talking B (BP)",
    "B quiet": "hearing P (P) -hang >P",
    "C quiet": "talking B (BP)",
    "P quiet": "talking B (B)",
    "own in A": "talking A (BP) -hang >A",
    "own in B": "talking B (BP) -hang",
    "lost in A": "talking B (BP)",
    "lost in B": "hearing P (BP) -hang >P",
    "B gone": "hearing P (P) -hang >P",
    hang: "talking B (BP)",
  },
  "hears P": {
    "A talks": "hearing P (BPA)",
    "B talks": "hearing P (PB)",
    "C talks": "hearing P (BPC)",
    "P talks": "hearing P (BP)",
    "A quiet": "hearing P (BP)",
    "B quiet": "hearing P (P)",
    "C quiet": "hearing P (BP)",
    "P quiet": "hanging P (B) +hang",
    "own in A": "talking A (BP) -hang >A",
    "own in B": "talking B (BP) -hang >B",
    "lost in A": "hearing P (BP)",
    "lost in B": "hearing P (BP)",
    "B gone": "hearing P (P)",
    hang: "hearing P (BP)",
  },
  "hangs on B": {
    "A talks": "hanging B (A)",
    "B talks": "hearing B (B) -hang",
    "C talks": "hanging B (C)",
    "P talks": "hearing P (P) -hang >P",
    "A quiet": "hanging B ()",
    "B quiet": "hanging B ()",
    "C quiet": "hanging B ()",
    "P quiet": "hanging B ()",
    "own in A": "talking A () -hang >A",
    "own in B": "talking B () -hang",
    "lost in A": "hanging B ()",
    "lost in B": "hanging B ()",
    "B gone": "idle A () -hang >A",
    hang: "idle A () -hang >A",
  },
  "hangs on P, C waits": {
    "A talks": "hanging P (CA)",
    "B talks": "hanging P (CB)",
    "C talks": "hanging P (C)",
    "P talks": "hearing P (CP) -hang",
    "A quiet": "hanging P (C)",
    "B quiet": "hanging P (C)",
    "C quiet": "hanging P ()",
    "P quiet": "hanging P (C)",
    "own in A": "talking A (C) -hang >A",
    "own in B": "talking B (C) -hang >B",
    "lost in A": "hanging P (C)",
    "lost in B": "hanging P (C)",
    "B gone": "hanging P (C)",
    hang: "hearing C (C) -hang >C",
  },
  "talks in A": {
    "A talks": "talking A (A)",
    "B talks": "talking A (AB)",
    "C talks": "talking A (AC)",
    "P talks": "talking A (AP)",
    "A quiet": "hanging A () +hang",
    "B quiet": "talking A (A)",
    "C quiet": "talking A (A)",
    "P quiet": "talking A (A)",
    "own in A": "talking A (A) -hang",
    "own in B": "talking B (A) -hang >B",
    "lost in A": "hearing A (A) -hang",
    "lost in B": "talking A (A)",
    "B gone": "talking A (A)",
    hang: "talking A (A)",
  },
};

for (const [where, state] of Object.entries(states))
  test(`a scanning leg that is: ${where}`, () => {
    const told = Object.fromEntries(
      Object.entries(events).map(([what, event]) => [what, shown(machine(state, event))]),
    );
    assert.equal(told, Object.entries(table).find(([name]) => name === where)?.[1]);
  });

test("after the hang time the priority is heard first, then home, then who has waited longest", () => {
  const hanging = (active: readonly string[]): ScanState => ({ in: "hanging", tuned: "C", active });
  const next = (...active: readonly string[]) => machine(hanging(active), { type: "expiry", timer: "hang" })[0].tuned;
  assert.equal([next("B", "A", "P"), next("B", "A"), next("B", "D"), next()], ["P", "A", "B", "A"]);
});

test("where home has priority, everything else gives way to it", () => {
  const own = scan({ ...limits, priority: "A" });
  const [state, effects] = own({ in: "hearing", tuned: "B", active: ["B"] }, burst("A"));
  assert.equal([state.tuned, effects], ["A", [{ stop: "hang" }, { do: "tune", group: "A" }]]);
});

test.run();
