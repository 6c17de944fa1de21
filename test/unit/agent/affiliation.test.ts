import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  type AffiliationEvent,
  type AffiliationState,
  type AffiliationTimer,
  affiliation,
} from "../../../firmware/agent/affiliation.ts";
import type { Expiry } from "../../../firmware/machine.ts";

/** Every state against every event. One that is missing here does not compile. */
type Where = AffiliationState["in"];
type What = AffiliationEvent["type"] | AffiliationTimer;

const states: Readonly<Record<Where, AffiliationState>> = {
  registering: { in: "registering", failures: 2 },
  waiting: { in: "waiting", failures: 2 },
  standing: { in: "standing" },
  leaving: { in: "leaving", failures: 2 },
  closed: { in: "closed" },
};
const events: Readonly<Record<What, AffiliationEvent | Expiry<AffiliationTimer>>> = {
  start: { type: "start" },
  registered: { type: "registered" },
  session: { type: "session" },
  ended: { type: "ended" },
  lost: { type: "lost" },
  left: { type: "left" },
  close: { type: "close" },
  invite: { type: "expiry", timer: "invite" },
};

type Step = ReturnType<typeof affiliation>;
const stays = "stays";
const standing: Step = [{ in: "standing" }, []];
const closing: Step = [{ in: "closed" }, [{ stop: "invite" }, { do: "leave", why: "closed" }]];

const table: Readonly<Record<Where, Readonly<Record<What, typeof stays | Step>>>> = {
  registering: {
    start: [states.registering, [{ do: "register" }]],
    registered: [{ in: "waiting", failures: 2 }, [{ do: "subscribe" }, { start: "invite", ms: 16_000 }]],
    session: standing,
    ended: stays,
    lost: stays,
    left: stays,
    close: closing,
    invite: stays,
  },
  waiting: {
    start: stays,
    registered: [states.waiting, [{ do: "subscribe" }]],
    session: [{ in: "standing" }, [{ stop: "invite" }]],
    ended: stays,
    lost: stays,
    left: stays,
    close: closing,
    invite: [{ in: "leaving", failures: 3 }, [{ do: "leave", why: "no INVITE came" }]],
  },
  standing: {
    start: stays,
    registered: [states.standing, [{ do: "subscribe" }]],
    session: stays,
    ended: [{ in: "waiting", failures: 0 }, [{ start: "invite", ms: 4_000 }]],
    lost: [{ in: "leaving", failures: 0 }, [{ do: "leave", why: "the server gives no sign of life" }]],
    left: stays,
    close: closing,
    invite: stays,
  },
  leaving: {
    start: stays,
    registered: stays,
    session: stays,
    ended: stays,
    lost: stays,
    left: [{ in: "registering", failures: 2 }, [{ do: "register" }]],
    close: closing,
    invite: stays,
  },
  closed: {
    start: stays,
    registered: stays,
    session: stays,
    ended: stays,
    lost: stays,
    left: stays,
    close: stays,
    invite: stays,
  },
};

for (const [where, row] of Object.entries(table) as [Where, (typeof table)[Where]][])
  for (const [what, expected] of Object.entries(row) as [What, (typeof row)[What]][])
    test(`${where}: ${what}`, () => {
      const after = affiliation(states[where], events[what]);
      assert.equal(after, expected === stays ? [states[where], []] : expected);
    });

test("the INVITE is given half a minute at most, however often it did not come", () => {
  const [, effects] = affiliation({ in: "registering", failures: 40 }, { type: "registered" });
  assert.equal(effects.at(-1), { start: "invite", ms: 32_000 });
});

test.run();
