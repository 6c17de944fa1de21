import { test } from "uvu";
import * as assert from "uvu/assert";
import { type ReachEvent, type ReachState, type ReachTimer, reach } from "../../../firmware/agent/reach.ts";
import type { Expiry } from "../../../firmware/machine.ts";

/** Every state against every event. One that is missing here does not compile. */
type Where = ReachState["in"];
type What = ReachEvent["type"] | "expiry";

const states: Readonly<Record<Where, ReachState>> = {
  unregistered: { in: "unregistered" },
  waiting: { in: "waiting", failures: 2 },
  standing: { in: "standing" },
  resting: { in: "resting", failures: 2 },
};
const events: Readonly<Record<What, ReachEvent | Expiry<ReachTimer>>> = {
  registered: { type: "registered" },
  unregistered: { type: "unregistered" },
  refused: { type: "refused" },
  session: { type: "session" },
  ended: { type: "ended" },
  lost: { type: "lost" },
  expiry: { type: "expiry", timer: "invite" },
};

type Step = ReturnType<typeof reach>;
const stays = "stays";
const standing: Step = [{ in: "standing" }, [{ stop: "invite" }, { stop: "rest" }]];
const gone: Step = [
  { in: "unregistered" },
  [{ stop: "invite" }, { stop: "rest" }, { do: "leave", why: "the registration is given up" }],
];

const table: Readonly<Record<Where, Readonly<Record<What, typeof stays | Step>>>> = {
  unregistered: {
    registered: [{ in: "waiting", failures: 0 }, [{ do: "subscribe" }, { start: "invite", ms: 8_000 }]],
    unregistered: stays,
    refused: stays,
    session: standing,
    ended: stays,
    lost: stays,
    expiry: stays,
  },
  waiting: {
    registered: stays,
    unregistered: gone,
    refused: [
      { in: "resting", failures: 2 },
      [{ stop: "invite" }, { do: "leave", why: "refused" }, { start: "rest", ms: 600_000 }],
    ],
    session: standing,
    ended: stays,
    lost: stays,
    expiry: [
      { in: "resting", failures: 3 },
      [{ stop: "invite" }, { do: "leave", why: "no INVITE came" }, { start: "rest", ms: 8_000 }],
    ],
  },
  standing: {
    registered: [{ in: "standing" }, [{ do: "subscribe" }]],
    unregistered: gone,
    refused: stays,
    session: standing,
    ended: [{ in: "waiting", failures: 0 }, [{ start: "invite", ms: 8_000 }]],
    lost: [
      { in: "resting", failures: 0 },
      [{ stop: "invite" }, { do: "leave", why: "the server gives no sign of life" }, { start: "rest", ms: 2_000 }],
    ],
    expiry: stays,
  },
  resting: {
    registered: stays,
    unregistered: gone,
    refused: stays,
    session: standing,
    ended: stays,
    lost: stays,
    expiry: [{ in: "waiting", failures: 2 }, [{ do: "subscribe" }, { start: "invite", ms: 8_000 }]],
  },
};

for (const [where, row] of Object.entries(table) as [Where, (typeof table)[Where]][])
  for (const [what, expected] of Object.entries(row) as [What, typeof stays | Step][])
    test(`${where}: ${what}`, () => {
      const step = reach(states[where], events[what]);
      assert.equal(step, expected === stays ? [states[where], []] : expected);
    });

test("an INVITE that never comes is asked for less and less, but every five minutes at least", () => {
  let rest = 0;
  let state: ReachState = { in: "waiting", failures: 0 };
  for (let round = 0; round < 30; round++) {
    const [after, effects] = reach(state, events.expiry);
    const timer = effects.find((effect) => "start" in effect);
    const ms = timer && "start" in timer ? timer.ms : 0;
    assert.ok(ms >= rest && ms <= 300_000, `${ms}`);
    rest = ms;
    [state] = reach(after, { type: "expiry", timer: "rest" });
  }
  assert.is(rest, 300_000);
});

test.run();
