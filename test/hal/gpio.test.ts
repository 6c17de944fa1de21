import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Edge } from "../../hal/gpio/port.ts";
import { simulatedGpio } from "../../hal/gpio/simulated.ts";
import { seededRandom } from "../../hal/random/seeded.ts";
import { virtualBench } from "./bench.ts";
import { gpioContract } from "./gpio.contract.ts";

function bench() {
  const base = virtualBench();
  const { gpio, pins } = simulatedGpio({ clock: base.clock, random: seededRandom(3), lines: ["GPIO17", "GPIO27"] });
  return { ...base, gpio, pins, lines: ["GPIO17", "GPIO27"] as const, drive: pins.drive, level: pins.level };
}

gpioContract("simulated", bench);

test("a bouncing contact makes an odd number of edges and comes to rest where it was driven", async () => {
  const { clock, gpio, pins, pass } = bench();
  const edges: Edge[] = [];
  gpio.input({ line: "GPIO17", activeLow: true, bias: "pull-up" }, (edge) => edges.push(edge));
  const start = pins.bounce("GPIO17", "low", { edges: 9, ms: 4 });
  await pass(10);
  assert.is(edges.length, 9);
  assert.equal(
    edges.map(({ active }) => active),
    [true, false, true, false, true, false, true, false, true],
  );
  assert.ok(edges.every(({ at }) => at >= start && at <= start + 4));
  pins.bounce("GPIO17", "open");
  pins.drive("GPIO17", "low");
  assert.is(clock.pending(), 0, "a new contact ends the bounce of the old one");
});

test("what is soldered to an output sees its changes and does not win against it", () => {
  const { gpio, pins } = bench();
  const seen: string[] = [];
  pins.onChange("GPIO27", (level) => seen.push(level));
  const lamp = gpio.output({ line: "GPIO27", activeLow: false, bias: "none" });
  lamp.set(true);
  lamp.set(true);
  pins.drive("GPIO27", "low");
  lamp.set(false);
  assert.equal(seen, ["high", "low"]);
});

test.run();
