/** How long somebody who presses the button waits for leave to talk, while many listen and other calls are on. */
import { setTimeout as pause } from "node:timers/promises";
import { Command } from "commander";
import { openEcho } from "./rig/echo.ts";
import { wholeNumber } from "./rig/options.ts";
import { during, eachPeer, type Open } from "./rig/peers.ts";
import { leaveMeasuredCore } from "./rig/process.ts";
import { openRoger } from "./rig/roger.ts";

/** p99 of Roger, ms. */
const bar = 2;
/** The code is compiled by then. */
const warmUp = 200;
const remarks: Readonly<Record<string, string>> = {
  echo: "   of a bare process, nothing else on",
  svxreflector: "   until somebody hears it, no other calls",
};
/** Between two requests, ms: at the least, and so much more by chance, so that they meet the other calls at any moment. */
const between = { least: 5, more: 15 };

const program = new Command("scripts/bench floor")
  .description(
    "Many stand in one talkgroup, and one after the other of them asks for the floor, is told that it is granted, and releases it. " +
      "Measures the time from the Floor Request to the Floor Granted at the terminal, over UDP. In other talkgroups there are calls all " +
      "the while, 50 packets a second each. Beside it stands a bare echo on the same core, which shows what is the machine's. --peers measures svxreflector with as many nodes: it has no floor, so what is timed is from " +
      `the first packet of who begins to speak until somebody hears it. Exit status 0 only if Roger's p99 is ${bar} ms at most.`,
  )
  .option("--peers", "measures svxreflector as well; root and apt install it where it is missing")
  .option("--requests <count>", "how many", wholeNumber, 2_000)
  .option("--legs <count>", "how many stand in the talkgroup", wholeNumber, 300)
  .option("--calls <count>", "how many others there are, of two", wholeNumber, 20)
  .option("--json", "prints one JSON object instead of the table")
  .parse();
const options = program.opts<{ peers?: boolean; requests: number; legs: number; calls: number; json?: boolean }>();
const print = (line: string) => process.stdout.write(`${line}\n`);

interface Result {
  readonly name: string;
  /** ms */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const results: Result[] = [];

function measure(name: string, open: Open): Promise<void> {
  return during(open, options.legs + 1, async (contender) => {
    await contender.listeners(options.legs);
    const times: number[] = [];
    for (let count = 0; count < warmUp + options.requests; count++) {
      const ms = await contender.begin();
      if (count >= warmUp) times.push(ms);
      await pause(between.least + Math.random() * between.more);
    }
    times.sort((a, b) => a - b);
    const at = (share: number): number => times[Math.floor((times.length - 1) * share)] ?? Number.NaN;
    results.push({ name, p50: at(0.5), p99: at(0.99), max: at(1) });
  });
}

leaveMeasuredCore();
const { calls } = options;
await measure("roger", (opening) => openRoger({ ...opening, calls }));
await measure("echo", openEcho);
if (options.peers) await eachPeer(["svxreflector"], measure);
const { p99 } = results[0] ?? { p99: Number.NaN };
const met = p99 <= bar;
if (options.json) print(JSON.stringify({ ...options, results, bar }));
else {
  print(
    `${options.requests} requests of ${options.legs} who stand there, ms until the floor is granted; ${calls} other calls:`,
  );
  print("                     p50       p99       max");
  for (const { name, p50, p99, max } of results) {
    const cells = [p50, p99, max].map((ms) => ms.toFixed(3).padStart(10)).join("");
    print(`  ${name.padEnd(13)}${cells}${remarks[name] ?? ""}`);
  }
  print(met ? "every bar was met" : `not met: p99 is ${p99.toFixed(3)} ms, the bar is ${bar} ms`);
}
process.exitCode = met ? 0 : 1;
