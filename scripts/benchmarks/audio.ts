/** What listeners hear over networks good and bad: mouth to ear, likeness, gaps and clicks */
import { readFileSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import { loadOpus } from "../../hal/opus/wasm.ts";
import {
  type Baseline,
  baselineFile,
  faultsOf,
  listenIn,
  type Situation,
  situations,
} from "../../test/support/quality.ts";
import type { Hearing } from "../listening/hearing.ts";
import { wholeNumber } from "./rig/options.ts";

const program = new Command("scripts/bench audio")
  .description(
    "A talker, a conference server and a listener on a simulated network: real speech is compared, frame by frame, with what comes out of the " +
      "loudspeaker. Exit status 0 only if every bar is met with every seed.",
  )
  .option("--seeds <count>", "how many networks by chance for each situation", wholeNumber, 3)
  .option("--only <word>", "situations whose names hold this", "")
  .option("--renew", "writes the distances found as what the tests compare with, instead of comparing")
  .option("--json", "prints one JSON object instead of the table")
  .parse();
const options = program.opts<{ seeds: number; only: string; renew?: boolean; json?: boolean }>();
const print = (line: string) => process.stdout.write(`${line}\n`);

interface Result {
  readonly situation: string;
  readonly seed: number;
  readonly heard: Hearing;
  readonly faults: readonly string[];
}

const opus = await loadOpus();
const baselines: Record<string, Baseline> = JSON.parse(readFileSync(baselineFile, "utf8"));

async function measure(situation: Situation): Promise<Result[]> {
  const results: Result[] = [];
  for (let seed = 1; seed <= (situation.certain ? 1 : options.seeds); seed++) {
    const heard = await listenIn(opus, situation, seed);
    const faults = options.renew ? [] : faultsOf(situation, heard, baselines[situation.name]);
    results.push({ situation: situation.name, seed, heard, faults });
    if (!options.json) row(results.at(-1));
  }
  return results;
}

const columns = ["p50", "p95", "most ms", "dB", "p95 dB", "spoilt %", "gap ms", "clicks"];

function row(result: Result | undefined): void {
  if (!result) return;
  const { delayMs, distanceDb, spoilt, longestGapMs, clicks } = result.heard;
  const values = [
    delayMs.p50,
    delayMs.p95,
    delayMs.largest,
    distanceDb.mean,
    distanceDb.p95,
    100 * spoilt,
    longestGapMs,
  ];
  const cells = [...values.map((value) => value.toFixed(2)), `${clicks}`].map((cell) => cell.padStart(9)).join("");
  print(
    `${result.situation.padEnd(52)}${`${result.seed}`.padStart(5)}${cells}${result.faults.map((fault) => `  ! ${fault}`).join("")}`,
  );
}

if (!options.json) print(`${"".padEnd(52)} seed${columns.map((name) => name.padStart(9)).join("")}`);
const results: Result[] = [];
for (const situation of situations.filter(({ name }) => name.includes(options.only)))
  results.push(...(await measure(situation)));

if (options.renew) {
  const rounded = (values: readonly number[]): number => Number(Math.max(...values).toFixed(2));
  for (const { situation } of results) {
    const found = results.filter((one) => one.situation === situation).map(({ heard }) => heard.distanceDb);
    baselines[situation] = { mean: rounded(found.map(({ mean }) => mean)), p95: rounded(found.map(({ p95 }) => p95)) };
  }
  writeFileSync(baselineFile, `${JSON.stringify(baselines, null, 2)}\n`);
}
const failed = results.filter(({ faults }) => faults.length > 0);
if (options.json) print(JSON.stringify({ ...options, results }));
else print(failed.length === 0 ? "every bar was met" : `${failed.length} of ${results.length} did not meet their bars`);
process.exitCode = failed.length === 0 ? 0 : 1;
