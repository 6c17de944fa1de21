/**
 * Finds and ends what a command left running. A process belongs to a command if it carries the command's mark in its
 * environment, whatever it detached itself from, or if it is in the command's session, whatever it did to its environment.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface Leftover {
  readonly pid: number;
  readonly command: string;
}

/** Without Linux's /proc nothing is found. */
export const canLook = existsSync("/proc/self/environ");

/** Kills are repeated for what forks meanwhile; what then still runs cannot be ended by us. */
const rounds = 200;

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // It ended meanwhile, or is another user's.
    return "";
  }
}

/** proc_pid_stat(5): state and session follow the name, which is in parentheses and may hold anything. */
function belongs(pid: string, mark: string, session: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, , , sessionOf] = fields;
  if (state === undefined || state === "" || state === "Z" || state === "X") return false;
  return (session > 0 && Number(sessionOf) === session) || read(`/proc/${pid}/environ`).includes(mark);
}

function look(mark: string, session: number): readonly Leftover[] {
  if (!canLook) return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && belongs(name, mark, session))
    .map((pid) => ({ pid: Number(pid), command: read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim() }));
}

/** Ends whatever still belongs to a command that has ended; names what did not end by itself within `graceMs`. Session 0 is none. */
export async function sweep(mark: string, session: number, graceMs: number): Promise<readonly Leftover[]> {
  let found = look(mark, session);
  for (let waited = 0; found.length > 0 && waited < graceMs; waited += 25) {
    await sleep(25);
    found = look(mark, session);
  }
  const named = found;
  for (let round = 0; found.length > 0 && round < rounds; round++) {
    for (const { pid } of found) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended meanwhile.
      }
    }
    await sleep(10);
    found = look(mark, session);
  }
  return named;
}
