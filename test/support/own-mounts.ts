/** A mount namespace for tests of disks that are full or cannot be written: what is mounted in it is seen by nobody else. */
import { spawn, spawnSync } from "node:child_process";

const mark = "ROGER_OWN_MOUNTS";

/**
 * Runs the test file that calls it again, among mounts of its own, and ends this process with its status: it only returns
 * inside. Undefined there: all is well; otherwise why there are none, and the file goes on without.
 */
export async function ownMounts(file: string): Promise<string | undefined> {
  if (process.env[mark]) return undefined;
  const probe = spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], { encoding: "utf8" });
  if (probe.status !== 0) return `nothing can be mounted here: ${probe.stderr ?? probe.error?.message}`.trim();
  const child = spawn("unshare", ["--mount", process.execPath, file], {
    stdio: "inherit",
    env: { ...process.env, [mark]: "1" },
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => child.kill(signal));
  process.exit(await new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? 1))));
}

/** `options`: "size=256k"; "remount,ro" for what is mounted there. */
export function mountMemory(folder: string, options: string): void {
  const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder], { encoding: "utf8" });
  if (status !== 0) throw new Error(`mount ${options}: ${stderr}`);
}

/** What is still open there goes on; for a test that fails. */
export function unmount(folder: string): void {
  const { status, stderr } = spawnSync("umount", ["--lazy", folder], { encoding: "utf8" });
  if (status !== 0) throw new Error(`umount ${folder}: ${stderr}`);
}
