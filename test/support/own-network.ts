/** A network namespace for tests with programs of others: what they say cannot leave it, whatever addresses they choose. */
import { spawn, spawnSync } from "node:child_process";

/** Numeric, of a host that is alone in its network. Not a loopback address: some phones refuse to use one. */
export const ownAddress = "10.77.0.1";

const mark = "ROGER_OWN_NETWORK";
const enter = ["--net", "sh", "-c", `ip link set lo up && ip addr add ${ownAddress}/32 dev lo && exec "$0" "$@"`];

/**
 * Runs the test file that calls it again, in a network of its own, and ends this process with its status: it only returns
 * inside. Undefined there: all is well; otherwise why there is no such network, and the file goes on without one.
 */
export async function ownNetwork(file: string): Promise<string | undefined> {
  if (process.env[mark]) return undefined;
  const probe = spawnSync("unshare", [...enter, "true"], { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  if (probe.status !== 0)
    return `no network namespace can be made here: ${probe.stderr ?? probe.error?.message}`.trim();
  const child = spawn("unshare", [...enter, process.execPath, file], {
    stdio: "inherit",
    env: { ...process.env, [mark]: "1" },
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => child.kill(signal));
  process.exit(await new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? 1))));
}
