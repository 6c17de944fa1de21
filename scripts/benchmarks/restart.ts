/** How long a gateway that was killed is missed: until it answers again, with every registration that it had. */
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Command } from "commander";
import { freePort, host, numbered, realm, startGateway } from "./rig/gateway.ts";
import { wholeNumber } from "./rig/options.ts";
import { openPhones, registerAll } from "./rig/phones.ts";
import type { Measured } from "./rig/process.ts";

/** From the start of the process until it answers with every registration taken up, ms. */
const bar = 2_000;
const probeMs = 5;
const longestWait = 60_000;

const program = new Command("scripts/bench restart")
  .description(
    "Registers terminals with a gateway that has a store, kills it (kill -9), starts it again. Measures how long it takes until it has taken up " +
      "every registration and answers, and until every terminal was asked for a sign of life and gave one. The accounts are in the store, " +
      `as "roger user add" puts them. Exit status 0 only if it never takes more than ${bar} ms until it answers.`,
  )
  .option("--terminals <count>", "how many", wholeNumber, 10_000)
  .option("--rounds <count>", "how often it is killed", wholeNumber, 3)
  .option("--json", "prints one JSON object instead of the table")
  .parse();
const options = program.opts<{ terminals: number; rounds: number; json?: boolean }>();
const print = (line: string) => process.stdout.write(`${line}\n`);

interface Round {
  readonly restored: number;
  /** ms from the start of the process. */
  readonly answers: number;
  readonly allAlive: number;
}

/** Resolves when every registration is committed, which follows the answer by a moment. */
async function allKept(file: string): Promise<void> {
  const database = new DatabaseSync(file, { readOnly: true });
  const count = database.prepare("SELECT count(*) AS found FROM bindings");
  const kept = (): number => {
    const { found } = count.get() ?? {};
    return Number(found);
  };
  while (kept() < options.terminals) await new Promise((resolve) => setTimeout(resolve, 50));
  database.close();
}

/** From now on they belong to the roger command: the configuration need not name them. */
function handOver(file: string): void {
  const database = new DatabaseSync(file);
  database.exec("UPDATE accounts SET origin = 'command'");
  database.close();
}

/** Resolves when an OPTIONS is answered; asks until then. */
async function answered(port: number): Promise<void> {
  const socket = createSocket("udp4").bind(0, host);
  const answer = new Promise<void>((resolve) => socket.once("message", () => resolve()));
  let asked = 0;
  const timer = setInterval(() => {
    const { port: own } = socket.address();
    socket.send(
      `OPTIONS sip:${realm} SIP/2.0\r\nVia: SIP/2.0/UDP ${host}:${own};rport;branch=z9hG4bKprobe${asked}\r\nMax-Forwards: 70\r\n` +
        `From: <sip:probe@${realm}>;tag=p\r\nTo: <sip:${realm}>\r\nCall-ID: probe${asked}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`,
      port,
      host,
    );
    asked += 1;
  }, probeMs);
  await answer;
  clearInterval(timer);
  socket.close();
}

/** Resolves with the time when so many lines that match were printed. */
function counted(gateway: Measured, pattern: RegExp, wanted: number): Promise<number> {
  let count = 0;
  return new Promise((resolve, reject) => {
    const impatience = setTimeout(
      () => reject(new Error(`${count} of ${wanted} terminals were alive after ${longestWait / 1_000} s`)),
      longestWait,
    );
    gateway.hear((line) => {
      if (!pattern.test(line)) return;
      count += 1;
      if (count < wanted) return;
      clearTimeout(impatience);
      resolve(performance.now());
    });
  });
}

async function measure(): Promise<readonly Round[]> {
  const folder = mkdtempSync(join(tmpdir(), "roger-bench-"));
  const file = join(folder, "gateway.db");
  const port = await freePort();
  const users = numbered(options.terminals);
  let gateway = await startGateway({ folder, port, users, store: true });
  const phones = await openPhones(port);
  const rounds: Round[] = [];
  try {
    await registerAll(phones, users);
    await allKept(file);
    await gateway.kill();
    handOver(file);
    for (let round = 0; round < options.rounds; round++) {
      const from = performance.now();
      const isUp = answered(port);
      let restored = 0;
      let alive: Promise<number> | undefined;
      gateway = await startGateway({ folder, port, users: [], store: true }, (starting) => {
        alive = counted(starting, /"event":"registered"/, options.terminals);
        starting.hear((line) => {
          restored = Number(/"event":"restored","terminals":(\d+)/.exec(line)?.[1] ?? restored);
        });
      });
      await isUp;
      const answers = performance.now() - from;
      const allAlive = ((await alive) ?? Number.NaN) - from;
      rounds.push({ restored, answers, allAlive });
      await gateway.kill();
    }
    return rounds;
  } finally {
    await gateway.kill();
    await phones.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const rounds = await measure();
const longest = Math.max(...rounds.map(({ answers }) => answers));
const isWhole = rounds.every(({ restored }) => restored === options.terminals);
if (options.json) print(JSON.stringify({ ...options, rounds, longest, bar }));
else {
  print(`${options.terminals} registrations in the store, the gateway killed; ms from the start of the new process:`);
  print("  taken up  answers  every terminal asked and alive");
  for (const { restored, answers, allAlive } of rounds)
    print(`  ${`${restored}`.padStart(8)} ${answers.toFixed(0).padStart(8)} ${allAlive.toFixed(0).padStart(31)}`);
  print(
    `the longest until it answered: ${longest.toFixed(0)} ms, the bar is ${bar} ms${isWhole ? "" : "; registrations were lost"}`,
  );
}
process.exitCode = longest <= bar && isWhole ? 0 : 1;
