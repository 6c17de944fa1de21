/** A program that is measured: on a core of its own where there are two, with the processor time of all its processes. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";

export interface Measured {
  /** Resolves when a line is printed that matches; rejects with the last words when the program ends before, or `ms` are over. */
  printed(pattern: RegExp, ms?: number): Promise<string>;
  /** Is told each line, from now on. */
  hear(listener: (line: string) => void): void;
  /** Resolves with the exit status. */
  readonly ended: Promise<number | null>;
  /** µs of processor time that its processes have used, all threads together. */
  cpu(): number;
  /** Resident memory of its processes, MB. */
  memory(): number;
  /** Files and sockets that its processes have open. */
  handles(): number;
  /** Asks it to end, and makes it after 5 s. */
  stop(): Promise<void>;
  /** It is given no time for anything. */
  kill(): Promise<void>;
}

/** What is measured has the first core for itself, and what loads it the others. */
export type Core = "measured" | "load";

/** Of /proc: USER_HZ is 100 on every architecture that Node runs on. */
const tickUs = 10_000;
const pageBytes = 4_096;
const lastWords = 20;
/** Before this process is kept off one of them. */
const cores = availableParallelism();

const groups = new Set<number>();
process.on("exit", () => {
  for (const group of groups) signal(group, "SIGKILL");
});
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => process.exit(1));

function signal(group: number, name: NodeJS.Signals): void {
  try {
    process.kill(-group, name);
  } catch {
    // It is gone already.
  }
}

function onCore(core: Core, command: string, args: readonly string[]): readonly [string, readonly string[]] {
  if (cores < 2) return [command, args];
  return ["taskset", ["--cpu-list", core === "measured" ? "0" : `1-${cores - 1}`, command, ...args]];
}

/** Keeps this process off the core of what is measured. */
export function leaveMeasuredCore(): void {
  if (cores < 2) return;
  spawnSync("taskset", ["--all-tasks", "--cpu-list", "--pid", `1-${cores - 1}`, `${process.pid}`], { stdio: "ignore" });
}

export function measured(
  command: string,
  args: readonly string[],
  options: { readonly core: Core; readonly cwd: string },
): Measured {
  const [first, rest] = onCore(options.core, command, args);
  // A group of its own: all processes of the program end together, and are counted together.
  const child = spawn(first, rest, { stdio: ["ignore", "pipe", "pipe"], detached: true, cwd: options.cwd });
  const group = child.pid ?? 0;
  if (group > 0) groups.add(group);
  const words: string[] = [];
  const listeners = new Set<(line: string) => void>();
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on("line", (line) => {
      words.push(line);
      if (words.length > lastWords) words.shift();
      for (const listener of listeners) listener(line);
    });
  const ended = new Promise<number | null>((resolve) => {
    child.on("error", ({ message }) => {
      words.push(message);
      resolve(null);
    });
    child.on("close", resolve);
  }).finally(() => groups.delete(group));

  return {
    ended,
    hear: (listener) => void listeners.add(listener),
    printed(pattern, ms = 30_000) {
      return new Promise((resolve, reject) => {
        const fail = (why: string): void => {
          done();
          reject(new Error(`${command}: waited for ${pattern}, but ${why}; its last words:\n${words.join("\n")}`));
        };
        const timer = setTimeout(() => fail(`it did not come within ${ms / 1_000} s`), ms);
        const listener = (line: string): void => {
          if (!pattern.test(line)) return;
          done();
          resolve(line);
        };
        const done = (): void => {
          clearTimeout(timer);
          listeners.delete(listener);
        };
        listeners.add(listener);
        void ended.then((status) => fail(`it ended with status ${status}`));
      });
    },
    cpu: () => statsOf(group).reduce((sum, { ticks }) => sum + ticks, 0) * tickUs,
    memory: () => (statsOf(group).reduce((sum, { pages }) => sum + pages, 0) * pageBytes) / 1e6,
    handles: () => statsOf(group).reduce((sum, { pid }) => sum + openFiles(pid), 0),
    async stop() {
      signal(group, "SIGTERM");
      const impatience = setTimeout(() => signal(group, "SIGKILL"), 5_000);
      await ended;
      clearTimeout(impatience);
    },
    async kill() {
      signal(group, "SIGKILL");
      await ended;
    },
  };
}

/** proc(5), /proc/PID/stat: of each process in a group. */
function statsOf(group: number): readonly { readonly pid: string; readonly ticks: number; readonly pages: number }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const text = readStat(pid);
      // The name of the program, in parentheses, may hold anything; field 3 comes after it.
      const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
      const field = (number: number): number => Number(fields[number - 3] ?? 0);
      return field(5) === group ? [{ pid, ticks: field(14) + field(15), pages: field(24) }] : [];
    });
}

function readStat(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return "";
  }
}

function openFiles(pid: string): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

/** Whether a program is there to be run. */
export async function isInstalled(program: string): Promise<boolean> {
  const [status] = await once(spawn("sh", ["-c", `command -v ${program}`], { stdio: "ignore" }), "close");
  return status === 0;
}
