import { monotonicClock } from "../../hal/clock/monotonic.ts";
import type { Clock } from "../../hal/clock/port.ts";
import { virtualClock } from "../../hal/clock/virtual.ts";

/** Lets one contract run on virtual time and, over real drivers, on the machine's. */
export interface Bench {
  readonly clock: Clock;
  pass(ms: number): Promise<void>;
}

export function virtualBench(): Bench & { readonly clock: ReturnType<typeof virtualClock> } {
  const clock = virtualClock();
  return { clock, pass: clock.advance };
}

export function realBench(): Bench {
  const clock = monotonicClock();
  return { clock, pass: (ms) => new Promise((resolve) => clock.after(ms, resolve)) };
}

/** Lets time pass until the condition holds; throws after 15 s without it. */
export async function until(bench: Bench, what: string, condition: () => boolean): Promise<void> {
  const deadline = bench.clock.now() + 15_000;
  while (!condition()) {
    if (bench.clock.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await bench.pass(5);
  }
}

/** Waits for a promise that only settles as time passes. */
export async function settled<Value>(bench: Bench, promise: Promise<Value>): Promise<Value> {
  let over = false;
  const mark = (): void => {
    over = true;
  };
  promise.then(mark, mark);
  await until(bench, "a promise settles", () => over);
  return promise;
}
