/**
 * The answers that requests were given, for those that come again: what RFC 3261 §17.2.2 calls "Completed", until timer J. All are
 * in one block of bytes, the oldest overwritten first: as objects they would outlive the collector's quick passes, and at thousands
 * a second its long ones would keep everybody waiting. It does not know what a request is.
 */
import type { Clock } from "../../hal/clock/port.ts";

export interface Answers {
  /** Copies the answer. One that is too large for the block is not kept. */
  keep(key: string, answer: Uint8Array): void;
  /** A copy. */
  find(key: string): Uint8Array | undefined;
  /** How many are kept. */
  size(): number;
  clear(): void;
}

export interface AnswersOptions {
  readonly clock: Pick<Clock, "now">;
  readonly lifeMs: number;
  /** Beyond either the oldest goes before its time. */
  readonly most: number;
  readonly bytes: number;
}

export function answers({ clock, lifeMs, most, bytes }: AnswersOptions): Answers {
  const block = new Uint8Array(bytes);
  /** By place: whose answer it is, where it starts, how long it is, and when it was given. Places are taken in turn, and so are the bytes. */
  const keys: string[] = Array.from({ length: most }, () => "");
  const starts = new Uint32Array(most);
  const lengths = new Uint32Array(most);
  const givenAt = new Float64Array(most);
  const places = new Map<string, number>();
  let oldest = 0;
  let count = 0;
  let end = 0;

  const isOver = (place: number): boolean => clock.now() - (givenAt[place] ?? 0) >= lifeMs;

  /** Lets the oldest go, and the next, for as long as they are due to. */
  function release(isDue: (start: number, place: number) => boolean): void {
    while (count > 0 && isDue(starts[oldest] ?? 0, oldest)) {
      const key = keys[oldest] ?? "";
      if (places.get(key) === oldest) places.delete(key);
      keys[oldest] = "";
      oldest = (oldest + 1) % most;
      count -= 1;
    }
  }

  function makeRoom(length: number): void {
    release(() => count === most);
    if (end + length > bytes) {
      release((start) => start >= end);
      end = 0;
    }
    release((start, place) => isOver(place) || (start >= end && start < end + length));
  }

  return {
    keep(key, answer) {
      if (answer.length > bytes) return;
      makeRoom(answer.length);
      const place = (oldest + count) % most;
      block.set(answer, end);
      keys[place] = key;
      starts[place] = end;
      lengths[place] = answer.length;
      givenAt[place] = clock.now();
      places.set(key, place);
      end += answer.length;
      count += 1;
    },
    find(key) {
      const place = places.get(key);
      if (place === undefined || isOver(place)) return undefined;
      const start = starts[place] ?? 0;
      return block.slice(start, start + (lengths[place] ?? 0));
    },
    size() {
      release((_, place) => isOver(place));
      return count;
    },
    clear() {
      release(() => true);
    },
  };
}
