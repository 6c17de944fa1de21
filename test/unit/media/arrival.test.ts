import { test } from "uvu";
import * as assert from "uvu/assert";
import { arrivals } from "../../../firmware/media/arrival.ts";
import { seeded } from "./signals.ts";

/** So many packets of 20 ms from the `from`th on, each `late(index)` ms under way. */
function stream(network: ReturnType<typeof arrivals>, from: number, count: number, late: (index: number) => number) {
  for (let index = from; index < from + count; index++)
    network.packet((index * 960) >>> 0, index === from, index * 20 + late(index));
}

test("on a clean network next to nothing is waited for, once that is known", () => {
  const network = arrivals(48_000);
  assert.is(network.jitterMs(), 34);
  stream(network, 0, 50, () => 30);
  assert.is(network.jitterMs(), 34, "a second tells too little");
  stream(network, 50, 300, () => 30);
  assert.is(network.jitterMs(), 2);
  assert.ok(Math.abs(network.earliest(400 * 960) - 8_030) < 1);
});

test("what nearly all packets keep to is waited for, and no more; one odd packet changes nothing", () => {
  const random = seeded(5);
  const network = arrivals(48_000);
  stream(network, 0, 2_000, (index) => (index % 200 === 0 ? 400 : 30 * random()));
  assert.ok(network.jitterMs() >= 28 && network.jitterMs() <= 32, `${network.jitterMs()} ms`);
  stream(network, 2_000, 100, () => 100 * random());
  assert.ok(network.jitterMs() >= 70, `${network.jitterMs()} ms two seconds after it got worse`);
  stream(network, 2_100, 3_000, () => 10 * random());
  assert.ok(network.jitterMs() <= 14, `${network.jitterMs()} ms a minute after it got better`);
});

test("the earliest arrival follows a clock that drifts, fast or slow, over the wrap-around of timestamps", () => {
  for (const ppm of [200, -200]) {
    const random = seeded(6);
    const network = arrivals(48_000);
    // 25 hours into a stream.
    const first = 4_470_000;
    stream(network, first, 30_000, (index) => ((index - first) * 20 * ppm) / 1e6 + 20 * random());
    const last = first + 30_000;
    const late = network.earliest((last * 960) >>> 0) - last * 20 - (30_000 * 20 * ppm) / 1e6;
    assert.ok(Math.abs(late) < 3, `${late} ms off at ${ppm} ppm`);
    assert.ok(network.jitterMs() <= 24);
  }
});

test("what waited for a grant and comes at once is no jitter", () => {
  const network = arrivals(48_000);
  stream(network, 0, 250, (index) => Math.max(0, 300 - index * 20));
  assert.is(network.jitterMs(), 2);
  assert.ok(Math.abs(network.earliest(300 * 960) - 6_000) < 1);
});

test.run();
