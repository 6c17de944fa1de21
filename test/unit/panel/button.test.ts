import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Expiry } from "../../../firmware/machine.ts";
import { type ButtonState, button, buttonAtStart, type ContactEdge } from "../../../firmware/panel/button.ts";

/** Every state against every event. One that is missing here does not compile. */
type Where = "up" | "down" | "held at start" | "opening" | "opening, held at start";
type What = "closes" | "opens" | "settles";

const states: Readonly<Record<Where, ButtonState>> = {
  up: { in: "up" },
  down: { in: "down" },
  "held at start": { in: "held-at-start" },
  opening: { in: "opening", since: 90, from: "down" },
  "opening, held at start": { in: "opening", since: 90, from: "held-at-start" },
};
const events: Readonly<Record<What, ContactEdge | Expiry<"settle">>> = {
  closes: { type: "edge", closed: true, at: 100 },
  opens: { type: "edge", closed: false, at: 100 },
  settles: { type: "expiry", timer: "settle" },
};

type Effects = ReturnType<ReturnType<typeof button>>[1];
const stays = "stays";
const opening = (from: "down" | "held-at-start"): [ButtonState, Effects] => [
  { in: "opening", since: 100, from },
  [{ start: "settle", ms: 15 }],
];

const table: Readonly<Record<Where, Readonly<Record<What, typeof stays | readonly [ButtonState, Effects]>>>> = {
  up: {
    closes: [{ in: "down" }, [{ do: "press", at: 100 }]],
    opens: stays,
    settles: stays,
  },
  down: {
    closes: stays,
    opens: opening("down"),
    settles: stays,
  },
  "held at start": {
    closes: stays,
    opens: opening("held-at-start"),
    settles: stays,
  },
  opening: {
    closes: [{ in: "down" }, [{ stop: "settle" }]],
    opens: stays,
    settles: [{ in: "up" }, [{ do: "release", at: 90 }]],
  },
  "opening, held at start": {
    closes: [{ in: "held-at-start" }, [{ stop: "settle" }]],
    opens: stays,
    settles: [{ in: "up" }, []],
  },
};

for (const [where, row] of Object.entries(table) as [Where, (typeof table)[Where]][])
  for (const [what, expected] of Object.entries(row) as [What, (typeof row)[What]][])
    test(`a button that is ${where}: the contact ${what}`, () => {
      const [after, effects] = button(15)(states[where], events[what]);
      if (expected === stays) assert.equal([after, effects], [states[where], []]);
      else assert.equal([after, effects], [...expected]);
    });

test("a button that is closed at start-up is held, one that is open is up", () => {
  assert.equal([buttonAtStart(true), buttonAtStart(false)], [{ in: "held-at-start" }, { in: "up" }]);
});

test.run();
