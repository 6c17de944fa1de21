/** How many phones can register in a second, and what each costs, beside a registrar in C that keeps nothing on a disk. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { freePort, numbered, startGateway } from "./rig/gateway.ts";
import { startKamailio } from "./rig/kamailio.ts";
import { wholeNumber } from "./rig/options.ts";
import { isInstalled, type Measured } from "./rig/process.ts";
import { type Load, type Outcome, portion, registerBySipp } from "./rig/sipp.ts";

/** Of the gateway in memory: at most so many times the processor time of kamailio. */
const ratioBar = 6;
const p99Bar = 50;
/** Of the rate that was asked for. */
const rateBar = 0.99;
/** The code is compiled by then, and every account is registered; as a share of the rate. */
const warmUp = { seconds: 10, share: 0.4 };

const names = { kamailio: "kamailio, in memory", memory: "roger, in memory", store: "roger, with a store" } as const;
type Name = keyof typeof names;

function known(text: string): readonly Name[] {
  return text.split(",").map((name) => {
    if (!isNamed(name)) throw new InvalidArgumentError(`expected some of ${Object.keys(names).join(",")}`);
    return name;
  });
}

const isNamed = (name: string): name is Name => Object.hasOwn(names, name);

const program = new Command("scripts/bench register")
  .description(
    "Registers phones with a gateway, and with kamailio, on one core: REGISTER, 401, REGISTER with digest (MD5), 200, over UDP, made by " +
      "sipp on another core. Where sipp or kamailio is missing, root and apt are needed to install it. Processor time counts all threads. " +
      `Exit status 0 only if none failed, the rate was reached with a p99 of ${p99Bar} ms at most, with and without a store, and the ` +
      `processor time is less than ${ratioBar} times that of kamailio.`,
  )
  .option("--rate <count>", "registrations a second", wholeNumber, 5_000)
  .option("--seconds <count>", "for how long", wholeNumber, 20)
  .option("--accounts <count>", "that take turns", wholeNumber, 2_000)
  .option("--only <names>", "some of them", known, known(Object.keys(names).join(",")))
  .option("--profile <folder>", "leaves CPU profiles of the gateway there; it is slower then")
  .option("--json", "prints one JSON object instead of the table")
  .parse();
const options = program.opts<{
  rate: number;
  seconds: number;
  accounts: number;
  only: readonly Name[];
  profile?: string;
  json?: boolean;
}>();
const print = (line: string) => process.stdout.write(`${line}\n`);

interface Result {
  readonly name: Name;
  readonly rate: number;
  readonly failed: number;
  readonly repeated: number;
  readonly p50: number;
  readonly p99: number;
  /** µs of processor time for each registration. */
  readonly cpu: number;
  readonly sippCpu: number;
  /** MB */
  readonly memory: number;
}

function start(name: Name, folder: string, port: number, users: readonly string[]): Promise<Measured> {
  if (name === "kamailio") return startKamailio(folder, port);
  const node = options.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${options.profile}`];
  return startGateway({ folder, port, users, store: name === "store", node });
}

async function measure(name: Name): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "roger-bench-"));
  const users = numbered(options.accounts);
  const [port, from] = [await freePort(), await freePort()];
  const server = await start(name, folder, port, users);
  const load = (rate: number, seconds: number): Load => {
    const count = Math.ceil((rate * seconds) / portion) * portion;
    return { folder, port, from, users, rate, count };
  };
  try {
    await registerBySipp(load(Math.ceil(options.rate * warmUp.share), warmUp.seconds));
    const before = server.cpu();
    const outcome = await registerBySipp(load(options.rate, options.seconds));
    return resultOf(name, outcome, server.cpu() - before, server.memory());
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function resultOf(name: Name, outcome: Outcome, cpu: number, memory: number): Result {
  const { succeeded, failed, repeated, seconds, times } = outcome;
  const at = (share: number): number =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  return {
    name,
    rate: succeeded / seconds,
    failed,
    repeated,
    p50: at(0.5),
    p99: at(0.99),
    cpu: cpu / succeeded,
    sippCpu: outcome.cpu,
    memory,
  };
}

function table(results: readonly Result[], base: number | undefined): void {
  print(`${options.accounts} accounts, ${options.rate} registrations/s asked for, ${options.seconds} s, one core:`);
  print("                        reached/s  failed  repeated  p50 ms  p99 ms  CPU µs  sipp µs    MB  x kamailio");
  for (const { name, rate, failed, repeated, p50, p99, cpu, sippCpu, memory } of results) {
    const cells = [
      rate.toFixed(0).padStart(9),
      `${failed}`.padStart(8),
      `${repeated}`.padStart(10),
      `${p50}`.padStart(8),
      `${p99}`.padStart(8),
      cpu.toFixed(1).padStart(8),
      sippCpu.toFixed(1).padStart(9),
      memory.toFixed(0).padStart(6),
      (base === undefined ? "-" : (cpu / base).toFixed(2)).padStart(12),
    ];
    print(`  ${names[name].padEnd(22)}${cells.join("")}`);
  }
}

/** What is not as it should be. */
function faults(results: readonly Result[], base: number | undefined): readonly string[] {
  const own = results.filter(({ name }) => name !== "kamailio");
  const memory = results.find(({ name }) => name === "memory");
  return [
    ...own.filter(({ failed }) => failed > 0).map(({ name, failed }) => `${names[name]}: ${failed} failed`),
    ...own
      .filter(({ rate }) => rate < options.rate * rateBar)
      .map(({ name, rate }) => `${names[name]}: ${rate.toFixed(0)}/s of ${options.rate}`),
    ...own.filter(({ p99 }) => !(p99 <= p99Bar)).map(({ name, p99 }) => `${names[name]}: p99 ${p99} ms of ${p99Bar}`),
    ...(memory && base === undefined ? ["there is nothing to compare with"] : []),
    ...(memory && base !== undefined && !(memory.cpu / base < ratioBar)
      ? [
          `${names.memory}: ${(memory.cpu / base).toFixed(2)} times the processor time of kamailio, the bar is ${ratioBar}`,
        ]
      : []),
  ];
}

if (!(await isInstalled("sipp"))) {
  process.stderr.write("scripts/bench register: sipp is not installed (Debian: sip-tester)\n");
  process.exit(2);
}
const results: Result[] = [];
for (const name of options.only) {
  if (name === "kamailio" && !(await isInstalled("kamailio"))) continue;
  results.push(await measure(name));
}
const base = results.find(({ name }) => name === "kamailio")?.cpu;
const found = faults(results, base);
if (options.json) print(JSON.stringify({ ...options, results, kamailioCpu: base, faults: found }));
else {
  table(results, base);
  print(found.length === 0 ? "every bar was met" : `not met: ${found.join("; ")}`);
}
process.exitCode = found.length === 0 ? 0 : 1;
