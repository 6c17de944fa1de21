/**
 * That no reader takes more than one pass over what a stranger sent. Work inside regular expressions cannot be counted, so time is
 * compared with time: eight times the text takes eight times as long in one pass, and 64 times in a pass for each character.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  attempt,
  headerReaders,
  messageShapes,
  otherReaders,
  readWhole,
  type Shape,
  sdpShapes,
  shapes,
} from "../../support/sip-readers.ts";
import { traffic } from "../../support/sip-traffic.ts";

const factor = 8;
/** Between the 8 of one pass and the 64 of many. */
const limit = 16;
/** A pass for each of 8,000 characters, 64 million steps, takes longer on any machine, µs. */
const atOnce = 200;
const rounds = 30;

/** µs of this thread alone: what other programs and the garbage collector's threads do meanwhile is left out. */
function timeOf(run: () => void): number {
  const before = process.threadCpuUsage();
  run();
  const { user, system } = process.threadCpuUsage(before);
  return user + system;
}

/**
 * How much longer `factor` times the text takes. Noise makes a run longer, never shorter: the least of all runs is compared, and
 * another round is run only while that is above the limit.
 */
function growth(read: (size: number) => () => void, size: number): number {
  const [small, large] = [read(size), read(size * factor)];
  let [leastSmall, leastLarge, ratio] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < rounds && ratio > limit; round++) {
    for (let run = 0; run < 3; run++) leastSmall = Math.min(leastSmall, timeOf(small));
    leastLarge = Math.min(leastLarge, timeOf(large));
    ratio = leastLarge < atOnce ? 1 : leastLarge / leastSmall;
  }
  return ratio;
}

function linear(what: string, read: (size: number) => () => void, size: number): void {
  const ratio = growth(read, size);
  assert.ok(ratio <= limit, `${what}: ${factor} times the text took ${ratio.toFixed(1)} times as long`);
}

// Compiled code is compared with compiled code.
for (let run = 0; run < 100; run++) for (const { bytes } of traffic) readWhole(bytes);

test("the measure finds a reader that looks at a run of spaces once for each of them", () => {
  const trimmed = (size: number) => {
    const text = `${" ".repeat(size)}x`;
    return () => void / +$/.test(text);
  };
  assert.ok(growth(trimmed, 1_000) > limit);
});

for (const [name, reader] of [...headerReaders, ...otherReaders])
  test(`a reader of ${name} takes one pass over anything`, () => {
    const read = (shape: Shape) => (size: number) => {
      const text = shape(size);
      return () => void attempt(() => reader(text));
    };
    // As long as what it takes: beyond a limit all is refused at once.
    const size = { "a URI": 1_000, "a Request-URI": 1_000, "a session description": 2_000 }[name] ?? 4_000;
    for (const [what, shape] of [...shapes, ...sdpShapes]) linear(`${what} as ${name}`, read(shape), size);
  });

test("a datagram is read and answered in one pass, up to the limit of a line and up to its own", () => {
  for (const [what, shape] of messageShapes)
    for (const size of [1_000, 8_000])
      linear(
        what,
        (length) => {
          const data = shape(length);
          return () => readWhole(data);
        },
        size,
      );
});

test.run();
