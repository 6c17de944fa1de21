import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Bench } from "./bench.ts";
import { until } from "./bench.ts";

/** What every clock does. Real time is only asserted where the port promises it: never early. */
export function clockContract(driver: string, open: () => Bench): void {
  const story = (name: string, body: () => Promise<void>) => test(`${driver} clock: ${name}`, body);

  story("a timer calls back once, and never before its time", async () => {
    const bench = open();
    const start = bench.clock.now();
    const calls: number[] = [];
    for (const ms of [0, 0.3, 1.7, 3, 12.5]) {
      bench.clock.after(ms, () => calls.push(bench.clock.now() - start - ms));
    }
    await until(bench, "five timers", () => calls.length === 5);
    assert.ok(
      calls.every((late) => late >= -1e-6),
      `early by ${Math.min(...calls)} ms`,
    );
    await bench.pass(20);
    assert.is(calls.length, 5);
  });

  story("timers call back in order of deadline", async () => {
    const bench = open();
    const order: number[] = [];
    for (const ms of [30, 10, 20]) bench.clock.after(ms, () => order.push(ms));
    await until(bench, "three timers", () => order.length === 3);
    assert.equal(order, [10, 20, 30]);
  });

  story("a cancelled timer does not call back", async () => {
    const bench = open();
    let called = false;
    const cancel = bench.clock.after(5, () => {
      called = true;
    });
    cancel();
    await bench.pass(20);
    assert.not(called);
  });

  story("a grid keeps to its slots, and counts those that it missed", async () => {
    const bench = open();
    const start = bench.clock.now();
    let slots = 0;
    let counted = true;
    const cancel = bench.clock.every(10, (skipped) => {
      slots += 1 + skipped;
      const passed = Math.floor((bench.clock.now() - start + 0.001) / 10);
      // A slot more may begin while this line is reached.
      counted &&= slots === passed || slots === passed - 1;
    });
    await until(bench, "ten slots", () => slots >= 10);
    cancel();
    const last = slots;
    await bench.pass(25);
    assert.ok(counted, "the slots called or skipped add up to the time that passed");
    assert.is(slots, last, "a cancelled grid is silent");
  });

  story("a grid can be cancelled by its own callback", async () => {
    const bench = open();
    let calls = 0;
    const cancel = bench.clock.every(2, () => {
      calls++;
      cancel();
    });
    await until(bench, "the first slot", () => calls > 0);
    await bench.pass(10);
    assert.is(calls, 1);
  });

  story("a wait longer than Node's timers take does not come early", async () => {
    const bench = open();
    let called = false;
    const cancel = bench.clock.after(2 ** 31 + 5_000, () => {
      called = true;
    });
    await bench.pass(20);
    cancel();
    assert.not(called);
  });
}
