import { test } from "uvu";
import * as assert from "uvu/assert";
import { DeviceError } from "../../hal/error.ts";
import type { Edge, Gpio, LineOptions } from "../../hal/gpio/port.ts";
import { type Bench, until } from "./bench.ts";

export interface GpioBench extends Bench {
  readonly gpio: Gpio;
  /** The names of two free lines. */
  readonly lines: readonly [string, string];
  /** Drives a line from outside, or lets go of it. */
  drive(line: string, level: "low" | "high" | "open"): void;
  level(line: string): "low" | "high";
}

/** What every GPIO driver does. */
export function gpioContract(driver: string, open: () => GpioBench): void {
  const story = (name: string, body: (bench: GpioBench) => Promise<void>) =>
    test(`${driver} gpio: ${name}`, async () => {
      const bench = open();
      try {
        await body(bench);
      } finally {
        bench.gpio.close();
      }
    });

  const button = (line: string): LineOptions => ({ line, activeLow: true, bias: "pull-up" });
  const lamp = (line: string): LineOptions => ({ line, activeLow: false, bias: "none" });

  function refusal(act: () => unknown): string {
    try {
      act();
    } catch (error) {
      if (error instanceof DeviceError) return error.code;
      throw error;
    }
    return "none";
  }

  story("a button to ground is inactive by its pull-up, and active when pressed", async (bench) => {
    const edges: Edge[] = [];
    const line = bench.gpio.input(button(bench.lines[0]), (edge) => edges.push(edge));
    assert.is(line.active(), false);
    const before = bench.clock.now();
    bench.drive(bench.lines[0], "low");
    await until(bench, "the press", () => edges.length === 1);
    assert.is(line.active(), true);
    await bench.pass(30);
    bench.drive(bench.lines[0], "open");
    await until(bench, "the release", () => edges.length === 2);
    assert.is(line.active(), false);
    const [press, release] = edges;
    assert.equal([press?.active, release?.active], [true, false]);
    assert.ok((press?.at ?? 0) >= before && (release?.at ?? 0) - (press?.at ?? 0) >= 30, "edges carry their own time");
  });

  story("a level that does not change is no edge", async (bench) => {
    const edges: Edge[] = [];
    bench.gpio.input(button(bench.lines[0]), (edge) => edges.push(edge));
    bench.drive(bench.lines[0], "high");
    bench.drive(bench.lines[0], "open");
    await bench.pass(5);
    assert.is(edges.length, 0);
  });

  story("a button held at start is active from the first", async (bench) => {
    bench.drive(bench.lines[0], "low");
    const line = bench.gpio.input(button(bench.lines[0]), () => {});
    assert.is(line.active(), true);
  });

  story("an output starts inactive, follows, and is driven inactive when it is closed", async (bench) => {
    const [high, low] = bench.lines;
    const plain = bench.gpio.output(lamp(high));
    const inverted = bench.gpio.output({ ...lamp(low), activeLow: true });
    const levels = () => [bench.level(high), bench.level(low)];
    assert.equal(levels(), ["low", "high"]);
    plain.set(true);
    inverted.set(true);
    assert.equal(levels(), ["high", "low"]);
    plain.close();
    plain.set(true);
    assert.equal(levels(), ["low", "low"]);
    bench.gpio.close();
    assert.equal(levels(), ["low", "high"]);
  });

  story("a line is held once, is free when closed, and must exist", async (bench) => {
    const [line] = bench.lines;
    const first = bench.gpio.input(button(line), () => {});
    assert.is(
      refusal(() => bench.gpio.output(lamp(line))),
      "EBUSY",
    );
    first.close();
    bench.gpio.output(lamp(line)).close();
    assert.is(
      refusal(() => bench.gpio.input(button("GPIO99"), () => {})),
      "ENOENT",
    );
  });

  story("a closed input tells nothing more", async (bench) => {
    const edges: Edge[] = [];
    bench.gpio.input(button(bench.lines[0]), (edge) => edges.push(edge)).close();
    bench.drive(bench.lines[0], "low");
    await bench.pass(5);
    assert.is(edges.length, 0);
  });
}
