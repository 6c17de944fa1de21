import { test } from "uvu";
import * as assert from "uvu/assert";
import { sessionTimer } from "../../../firmware/sip/session-timer.ts";

const terms = { seconds: 1_800, refreshes: true };
const unlimited = { in: "unlimited" } as const;
const quiet = { in: "limited", terms, asking: false } as const;
const asking = { in: "limited", terms, asking: true } as const;
const watching = { in: "limited", terms: { seconds: 90, refreshes: false }, asking: false } as const;
const over = { in: "over" } as const;

const agreed = (to: typeof terms | undefined, answer = false) => ({ type: "agreed", terms: to, answer }) as const;
const refused = (
  status: number,
  more: { longer?: number; retryAfter?: number; owner?: boolean; fraction?: number } = {},
) =>
  ({
    type: "refused",
    status,
    longer: more.longer,
    retryAfter: more.retryAfter,
    owner: more.owner ?? true,
    fraction: more.fraction ?? 0,
  }) as const;
const expiry = (timer: "refresh" | "expiry") => ({ type: "expiry", timer }) as const;
const end = { type: "end" } as const;

/** "stop refresh, start expiry 1768000, refresh 1800". */
const words = (effects: readonly object[]) => effects.map((effect) => Object.values(effect).join(" ")).join(", ");

type State = Parameters<typeof sessionTimer>[0];
type Event = Parameters<typeof sessionTimer>[1];
const longer = { ...asking, terms: { seconds: 3_600, refreshes: true } };

const rows: readonly (readonly [name: string, from: State, event: Event, to: State, effects: string])[] = [
  ["half of the time is this side's to refresh", unlimited, agreed(terms), quiet, "expiry 1768000, refresh 900000"],
  ["a short session ends after two thirds", unlimited, agreed(watching.terms), watching, "expiry 60000, refresh"],
  ["no limit is no timer", quiet, agreed(undefined), unlimited, "refresh, expiry"],
  [
    "the far end's refresh leaves this side's on its way",
    asking,
    agreed(terms),
    asking,
    "expiry 1768000, refresh 900000",
  ],
  ["an answer settles it", asking, agreed(terms, true), quiet, "expiry 1768000, refresh 900000"],
  ["time to refresh", quiet, expiry("refresh"), asking, "refresh 1800"],
  ["not twice", asking, expiry("refresh"), asking, ""],
  ["nobody refreshed", watching, expiry("expiry"), over, "refresh, expiry, give-up 408"],
  ["no answer in time", asking, expiry("expiry"), over, "refresh, expiry, give-up 408"],
  ["unknown to the far end", asking, refused(481), over, "refresh, expiry, give-up 481"],
  ["the far end is silent", asking, refused(408), over, "refresh, expiry, give-up 408"],
  ["too short for the far end", asking, refused(422, { longer: 3_600 }), longer, "refresh 3600"],
  ["too short, but not said by how much", asking, refused(422), quiet, "refresh 10000"],
  ["too short, but for less", asking, refused(422, { longer: 1_800 }), quiet, "refresh 10000"],
  ["glare, for who called, 2.1 s", asking, refused(491), quiet, "refresh 2100"],
  ["to 4 s", asking, refused(491, { fraction: 0.9999 }), quiet, "refresh 4000"],
  ["for who was called, at once", asking, refused(491, { owner: false }), quiet, "refresh 0"],
  ["to 2 s", asking, refused(491, { owner: false, fraction: 0.9999 }), quiet, "refresh 2000"],
  ["refused for no known reason", asking, refused(500), quiet, "refresh 10000"],
  ["refused for a time", asking, refused(503, { retryAfter: 60 }), quiet, "refresh 60000"],
  ["the end", quiet, end, over, "refresh, expiry"],
  ["after the end", over, agreed(terms), over, ""],
  ["nothing to refuse", unlimited, refused(481), unlimited, ""],
];

for (const [name, from, event, to, effects] of rows)
  test(name, () => {
    const [state, done] = sessionTimer(from, event);
    assert.equal(state, to);
    assert.is(words(done), effects);
  });

test.run();
