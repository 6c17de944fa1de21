/** One gateway of the demonstration: its configuration, its process, its log, and the hands on its simulated board. */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type BoardClient, connectBoard } from "../../hal/board/simulated-client.ts";

export interface SitePlan {
  readonly site: string;
  /** Of SIP and media; 127.0.0.1. */
  readonly host?: string;
  readonly sipPort: number;
  /** The `sip.tls` part of the configuration, as YAML. */
  readonly tls?: string;
  readonly mediaPorts: string;
  /** The `broker` part of the configuration, as YAML. */
  readonly broker: string;
  /** Accounts beside the panel's, as YAML list items. */
  readonly accounts?: string;
  /** More of the talkgroup, as YAML: "queueing: true". */
  readonly talkgroup?: string;
  /** As YAML list items. */
  readonly exchanges?: string;
  /** Whether all members of the talkgroup talk and are heard at once. */
  readonly mixing?: boolean;
  /** A private folder for the configuration and the board's socket. */
  readonly folder: string;
  /** Where the gateway's log goes. */
  readonly log: string;
}

export interface Site {
  readonly site: string;
  readonly board: BoardClient;
  /** Resolves with the first log line, past or future, that passes; rejects when the gateway ends before or `ms` are over. */
  logged(what: string, wanted: (line: LogLine) => boolean, ms?: number): Promise<LogLine>;
  /** Ends the gateway as a supervisor would; resolves with its exit code. */
  close(): Promise<number | null>;
}

export type LogLine = Readonly<Record<string, unknown>>;

const program = join(import.meta.dirname, "../../firmware/start.ts");
const startMs = 30_000;
const mostLines = 10_000;

/** Starts a gateway; resolves when it stands. Rejects with what its log says when it does not. */
export async function startSite(plan: SitePlan): Promise<Site> {
  const { site, folder } = plan;
  const config = join(folder, `${site}.yaml`);
  const socket = join(folder, `${site}.sock`);
  writeFileSync(config, configOf(plan, socket), { mode: 0o600 });
  const child = spawn(process.execPath, [program, "run", "--config", config], { stdio: ["ignore", "pipe", "pipe"] });
  const log = followLog(site, child, plan.log);
  await log.logged("that it stands", ({ event }) => event === "ready", startMs);
  const board = await connectBoard(socket);

  return {
    site,
    board,
    logged: log.logged,
    async close() {
      board.close();
      if (child.exitCode === null) child.kill("SIGTERM");
      await log.ended;
      return child.exitCode;
    },
  };
}

function configOf(plan: SitePlan, socket: string): string {
  const {
    site,
    host = "127.0.0.1",
    sipPort,
    tls,
    mediaPorts,
    broker,
    accounts = "",
    talkgroup,
    exchanges,
    mixing = false,
  } = plan;
  return `site: ${site}
realm: crew.example
sip: { host: "${host}", port: ${sipPort}${tls === undefined ? "" : `, tls: ${tls}`} }
media: { host: "${host}", ports: ${mediaPorts} }
broker: ${broker}
board: simulated
control: ${socket}
accounts:
  - { user: ${site}-panel, password: "demonstration only", talkgroups: [ops], emergency: [ops] }
${accounts}panel: { account: ${site}-panel, talkgroup: ops }
talkgroups:
  - { name: ops, talkSeconds: 30, hangSeconds: 5${talkgroup === undefined ? "" : `, ${talkgroup}`}${mixing ? ", mixing: true" : ""} }
${exchanges === undefined ? "" : `exchanges:\n${exchanges}`}`;
}

interface Wait {
  readonly wanted: (line: LogLine) => boolean;
  readonly resolve: (line: LogLine) => void;
}

function followLog(site: string, child: ChildProcess, path: string) {
  const lines: LogLine[] = [];
  const waits = new Set<Wait>();
  const file = createWriteStream(path);
  let lastWords = "";

  const ended = new Promise<void>((resolve) => {
    child.on("close", () => file.end(resolve));
  });

  function receive(text: string): void {
    file.write(`${text}\n`);
    const line = parse(text);
    if (!line) return;
    if (lines.length < mostLines) lines.push(line);
    for (const wait of waits) if (wait.wanted(line)) wait.resolve(line);
  }

  if (child.stdout) createInterface({ input: child.stdout }).on("line", receive);
  if (child.stderr)
    createInterface({ input: child.stderr }).on("line", (text) => {
      lastWords = text;
      file.write(`${text}\n`);
    });

  function logged(what: string, wanted: (line: LogLine) => boolean, ms = startMs): Promise<LogLine> {
    const past = lines.find(wanted);
    if (past) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        done();
        reject(new Error(`gateway ${site}: waited for ${what}, but ${why}; see ${path}`));
      };
      const timer = setTimeout(() => fail(`it did not come within ${ms / 1000} s`), ms);
      const onClose = (): void => fail(`the gateway ended (${lastWords || `exit status ${child.exitCode}`})`);
      const wait: Wait = {
        wanted,
        resolve(line) {
          done();
          resolve(line);
        },
      };
      function done(): void {
        clearTimeout(timer);
        waits.delete(wait);
        child.off("close", onClose);
      }
      waits.add(wait);
      child.on("close", onClose);
    });
  }

  return { logged, ended };
}

function parse(text: string): LogLine | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : undefined;
  } catch {
    return undefined;
  }
}
