/** What an account's terminals publish (RFC 3903 §6) as a machine: each publication has a tag that changes with it, and an end. Pure. */
import type { Machine } from "../machine.ts";
import type { Shown } from "./status.ts";

export interface Publication {
  readonly tag: string;
  readonly shown: Shown;
}

/** The latest that was said last. */
export type PublicationsState = readonly Publication[];

/** PUBLISH: initial without `match`, a refresh without `shown`, the end with 0 seconds. `tag` is for what comes of it. */
export interface Publishing {
  readonly type: "publish";
  readonly match?: string | undefined;
  readonly shown?: Shown | undefined;
  readonly seconds: number;
  readonly tag: string;
}

export type PublicationsDeed =
  | { readonly do: "accept"; readonly tag: string; readonly seconds: number }
  | { readonly do: "refuse"; readonly status: 400 | 412 }
  | { readonly do: "tell" };

/** One timer for each publication, by its tag. */
type Publications = Machine<PublicationsState, Publishing, PublicationsDeed, string>;
type Step = ReturnType<Publications>;

/** One for each terminal that an account may have. A further one takes the place of the oldest, whose terminal may publish anew. */
const most = 10;

export const publications: Publications = (state, event) => {
  if (event.type === "expiry") return [without(state, event.timer), [{ do: "tell" }]];
  return event.match === undefined ? publish(state, event) : amend(state, event, event.match);
};

function publish(state: PublicationsState, { shown, seconds, tag }: Publishing): Step {
  if (!shown) return [state, [{ do: "refuse", status: 400 }]];
  if (seconds === 0) return [state, [{ do: "accept", tag, seconds }]];
  const [oldest] = state.length < most ? [] : state;
  const room = oldest ? without(state, oldest.tag) : state;
  return [
    [...room, { tag, shown }],
    [
      ...(oldest ? [{ stop: oldest.tag }] : []),
      { do: "accept", tag, seconds },
      { start: tag, ms: seconds * 1_000 },
      { do: "tell" },
    ],
  ];
}

/** RFC 3903 §6 step 6: a tag that is not known is one that has expired. */
function amend(state: PublicationsState, { shown, seconds, tag }: Publishing, match: string): Step {
  const before = state.find((publication) => publication.tag === match);
  if (!before) return [state, [{ do: "refuse", status: 412 }]];
  const accept = [{ stop: match }, { do: "accept", tag, seconds }] as const;
  if (seconds === 0) return [without(state, match), [...accept, { do: "tell" }]];
  const start = { start: tag, ms: seconds * 1_000 };
  if (shown)
    return [
      [...without(state, match), { tag, shown }],
      [...accept, start, { do: "tell" }],
    ];
  return [state.map((each) => (each === before ? { ...before, tag } : each)), [...accept, start]];
}

function without(state: PublicationsState, tag: string): PublicationsState {
  return state.filter((publication) => publication.tag !== tag);
}
