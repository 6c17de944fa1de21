/**
 * Who waits for the floor (TS 24.380 §6.3.4.4, "active floor request queue"): the higher priority first, and of one priority who came
 * first. Values only: it knows no messages and no time.
 */

/** A wish to talk. `priority` is a weight (urgency.ts). */
export interface Claim {
  readonly talker: string;
  /** The identity shown to people. */
  readonly party: string;
  readonly priority: number;
  /** Whether its participant knows what it is to be queued. */
  readonly mayQueue: boolean;
}

/** In the order in which they are granted; nobody is there twice. */
export type Queue = readonly Claim[];

/** Undefined: it is full. Who is there already keeps the place, or moves with another priority. */
export function enqueue(queue: Queue, claim: Claim, most: number): Queue | undefined {
  const at = queue.findIndex(({ talker }) => talker === claim.talker);
  if (queue[at]?.priority === claim.priority) return queue.with(at, claim);
  const others = withdraw(queue, claim.talker);
  if (others.length >= most) return undefined;
  const behind = others.findIndex(({ priority }) => priority < claim.priority);
  return others.toSpliced(behind < 0 ? others.length : behind, 0, claim);
}

export function withdraw(queue: Queue, talker: string): Queue {
  return queue.some((claim) => claim.talker === talker) ? queue.filter((claim) => claim.talker !== talker) : queue;
}

/** 1 is the next to be granted; undefined: not queued. */
export function positionIn(queue: Queue, talker: string): number | undefined {
  const at = queue.findIndex((claim) => claim.talker === talker);
  return at < 0 ? undefined : at + 1;
}

/** Whose position is another than before, with that of `asking` in any case. */
export function moved(before: Queue, after: Queue, asking?: string): readonly { claim: Claim; position: number }[] {
  return after.flatMap((claim, at) =>
    before[at]?.talker !== claim.talker || claim.talker === asking ? [{ claim, position: at + 1 }] : [],
  );
}
