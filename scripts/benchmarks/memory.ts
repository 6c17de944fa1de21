/** How much memory a gateway needs for the legs that stand in it, and how much processor time while nobody speaks. */
import { setTimeout as pause } from "node:timers/promises";
import { Command } from "commander";
import { wholeNumber, wholeNumbers } from "./rig/options.ts";
import { during, eachPeer, type Open } from "./rig/peers.ts";
import { leaveMeasuredCore } from "./rig/process.ts";
import { openRoger } from "./rig/roger.ts";

/** MB of the whole gateway with so many legs, or fewer. */
const bar = { legs: 500, megabytes: 200 };
/** Of one core, with one leg and nobody who speaks. */
const idleBar = 0.01;

/** What the last burst has left to do. */
const settleMs = 1_000;

const program = new Command("scripts/bench memory")
  .description(
    "Legs stand in a talkgroup; one speaks for a while, and then nobody does. Measures the resident memory of the whole process, and the processor time that it takes at rest. --peers " +
      "measures svxreflector and the AudioBridge of Janus with as many nodes and participants; where one is missing, root and apt install " +
      `it. Exit status 0 only if Roger never has more than ${bar.megabytes} MB with up to ${bar.legs} legs, and with one leg takes ` +
      `${idleBar * 100} % of a core at most.`,
  )
  .option("--peers", "measures the peers as well")
  .option("--legs <counts>", "how many, one after the other", wholeNumbers, [1, 100, 500, 1_000])
  .option("--peer-legs <counts>", "how many with the peers", wholeNumbers, [1, 100, 300])
  .option("--talk <seconds>", "how long one speaks", wholeNumber, 2)
  .option("--rest <seconds>", "how long nobody does before memory is looked at", wholeNumber, 5)
  .option("--json", "prints one JSON object instead of the table")
  .parse();
const options = program.opts<{
  peers?: boolean;
  legs: readonly number[];
  peerLegs: readonly number[];
  talk: number;
  rest: number;
  json?: boolean;
}>();
const print = (line: string) => process.stdout.write(`${line}\n`);

interface Result {
  readonly name: string;
  readonly legs: number;
  readonly megabytes: number;
  /** Of one core, at rest. */
  readonly idle: number;
}

const results: Result[] = [];

function measure(name: string, open: Open, counts: readonly number[]): Promise<void> {
  return during(open, Math.max(...counts), async (contender) => {
    for (const legs of counts.toSorted((a, b) => a - b)) {
      // Who speaks is one of them.
      await contender.listeners(legs - 1);
      await contender.talk(options.talk);
      await pause(settleMs);
      const before = { cpu: contender.process.cpu(), at: performance.now() };
      await pause(options.rest * 1_000);
      const idle = (contender.process.cpu() - before.cpu) / 1_000 / (performance.now() - before.at);
      results.push({ name, legs, megabytes: contender.process.memory(), idle });
    }
  });
}

leaveMeasuredCore();
await measure("roger", openRoger, options.legs);
if (options.peers) await eachPeer(["svxreflector", "janus"], (name, open) => measure(name, open, options.peerLegs));
const above = results.filter(
  ({ name, legs, megabytes }) => name === "roger" && legs <= bar.legs && megabytes > bar.megabytes,
);
const busy = results.filter(({ name, legs, idle }) => name === "roger" && legs === 1 && idle > idleBar);
const found = [
  ...above.map(({ legs, megabytes }) => `${megabytes.toFixed(0)} MB with ${legs} legs, of ${bar.megabytes}`),
  ...busy.map(({ idle }) => `${(idle * 100).toFixed(1)} % of a core at rest, of ${idleBar * 100} %`),
];
if (options.json) print(JSON.stringify({ ...options, results, faults: found }));
else {
  print("                 legs      MB  of a core at rest");
  for (const { name, legs, megabytes, idle } of results)
    print(
      `  ${name.padEnd(13)} ${`${legs}`.padStart(5)} ${megabytes.toFixed(0).padStart(7)}${`${(idle * 100).toFixed(1)} %`.padStart(19)}`,
    );
  print(found.length === 0 ? "every bar was met" : `not met: ${found.join("; ")}`);
}
process.exitCode = found.length === 0 ? 0 : 1;
