/**
 * Runs one command to its end, and to the end of everything that it started. It has a session of its own, a time
 * limit and a mark by which its descendants are known; its output goes to a file, which no left-over can hold open.
 * It does not know what the command is or whether its result is good.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Leftover, sweep } from "./leftovers.ts";

export interface Surroundings {
  readonly cwd: string;
  /** An existing directory for its output. */
  readonly scratch: string;
  readonly limitMs: number;
  /** Ends the command at once. */
  readonly interrupt: AbortSignal;
}

export interface Ended {
  readonly output: string;
  readonly seconds: number;
  /** Undefined: of itself, with status 0. Otherwise how, in words. */
  readonly trouble: string | undefined;
  /** Something that it started outlived it. */
  readonly leftovers: readonly Leftover[];
}

/** What is on its way out when its parent ends is not left over. */
const graceMs = 1_000;
/** The end of a longer output tells more than its start. */
const maxOutput = 1_000_000;

/** An environment that does not depend on who runs the tests and where. */
function environment(mark: string): NodeJS.ProcessEnv {
  const { FORCE_COLOR: _color, NODE_OPTIONS: _options, ...inherited } = process.env;
  return {
    ...inherited,
    PATH: `${dirname(process.execPath)}:${inherited["PATH"] ?? ""}`,
    NO_COLOR: "1",
    TERM: "dumb",
    LC_ALL: "C.UTF-8",
    TZ: "UTC",
    // A run inside a run keeps the outer mark.
    ROGER_TEST_MARK: `${inherited["ROGER_TEST_MARK"] ?? ""}:${mark}`,
  };
}

function readEnd(file: number): string {
  const { size } = fstatSync(file);
  const kept = Buffer.alloc(Math.min(size, maxOutput));
  readSync(file, kept, 0, kept.length, size - kept.length);
  const left = size - kept.length;
  return `${left > 0 ? `(${left} bytes left out)\n` : ""}${kept.toString()}`;
}

/** Never rejects for what the command does. */
export async function runToEnd(program: string, args: readonly string[], around: Surroundings): Promise<Ended> {
  const mark = randomBytes(16).toString("hex");
  const log = join(around.scratch, `${mark}.log`);
  const output = openSync(log, "a+");
  const started = performance.now();
  const child = spawn(program, args, {
    cwd: around.cwd,
    env: environment(mark),
    stdio: ["ignore", output, output],
    detached: true,
  });
  // Without a process there is nothing to stop; 0 is no session of ours.
  const session = child.pid ?? 0;

  let stopped: string | undefined;
  const stop = (why: string): void => {
    if (session === 0) return;
    stopped ??= why;
    try {
      process.kill(-session, "SIGKILL");
    } catch {
      // It ended by itself at the same moment.
    }
  };
  const interrupted = (): void => stop("was interrupted");
  around.interrupt.addEventListener("abort", interrupted);
  if (around.interrupt.aborted) interrupted();
  const limit = setTimeout(() => stop(`did not end within ${around.limitMs / 1_000} s`), around.limitMs);

  const ended = await new Promise<string | undefined>((resolve) => {
    child.once("error", (error) => resolve(`did not start: ${error.message}`));
    child.once("exit", (status, signal) => {
      if (signal) resolve(`was ended by ${signal}`);
      else resolve(status === 0 ? undefined : `ended with status ${status}`);
    });
  });
  clearTimeout(limit);
  around.interrupt.removeEventListener("abort", interrupted);

  const leftovers = await sweep(mark, session, stopped ? 0 : graceMs);
  const result = {
    output: readEnd(output),
    seconds: (performance.now() - started) / 1_000,
    trouble: stopped ?? ended,
    leftovers: stopped ? [] : leftovers,
  };
  closeSync(output);
  rmSync(log);
  return result;
}
