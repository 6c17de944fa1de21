/** Servers under load, one after the other: ours, and those of others that are installed. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Contender, Opening } from "./contender.ts";
import { openJanus } from "./janus.ts";
import { isInstalled } from "./process.ts";
import { openSvxreflector } from "./svxreflector.ts";

export type Open = (opening: Opening) => Promise<Contender>;

const peers = { svxreflector: openSvxreflector, janus: openJanus } as const;
export type PeerName = keyof typeof peers;

/** `most`: terminals that will ever be there. Its files are gone afterwards. */
export async function during<Result>(
  open: Open,
  most: number,
  use: (contender: Contender) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "roger-bench-"));
  try {
    const contender = await open({ folder, most });
    try {
      return await use(contender);
    } finally {
      await contender.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One that is missing, or that gives up under the load, is left out and said so: what is measured is Roger. */
export async function eachPeer(
  names: readonly PeerName[],
  measure: (name: PeerName, open: Open) => Promise<void>,
): Promise<void> {
  for (const name of names) {
    if (!(await isInstalled(name))) process.stderr.write(`${name} is not installed: left out\n`);
    else
      await measure(name, peers[name]).catch(({ message }: Error) =>
        process.stderr.write(`${name} was given up: ${message}\n`),
      );
  }
}
