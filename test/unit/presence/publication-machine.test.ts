import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  type PublicationsState,
  type Publishing,
  publications,
} from "../../../firmware/presence/publication-machine.ts";
import type { Shown } from "../../../firmware/presence/status.ts";

const open: Shown = { status: "available" };
const busy: Shown = { status: "busy" };
const publish = (rest: Partial<Publishing>): Publishing => ({ type: "publish", seconds: 600, tag: "new", ...rest });
const expiry = (timer: string) => ({ type: "expiry", timer }) as const;
const start = { start: "new", ms: 600_000 };
const accept = { do: "accept", tag: "new", seconds: 600 };
const over = { do: "accept", tag: "new", seconds: 0 };
const tell = { do: "tell" };
/** One publication for each tag, in this order. */
const said = (...tags: readonly string[]): PublicationsState => tags.map((tag) => ({ tag, shown: open }));
const ten = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

type Row = readonly [
  what: string,
  before: PublicationsState,
  event: Parameters<typeof publications>[1],
  after: PublicationsState,
  effects: readonly object[],
];

const rows: readonly Row[] = [
  ["the first is kept and told", [], publish({ shown: open }), said("new"), [accept, start, tell]],
  ["a second terminal's comes after it", said("a"), publish({ shown: open }), said("a", "new"), [accept, start, tell]],
  ["one without a document is refused", said("a"), publish({}), said("a"), [{ do: "refuse", status: 400 }]],
  [
    "one for no time at all is accepted and not kept",
    said("a"),
    publish({ shown: busy, seconds: 0 }),
    said("a"),
    [over],
  ],
  [
    "a refresh changes the tag, and nothing that is shown",
    said("a", "b"),
    publish({ match: "a" }),
    said("new", "b"),
    [{ stop: "a" }, accept, start],
  ],
  [
    "a change is the latest word",
    said("a", "b"),
    publish({ match: "a", shown: busy }),
    [...said("b"), { tag: "new", shown: busy }],
    [{ stop: "a" }, accept, start, tell],
  ],
  ["a removal ends it", said("a", "b"), publish({ match: "a", seconds: 0 }), said("b"), [{ stop: "a" }, over, tell]],
  [
    "a removal with a document ends it too",
    said("a"),
    publish({ match: "a", shown: busy, seconds: 0 }),
    [],
    [{ stop: "a" }, over, tell],
  ],
  [
    "an unknown tag is refused for a refresh",
    said("a"),
    publish({ match: "x" }),
    said("a"),
    [{ do: "refuse", status: 412 }],
  ],
  [
    "an unknown tag is refused for a change",
    said("a"),
    publish({ match: "x", shown: open }),
    said("a"),
    [{ do: "refuse", status: 412 }],
  ],
  [
    "an unknown tag is refused for a removal",
    [],
    publish({ match: "x", seconds: 0 }),
    [],
    [{ do: "refuse", status: 412 }],
  ],
  ["what runs out is gone", said("a", "b"), expiry("a"), said("b"), [tell]],
  [
    "an eleventh takes the place of the oldest",
    said(...ten),
    publish({ shown: open }),
    said(...ten.slice(1), "new"),
    [{ stop: "a" }, accept, start, tell],
  ],
];

for (const [what, before, event, after, effects] of rows)
  test(`of publications: ${what}`, () => assert.equal(publications(before, event), [after, effects]));

test("a tag is good once", () => {
  const [refreshed] = publications(said("a"), publish({ match: "a" }));
  assert.equal(publications(refreshed, publish({ match: "a", tag: "newer" }))[1], [{ do: "refuse", status: 412 }]);
});

test.run();
