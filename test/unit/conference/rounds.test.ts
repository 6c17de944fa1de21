import { test } from "uvu";
import * as assert from "uvu/assert";
import { sharedEvery } from "../../../firmware/conference/rounds.ts";
import { virtualClock } from "../../../hal/clock/virtual.ts";

test("a thousand who come within a moment are woken by one timer, each every period", async () => {
  const clock = virtualClock();
  const every = sharedEvery(clock);
  const turns = new Array<number>(1_000).fill(0);
  const wakes = new Set<number>();
  const stops = [];
  for (const index of turns.keys()) {
    if (index % 10 === 0) clock.stall(0.5);
    stops.push(
      every(5_000, () => {
        turns[index] = (turns[index] ?? 0) + 1;
        wakes.add(clock.now());
      }),
    );
  }
  assert.is(clock.pending(), 1);
  await clock.advance(15_100);
  assert.ok(turns.every((count) => count === 3));
  assert.is(wakes.size, 3);
  for (const stop of stops) stop();
  assert.is(clock.pending(), 0, "nobody waits for nobody");
});

test("no turn comes early, nor later than a tenth of a second, and each keeps its period", async () => {
  const clock = virtualClock();
  const every = sharedEvery(clock);
  for (const wait of [3, 41, 99.5, 250, 1_777]) {
    clock.stall(wait);
    const from = clock.now();
    const at: number[] = [];
    const stop = every(5_000, () => at.push(clock.now() - from));
    every(15_000, () => {});
    await clock.advance(15_200);
    const [first = 0, second = 0, third = 0] = at;
    assert.ok(first >= 5_000 && first < 5_100, `${first}`);
    assert.equal([second - first, third - second].map(Math.round), [5_000, 5_000]);
    stop();
  }
});

test("who leaves in somebody's turn has none, and who comes waits a whole period", async () => {
  const clock = virtualClock();
  const every = sharedEvery(clock);
  const seen: string[] = [];
  const stops: (() => void)[] = [];
  every(1_000, () => {
    seen.push("first");
    stops[0]?.();
    if (seen.length === 1) every(1_000, () => seen.push("late"));
  });
  stops.push(every(1_000, () => seen.push("never")));
  await clock.advance(1_000);
  assert.equal(seen, ["first"]);
  await clock.advance(1_000);
  assert.equal(seen, ["first", "first", "late"]);
});

test("a thread that was held up skips turns and does not bunch them", async () => {
  const clock = virtualClock();
  const every = sharedEvery(clock);
  const skips: number[] = [];
  every(1_000, (skipped) => skips.push(skipped));
  clock.stall(3_500);
  await clock.advance(0);
  await clock.advance(500);
  assert.equal(skips, [2, 0]);
});

test.run();
