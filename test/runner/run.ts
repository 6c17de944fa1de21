/**
 * Runs checks and test files, each in a process of its own, and tells what came of them. The last line is always
 * "N passed, N failed", with ", N skipped" where there are skips. It decides what runs when and what counts as a
 * failure of the whole; it does not know how a process is run or its output judged.
 *
 *   node test/runner/run.ts [--root DIR] [--limit SECONDS] [--check COMMAND]... [PATTERN]
 */
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Ended, runToEnd, type Surroundings } from "./command.ts";
import { canLook } from "./leftovers.ts";
import { judgeCheck, judgeTests, type Verdict } from "./verdict.ts";

const { values: options, positionals } = parseArgs({
  options: {
    root: { type: "string", default: "." },
    limit: { type: "string", default: "300" },
    check: { type: "string", multiple: true, default: [] },
  },
  allowPositionals: true,
});
const pattern = positionals[0] ?? "";

const stop = new AbortController();
const count = { passed: 0, failed: 0 };
const skips: string[] = [];
let testsRun = 0;

function fault(what: string): void {
  count.failed += 1;
  console.log(`FAILED  ${what}`);
}

/** One line for what went well; for the rest, why, and all that it said. */
function tell(name: string, { output, seconds }: Ended, verdict: Verdict): void {
  const { passed, failed, faults } = verdict;
  const counts = `${passed} passed${failed > 0 ? `, ${failed} failed` : ""}`;
  console.log(`${failed > 0 ? "FAILED" : "ok    "}  ${counts.padEnd(22)}${seconds.toFixed(1).padStart(6)} s  ${name}`);
  for (const what of faults) console.log(`        ${what}`);
  if (failed > 0 && output.trim() !== "") console.log(`${output.trimEnd().replace(/^/gm, "    | ")}\n`);
  count.passed += passed;
  count.failed += failed;
  skips.push(...verdict.skips.map((what) => `${name}: ${what}`));
}

async function check(command: string, around: Surroundings): Promise<void> {
  const ended = await runToEnd("sh", ["-c", command], around);
  tell(command, ended, judgeCheck(ended));
}

async function testFile(file: string, around: Surroundings): Promise<void> {
  const ended = await runToEnd(process.execPath, [file], around);
  const verdict = judgeTests(ended);
  testsRun += verdict.passed + verdict.failed;
  tell(file, ended, verdict);
}

async function lanes(count: number, files: readonly string[], each: (file: string) => Promise<void>): Promise<void> {
  const waiting = [...files];
  const lane = async (): Promise<void> => {
    for (let file = waiting.shift(); file && !stop.signal.aborted; file = waiting.shift()) await each(file);
  };
  await Promise.all(Array.from({ length: count }, lane));
}

async function runAll(scratch: string): Promise<void> {
  const around = { cwd: options.root, scratch, limitMs: Number(options.limit) * 1_000, interrupt: stop.signal };
  if (!canLook) console.log("no /proc here: what a test leaves running is not found");
  await lanes(1, options.check, (command) => check(command, around));

  const files = globSync("test/**/*.test.ts", { cwd: options.root }).sort();
  const wanted = files.filter((file) => file.includes(pattern));
  // These wait for no clock but their own; the others are sensitive to what runs beside them.
  const quick = wanted.filter((file) => /^test\/(unit|hal)\//.test(file));
  await lanes(2, quick, (file) => testFile(file, around));
  await lanes(
    1,
    wanted.filter((file) => !quick.includes(file)),
    (file) => testFile(file, around),
  );
  if (testsRun === 0 && !stop.signal.aborted)
    fault(`no test ran: ${wanted.length} of ${files.length} test files match "${pattern}"`);
}

function interrupt(name: string, status: number): void {
  if (stop.signal.aborted) return;
  stop.abort();
  fault(`interrupted by ${name}`);
  process.exitCode = status;
}
process.on("SIGINT", () => interrupt("SIGINT", 130));
process.on("SIGTERM", () => interrupt("SIGTERM", 143));
process.on("SIGHUP", () => interrupt("SIGHUP", 129));
// Nobody reads any more, as with "| head": what runs is still ended in order.
process.stdout.on("error", () => interrupt("a closed output", 141));

const scratch = mkdtempSync(join(tmpdir(), "roger-tests-"));
try {
  await runAll(scratch);
} catch (error) {
  fault(`the runner itself: ${error instanceof Error ? error.stack : error}`);
} finally {
  rmSync(scratch, { recursive: true });
}
if (skips.length > 0) console.log(`\nskipped:\n${skips.map((what) => `  ${what}`).join("\n")}`);
console.log(`\n${count.passed} passed, ${count.failed} failed${skips.length > 0 ? `, ${skips.length} skipped` : ""}`);
if (count.failed > 0) process.exitCode ??= 1;
