/** How long a stranger can keep the SIP parser busy: spoilt messages by chance, and text made to be slow. */
import { Command } from "commander";
import { dice, mutated } from "../../test/support/sip-mutations.ts";
import {
  attempt,
  headerReaders,
  messageShapes,
  otherReaders,
  readWhole,
  sdpShapes,
  shapes,
} from "../../test/support/sip-readers.ts";
import { traffic } from "../../test/support/sip-traffic.ts";
import { wholeNumber } from "./rig/options.ts";

/** What reading any 8 KiB may take, ms. */
const bar = 5;
/** Of the spoilt messages those are measured again that took longest. */
const suspects = 1_000;
const rowsShown = 16;
const kibibytes = [1, 2, 4, 8, 16, 32, 64];

const program = new Command("scripts/bench parse")
  .description(
    `Reads ${traffic.length} real messages, spoilt by chance, as an endpoint does (everything in them, and the answer), and text that was ` +
      `made to be slow. Exit status 0 only if no message of up to 8 KiB takes more than ${bar} ms.`,
  )
  .option("--mutations <count>", "how many spoilt messages", wholeNumber, 1_000_000)
  .option("--seed <number>", "of the chance that spoils them", wholeNumber, 1)
  .parse();
const options = program.opts<{ mutations: number; seed: number }>();
const print = (line: string) => process.stdout.write(`${line}\n`);

/** µs */
function timeOf(run: () => void): number {
  const before = process.hrtime.bigint();
  run();
  return Number(process.hrtime.bigint() - before) / 1_000;
}

/** The least of a few runs, µs: what else the machine does, and the garbage collector, make a run longer and never shorter. */
function leastOf(run: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let count = 0, total = 0; count < 5 || (count < 50 && total < 10_000); count++) {
    const time = timeOf(run);
    total += time;
    least = Math.min(least, time);
  }
  return least;
}

interface Suspect {
  readonly data: Uint8Array;
  readonly time: number;
}

/** Reads messages spoilt by chance. Gives the times as first measured, sorted, and the slowest messages. */
function spoil(count: number, seed: number): { readonly times: Float64Array; readonly slowest: readonly Suspect[] } {
  const roll = dice(seed);
  const pick = () => traffic[roll(traffic.length)]?.bytes ?? new Uint8Array(0);
  const times = new Float64Array(count);
  let slowest: Suspect[] = [];
  let threshold = 0;
  for (let index = 0; index < count; index++) {
    const data = mutated(pick(), roll, pick);
    const time = timeOf(() => readWhole(data));
    times[index] = time;
    if (time <= threshold) continue;
    slowest.push({ data: Uint8Array.from(data), time });
    if (slowest.length < 2 * suspects) continue;
    slowest = slowest.sort((a, b) => b.time - a.time).slice(0, suspects);
    threshold = slowest.at(-1)?.time ?? 0;
  }
  return { times: times.sort(), slowest };
}

function chance(): number {
  const { times, slowest } = spoil(options.mutations, options.seed);
  const at = (share: number) => (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0) / 1_000;
  const again = slowest.map(({ data }) => ({ data, time: leastOf(() => readWhole(data)) }));
  const worst = again.reduce((a, b) => (b.time > a.time ? b : a));
  const ms = worst.time / 1_000;
  print(
    `${times.length} messages of at most 8 KiB, spoilt by chance (seed ${options.seed}) from ${traffic.length}, ms:`,
  );
  print(
    `  measured once, with all the noise   ${row([
      ["p50", at(0.5)],
      ["p99", at(0.99)],
      ["p99.99", at(0.9999)],
      ["worst", at(1)],
    ])}`,
  );
  print(
    `  the ${slowest.length} slowest again, least of many  ${row([["worst", ms]])}, of ${worst.data.length} bytes (bar: ${bar} ms)`,
  );
  return ms;
}

function row(values: readonly (readonly [string, number])[]): string {
  return values.map(([name, value]) => `${name} ${value.toFixed(3)}`).join("  ");
}

interface Line {
  readonly name: string;
  /** µs for each KiB, by size. */
  readonly perKibibyte: readonly number[];
}

const measure = (name: string, read: (size: number) => () => void): Line => ({
  name,
  perKibibyte: kibibytes.map((size) => leastOf(read(size * 1_024)) / size),
});

const slowestOf = ({ perKibibyte }: Line) => Math.max(...perKibibyte);
const bySlowest = (a: Line, b: Line) => slowestOf(b) - slowestOf(a);

function table(title: string, lines: readonly Line[]): void {
  const width = Math.max(...lines.map(({ name }) => name.length));
  print(`\n${title}`);
  print(`  ${"KiB".padStart(width)} ${kibibytes.map((size) => `${size}`.padStart(7)).join("")}`);
  for (const { name, perKibibyte } of lines)
    print(`  ${name.padEnd(width)} ${perKibibyte.map((value) => value.toFixed(1).padStart(7)).join("")}`);
}

/** Gives the longest that 8 KiB took, ms. */
function malice(): number {
  const datagrams = [...messageShapes]
    .map(([name, shape]) =>
      measure(name, (size) => {
        const data = shape(size);
        return () => readWhole(data);
      }),
    )
    .sort(bySlowest);
  table(
    `datagrams made to be slow, the ${rowsShown} slowest of ${datagrams.length}, µs for each KiB (past a limit all is refused at once):`,
    datagrams.slice(0, rowsShown),
  );

  const readers = [...headerReaders, ...otherReaders].map(([name, reader]) => {
    const lines = [...shapes, ...sdpShapes].map(([what, shape]) =>
      measure(`${name}: ${what}`, (size) => {
        const text = shape(size);
        return () => void attempt(() => reader(text));
      }),
    );
    return lines.sort(bySlowest)[0] ?? measure(name, () => () => {});
  });
  table(
    "readers without the limit on a line, each with the text that is slowest for it, µs for each KiB:",
    readers.sort(bySlowest),
  );
  return Math.max(...[...datagrams, ...readers].map(({ perKibibyte }) => ((perKibibyte[3] ?? 0) * 8) / 1_000));
}

for (let run = 0; run < 200; run++) for (const { bytes } of traffic) readWhole(bytes);
const worst = Math.max(chance(), malice());
print(`\nthe worst of all for 8 KiB: ${worst.toFixed(3)} ms; the bar is ${bar} ms`);
process.exitCode = worst <= bar ? 0 : 1;
