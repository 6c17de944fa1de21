/**
 * What the output of a test file and its end amount to. A file is believed only if it printed uvu's summary, and the
 * summary agrees with the way it ended: uvu itself passes a file whose hook threw, or that never called run(). Pure.
 */
import type { Ended } from "./command.ts";

export interface Verdict {
  readonly passed: number;
  readonly failed: number;
  /** "test name: reason", each. */
  readonly skips: readonly string[];
  /** What is wrong beside failed tests; counted in `failed`, as one. */
  readonly faults: readonly string[];
}

const summaryOfUvu = /^ {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)\n {2}Duration: /gm;

function faultsOf(ended: Ended): string[] {
  return ended.leftovers.map(({ pid, command }) => `left process ${pid} running: ${command}`);
}

/** Of a command that passes or fails as a whole. */
export function judgeCheck(ended: Ended): Verdict {
  const faults = faultsOf(ended);
  if (ended.trouble !== undefined) faults.unshift(ended.trouble);
  const failed = faults.length > 0 ? 1 : 0;
  return { passed: 1 - failed, failed, skips: [], faults };
}

export function judgeTests(ended: Ended): Verdict {
  const skips = [...ended.output.matchAll(/^SKIPPED (.+)$/gm)].map(([, what = ""]) => what);
  const faults = faultsOf(ended);
  // The last one: a test may print what another program reported.
  const summary = [...ended.output.matchAll(summaryOfUvu)].at(-1);
  const end = ended.trouble ?? "ended with status 0";
  if (!summary) return { passed: 0, failed: 1, skips, faults: [`did not report: it ${end}`, ...faults] };

  const [total = 0, passed = 0, unexplained = 0] = summary.slice(1).map(Number);
  const missing = total - passed;
  if (end !== `ended with status ${missing > 0 ? 1 : 0}`)
    faults.push(`it ${end} with ${passed} of ${total} tests passed`);
  if (total === 0 && skips.length === 0) faults.push("it has no tests");
  if (unexplained > 0) faults.push(`${unexplained} left out without a reason, by test.skip or test.only`);
  return { passed, failed: missing + (faults.length > 0 ? 1 : 0), skips, faults };
}
