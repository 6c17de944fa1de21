/** What it costs to hand one speaker's packets on to many listeners, beside the servers of others. */
import { Command, Option } from "commander";
import type { LegCodec } from "../../firmware/sip/negotiation.ts";
import { wholeNumber, wholeNumbers } from "./rig/options.ts";
import { during, eachPeer, type Open } from "./rig/peers.ts";
import { leaveMeasuredCore } from "./rig/process.ts";
import { openRoger } from "./rig/roger.ts";

/** Of the gateway's processor time a packet, against that of each peer, at `barListeners`. */
const bars = { svxreflector: 0.5, janus: 1 / 40 } as const;
const barListeners = 300;
/** The code is compiled by then. */
const warmUpSeconds = 3;
const codecs: readonly LegCodec[] = ["opus", "PCMU", "PCMA"];

const program = new Command("scripts/bench relay")
  .description(
    "One speaks, 50 packets of Opus a second, many listen; each is a terminal of its own on another core. Measures the processor time " +
      "of the whole server, all threads, for each packet that came to a listener. --peers measures svxreflector (its nodes), and the " +
      "AudioBridge of Janus (plain RTP participants) by the same load on the same core; where one is missing, root and apt install it. " +
      `Exit status 0 only if no packet of Roger's was lost, and with --peers, at ${barListeners} listeners, only if Roger needs at most ` +
      `${bars.svxreflector} times the time of svxreflector and 1/${1 / bars.janus} of that of Janus.`,
  )
  .option("--peers", "measures the peers as well")
  .option("--listeners <counts>", "how many, one after the other", wholeNumbers, [1, 20, 100, 300, 1_000])
  .option("--peer-listeners <counts>", "how many with the peers", wholeNumbers, [100, 300])
  .option("--seconds <count>", "for how long", wholeNumber, 10)
  .addOption(
    new Option(
      "--codec <name>",
      "of the listeners; another than that of who speaks is made for them, and no bar is set then",
    )
      .choices(codecs)
      .default("opus"),
  )
  .option("--profile <folder>", "leaves CPU profiles of the gateway there; it is slower then")
  .option("--json", "prints one JSON object instead of the table")
  .parse();
const options = program.opts<{
  peers?: boolean;
  listeners: readonly number[];
  peerListeners: readonly number[];
  seconds: number;
  codec: LegCodec;
  profile?: string;
  json?: boolean;
}>();
const print = (line: string) => process.stdout.write(`${line}\n`);

interface Result {
  readonly name: string;
  readonly listeners: number;
  readonly sent: number;
  /** Of those that should have come. */
  readonly lost: number;
  /** µs of processor time for each packet that came. */
  readonly cpu: number;
  /** Of one core. */
  readonly load: number;
  /** MB */
  readonly memory: number;
}

const results: Result[] = [];

function measure(name: string, open: Open, counts: readonly number[]): Promise<void> {
  const { codec } = options;
  return during(
    (opening) => open({ ...opening, codec }),
    Math.max(...counts) + 1,
    async (contender) => {
      for (const listeners of counts.toSorted((a, b) => a - b)) {
        await contender.listeners(listeners);
        await contender.talk(warmUpSeconds);
        const before = { cpu: contender.process.cpu(), at: performance.now() };
        const { sent, heard } = await contender.talk(options.seconds);
        const cpu = contender.process.cpu() - before.cpu;
        const load = cpu / 1_000 / (performance.now() - before.at);
        const memory = contender.process.memory();
        results.push({ name, listeners, sent, lost: sent * listeners - heard, cpu: cpu / heard, load, memory });
      }
    },
  );
}

function table(): void {
  print(`one speaks ${options.seconds} s, 50 packets/s of Opus; the listeners take ${options.codec}:`);
  print("                listeners   sent    lost  CPU µs a packet  of a core      MB  Roger is");
  for (const { name, listeners, sent, lost, cpu, load, memory } of results) {
    const own = results.find((result) => result.name === "roger" && result.listeners === listeners);
    const cells = [
      `${listeners}`.padStart(9),
      `${sent}`.padStart(7),
      `${lost}`.padStart(8),
      cpu.toFixed(2).padStart(17),
      `${(load * 100).toFixed(1)} %`.padStart(11),
      memory.toFixed(0).padStart(8),
      (name === "roger" || !own ? "" : `${(own.cpu / cpu).toFixed(3)} x`).padStart(10),
    ];
    print(`  ${name.padEnd(13)} ${cells.join("")}`);
  }
}

/** What is not as it should be. */
function faults(): readonly string[] {
  const own = results.filter(({ name }) => name === "roger");
  const at = (wanted: string): Result | undefined =>
    results.find(({ name, listeners }) => name === wanted && listeners === barListeners);
  const ratios = options.peers && options.codec === "opus" ? Object.entries(bars) : [];
  return [
    ...own.filter(({ lost }) => lost !== 0).map(({ listeners, lost }) => `${lost} lost with ${listeners} listeners`),
    ...ratios.flatMap(([name, bar]) => {
      const ratio = (at("roger")?.cpu ?? Number.NaN) / (at(name)?.cpu ?? Number.NaN);
      if (ratio <= bar) return [];
      if (Number.isNaN(ratio)) return [`there is nothing to compare with of ${name} at ${barListeners}`];
      return [`${ratio.toFixed(3)} times the processor time of ${name} at ${barListeners}, the bar is ${bar}`];
    }),
  ];
}

leaveMeasuredCore();
const node = options.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${options.profile}`];
await measure("roger", (opening) => openRoger({ ...opening, node }), options.listeners);
if (options.peers)
  await eachPeer(options.codec === "opus" ? ["svxreflector", "janus"] : ["janus"], (name, open) =>
    measure(name, open, options.peerListeners),
  );
const found = faults();
if (options.json) print(JSON.stringify({ ...options, results, faults: found }));
else {
  table();
  print(found.length === 0 ? "every bar was met" : `not met: ${found.join("; ")}`);
}
process.exitCode = found.length === 0 ? 0 : 1;
