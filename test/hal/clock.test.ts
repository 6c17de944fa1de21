import { test } from "uvu";
import * as assert from "uvu/assert";
import { monotonicClock } from "../../hal/clock/monotonic.ts";
import { virtualClock } from "../../hal/clock/virtual.ts";
import { realBench, virtualBench } from "./bench.ts";
import { clockContract } from "./clock.contract.ts";

clockContract("virtual", virtualBench);
clockContract("monotonic", realBench);

test("the monotonic clock is CLOCK_MONOTONIC, the same in every thread and process", () => {
  const clock = monotonicClock();
  const before = Number(process.hrtime.bigint()) / 1e6;
  const now = clock.now();
  const after = Number(process.hrtime.bigint()) / 1e6;
  assert.ok(now >= before - 0.1 && now <= after + 0.1, `${before} <= ${now} <= ${after}`);
});

test("virtual timers run at their own time, ties in the order in which they were set", async () => {
  const clock = virtualClock({ startMs: 100 });
  const seen: string[] = [];
  clock.after(20, () => seen.push(`b@${clock.now()}`));
  clock.after(20, () => seen.push(`c@${clock.now()}`));
  clock.after(10, () => {
    seen.push(`a@${clock.now()}`);
    clock.after(10, () => seen.push(`d@${clock.now()}`));
  });
  await clock.advance(50);
  assert.equal(seen, ["a@110", "b@120", "c@120", "d@120"]);
  assert.is(clock.now(), 150);
  assert.is(clock.pending(), 0);
});

test("chains of promises settle between two virtual timers", async () => {
  const clock = virtualClock();
  const seen: string[] = [];
  clock.after(1, async () => {
    for (let step = 0; step < 20; step++) await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    seen.push("settled");
  });
  clock.after(2, () => seen.push("second timer"));
  await clock.advance(5);
  assert.equal(seen, ["settled", "second timer"]);
});

test("a process that is held up misses slots of a grid: they are skipped, not bunched", async () => {
  const clock = virtualClock();
  const skips: number[] = [];
  clock.every(20, (skipped) => skips.push(skipped));
  await clock.advance(20);
  clock.stall(75);
  await clock.advance(0);
  await clock.advance(5);
  assert.equal(skips, [0, 2, 0]);
});

test.run();
