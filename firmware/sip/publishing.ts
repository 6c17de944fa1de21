/** The life of one publication (RFC 3903 §4), as its terminal sees it. Pure. A tag is what the server knows it by, and is good once. */
import type { Machine } from "../machine.ts";
import { backoffAsked } from "./backoff.ts";
import { longerThan, refreshMs } from "./expires.ts";

/** `asked`: seconds. `tag`: undefined where the server knows of nothing, as far as is known. */
interface Open {
  readonly asked: number;
  readonly tag: string | undefined;
}

export type PublishingState =
  | ({ readonly in: "publishing"; readonly failures: number } & Open)
  | ({ readonly in: "published" } & Open)
  | ({ readonly in: "waiting"; readonly failures: number } & Open)
  | { readonly in: "closing" }
  | { readonly in: "closed" };

export type PublishingEvent =
  | { readonly type: "start" }
  /** `granted` in seconds. */
  | { readonly type: "accepted"; readonly granted: number; readonly tag: string | undefined }
  /** `fraction`: jitter, [0, 1). `minimum`: of a 423, seconds. `retryAfter`: seconds. */
  | {
      readonly type: "refused";
      readonly status: number;
      readonly fraction: number;
      readonly minimum?: number | undefined;
      readonly retryAfter?: number | undefined;
    }
  | { readonly type: "close" };

export type PublishingEffect =
  /** Without a tag: the document, anew. With one: a refresh, or with 0 seconds the end. */
  | { readonly do: "publish"; readonly expires: number; readonly tag: string | undefined }
  | { readonly do: "tell"; readonly status: number }
  | { readonly do: "finish" };

export type PublishingTimer = "refresh" | "retry" | "linger";

type Publishing = Machine<PublishingState, PublishingEvent, PublishingEffect, PublishingTimer>;
type Step = ReturnType<Publishing>;

const lingerMs = 1_000;

export const publishing: Publishing = (state, event) => {
  if (state.in === "closed") return [state, []];
  if (state.in === "closing") return closing(event);
  const { asked, tag } = state;
  switch (event.type) {
    case "start":
      return publish(state, tag);
    case "accepted":
      return [
        { in: "published", asked, tag: event.tag },
        [
          { start: "refresh", ms: refreshMs(event.granted) },
          { do: "tell", status: 200 },
        ],
      ];
    case "refused":
      return refused(state, event);
    case "expiry":
      return publish(state, tag);
    case "close":
      return close(state);
  }
};

type Standing = Exclude<PublishingState, { readonly in: "closing" | "closed" }>;

function failuresOf(state: Standing): number {
  return state.in === "published" ? 0 : state.failures;
}

function publish(state: Standing, tag: string | undefined, asked = state.asked): Step {
  return [{ in: "publishing", asked, tag, failures: failuresOf(state) }, [{ do: "publish", expires: asked, tag }]];
}

function refused(state: Standing, event: Extract<PublishingEvent, { readonly type: "refused" }>): Step {
  const { status, fraction, minimum, retryAfter } = event;
  const { asked, tag } = state;
  // §4.3: what is not known there any more is published anew, at once.
  if (status === 412 && tag !== undefined) return publish(state, undefined);
  // A longer time than was asked for is asked for at once, but not without end.
  const longer = status === 423 ? longerThan(asked, minimum) : undefined;
  if (longer !== undefined) return publish(state, tag, longer);
  const failures = failuresOf(state) + 1;
  const ms = backoffAsked(failures, fraction, retryAfter);
  return [
    { in: "waiting", asked, tag, failures },
    [
      { start: "retry", ms },
      { do: "tell", status },
    ],
  ];
}

function close(state: Standing): Step {
  const stop = [{ stop: "refresh" }, { stop: "retry" }] as const;
  const linger = { start: "linger", ms: lingerMs } as const;
  const { tag } = state;
  // What is on its way may have been taken: the tag to end it by comes with the answer.
  if (state.in === "publishing") return [{ in: "closing" }, [...stop, linger]];
  if (tag !== undefined) return [{ in: "closing" }, [...stop, linger, { do: "publish", expires: 0, tag }]];
  return [{ in: "closed" }, [...stop, { do: "finish" }]];
}

function closing(event: Parameters<Publishing>[1]): Step {
  if (event.type === "start" || event.type === "close") return [{ in: "closing" }, []];
  if (event.type === "accepted" && event.granted > 0 && event.tag !== undefined)
    return [{ in: "closing" }, [{ do: "publish", expires: 0, tag: event.tag }]];
  return [{ in: "closed" }, [{ stop: "linger" }, { do: "finish" }]];
}
