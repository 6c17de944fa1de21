/** A program of others, run by a test: what it prints can be waited for, and it ends with the test. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

export interface Program {
  readonly lines: readonly string[];
  /** The first line, printed already or to come, that matches; rejects with what was printed when the program ends or `ms` are over. */
  printed(pattern: RegExp, ms?: number): Promise<string>;
  /** A line for its standard input. Only for a program that was started to be spoken to. */
  say(line: string): void;
  /** Resolves with the exit status. */
  readonly ended: Promise<number | null>;
  /** Asks it to end, and makes it after 5 s, and whatever it has started. */
  stop(): Promise<void>;
  /** It is given no time for anything. */
  kill(): Promise<void>;
}

export interface ProgramOptions {
  readonly cwd?: string;
  /** Beside what this process has. */
  readonly env?: Readonly<Record<string, string>>;
  /** Its standard input stays open, for `say`. */
  readonly spokenTo?: boolean;
}

export function program(command: string, args: readonly string[], options: ProgramOptions = {}): Program {
  const { cwd, env = {}, spokenTo = false } = options;
  const child = spawn(command, args, {
    stdio: [spokenTo ? "pipe" : "ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
    ...(cwd !== undefined && { cwd }),
  });
  // It may be gone before it has read what it was told.
  child.stdin?.on("error", () => {});
  const lines: string[] = [];
  const listeners = new Set<(line: string) => void>();
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  for (const stream of [child.stdout, child.stderr])
    if (stream)
      createInterface({ input: stream }).on("line", (line) => {
        lines.push(line);
        for (const listener of listeners) listener(line);
      });

  return {
    lines,
    ended,
    say: (line) => void child.stdin?.write(`${line}\n`),
    printed(pattern, ms = 20_000) {
      const past = lines.find((line) => pattern.test(line));
      if (past !== undefined) return Promise.resolve(past);
      return new Promise((resolve, reject) => {
        const fail = (why: string): void => {
          done();
          reject(
            new Error(`${command}: waited for ${pattern}, but ${why}; it printed:\n${lines.slice(-40).join("\n")}`),
          );
        };
        const timer = setTimeout(() => fail(`it did not come within ${ms / 1000} s`), ms);
        const onEnd = (): void => fail("the program ended");
        const listener = (line: string): void => {
          if (!pattern.test(line)) return;
          done();
          resolve(line);
        };
        function done(): void {
          clearTimeout(timer);
          listeners.delete(listener);
          child.off("close", onEnd);
        }
        listeners.add(listener);
        child.on("close", onEnd);
      });
    },
    async stop() {
      const impatience = setTimeout(killAll, 5_000);
      child.kill("SIGTERM");
      await ended;
      clearTimeout(impatience);
    },
    async kill() {
      killAll();
      await ended;
    },
  };

  /** With its own children, which would hold its output open, and live on. */
  function killAll(): void {
    const all = child.pid === undefined ? [] : childrenOf(child.pid);
    child.kill("SIGKILL");
    for (const pid of all) killIfThere(pid);
  }
}

/** Those of its children too. */
function childrenOf(pid: number): readonly number[] {
  try {
    const listed = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return listed === "" ? [] : listed.split(" ").flatMap((each) => [Number(each), ...childrenOf(Number(each))]);
  } catch {
    // It has ended meanwhile.
    return [];
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}
