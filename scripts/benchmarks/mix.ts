/** What it costs to mix several who speak at once for many listeners, beside the mixer of others. */
import { Command } from "commander";
import { wholeNumber, wholeNumbers } from "./rig/options.ts";
import { during, eachPeer, type Open } from "./rig/peers.ts";
import { leaveMeasuredCore } from "./rig/process.ts";
import { openRoger } from "./rig/roger.ts";

/** Of the gateway's processor time a packet, against that of Janus, at the most listeners. */
const bar = 1 / 5;
const warmUpSeconds = 3;
/** Of what should come to the listeners; a mixer has a clock of its own, and one packet more or less is no fault. */
const leastHeard = 0.98;

const program = new Command("scripts/bench mix")
  .description(
    "Several speak at once in a full-duplex talkgroup, 50 packets of Opus a second each, many listen. Measures the processor time of the " +
      "whole server, all threads, for each packet that came to a listener. --peers measures the AudioBridge of Janus by the same load on " +
      `the same core; root and apt install it where it is missing. Exit status 0 only if ${leastHeard * 100} % of Roger's packets came, ` +
      `and with --peers only if Roger needs at most 1/${1 / bar} of the time of Janus, at the most listeners.`,
  )
  .option("--peers", "measures Janus as well")
  .option("--speakers <count>", "how many speak", wholeNumber, 3)
  .option("--listeners <counts>", "how many, one after the other", wholeNumbers, [20, 100])
  .option("--seconds <count>", "for how long", wholeNumber, 10)
  .option("--json", "prints one JSON object instead of the table")
  .parse();
const options = program.opts<{
  peers?: boolean;
  speakers: number;
  listeners: readonly number[];
  seconds: number;
  json?: boolean;
}>();
const print = (line: string) => process.stdout.write(`${line}\n`);

interface Result {
  readonly name: string;
  readonly listeners: number;
  /** Of what should have come, a share. */
  readonly heard: number;
  /** µs of processor time for each packet that came. */
  readonly cpu: number;
  /** Of one core. */
  readonly load: number;
}

const results: Result[] = [];

function measure(name: string, open: Open): Promise<void> {
  const { speakers, listeners: counts, seconds } = options;
  return during(
    (opening) => open({ ...opening, speakers }),
    Math.max(...counts) + speakers,
    async (contender) => {
      for (const listeners of counts.toSorted((a, b) => a - b)) {
        await contender.listeners(listeners);
        await contender.talk(warmUpSeconds);
        const before = { cpu: contender.process.cpu(), at: performance.now() };
        const { sent, heard } = await contender.talk(seconds);
        const cpu = contender.process.cpu() - before.cpu;
        const load = cpu / 1_000 / (performance.now() - before.at);
        results.push({ name, listeners, heard: heard / (sent * listeners), cpu: cpu / heard, load });
      }
    },
  );
}

/** What is not as it should be. */
function faults(): readonly string[] {
  const most = Math.max(...options.listeners);
  const at = (wanted: string): Result | undefined =>
    results.find(({ name, listeners }) => name === wanted && listeners === most);
  const ratio = (at("roger")?.cpu ?? Number.NaN) / (at("janus")?.cpu ?? Number.NaN);
  return [
    ...results
      .filter(({ name, heard }) => name === "roger" && heard < leastHeard)
      .map(({ listeners, heard }) => `${(heard * 100).toFixed(1)} % came to ${listeners} listeners`),
    ...(options.peers && !(ratio <= bar)
      ? [`${ratio.toFixed(3)} times the processor time of Janus with ${most} listeners, the bar is ${bar}`]
      : []),
  ];
}

leaveMeasuredCore();
await measure("roger", openRoger);
if (options.peers) await eachPeer(["janus"], measure);
const found = faults();
if (options.json) print(JSON.stringify({ ...options, results, faults: found }));
else {
  print(`${options.speakers} speak at once for ${options.seconds} s:`);
  print("                listeners   came  CPU µs a packet  of a core");
  for (const { name, listeners, heard, cpu, load } of results) {
    const cells = [
      `${listeners}`.padStart(9),
      `${(heard * 100).toFixed(1)} %`.padStart(9),
      cpu.toFixed(2).padStart(15),
    ];
    print(`  ${name.padEnd(13)} ${cells.join("")}${`${(load * 100).toFixed(1)} %`.padStart(11)}`);
  }
  print(found.length === 0 ? "every bar was met" : `not met: ${found.join("; ")}`);
}
process.exitCode = found.length === 0 ? 0 : 1;
