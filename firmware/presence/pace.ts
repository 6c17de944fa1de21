/** How much is said at once: changes that come together are told together, and a crowd is told in portions. */
import type { Cancel, Clock } from "../../hal/clock/port.ts";

export interface Gathering {
  changed(key: string): void;
  /** For good: nothing is told any more. */
  close(): void;
}

/** Tells of each key once, `ms` after its first change: all that changed by then is told together. */
export function gather(clock: Clock, ms: number, tell: (key: string) => void): Gathering {
  const waiting = new Map<string, Cancel>();
  let closed = false;
  return {
    changed(key) {
      if (closed || waiting.has(key)) return;
      const cancel = clock.after(ms, () => {
        waiting.delete(key);
        tell(key);
      });
      waiting.set(key, cancel);
    },
    close() {
      closed = true;
      for (const cancel of waiting.values()) cancel();
      waiting.clear();
    },
  };
}

export interface Queue<Item> {
  /** Waits once, however often it is added. */
  add(item: Item): void;
  remove(item: Item): void;
  /** For good. */
  close(): void;
}

/** Deals with what is added in portions, first come, first served, so that nothing else waits for a crowd. */
export function paced<Item>(
  clock: Clock,
  { portion, everyMs }: { readonly portion: number; readonly everyMs: number },
  deal: (item: Item) => void,
): Queue<Item> {
  const waiting = new Set<Item>();
  let next: Cancel | undefined;
  let closed = false;

  function arm(): void {
    if (closed) return;
    next ??= clock.after(everyMs, () => {
      next = undefined;
      for (const item of [...waiting].slice(0, portion)) {
        waiting.delete(item);
        deal(item);
      }
      if (waiting.size > 0) arm();
    });
  }

  return {
    add(item) {
      waiting.add(item);
      arm();
    },
    remove: (item) => void waiting.delete(item),
    close() {
      closed = true;
      next?.();
      next = undefined;
      waiting.clear();
    },
  };
}
