/**
 * A whole gateway under a crew that is never at rest, over a network that loses packets; then everybody leaves, and the gateway is
 * to have as much open as before they came. ROGER_SOAK_SECONDS says how long, ROGER_LEGS how many; scripts/soak legs sets them.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { monotonicClock } from "../../hal/clock/monotonic.ts";
import { nodeNetwork } from "../../hal/network/node.ts";
import { seededRandom } from "../../hal/random/seeded.ts";
import { numbered, startGateway } from "../../scripts/benchmarks/rig/gateway.ts";
import type { Measured } from "../../scripts/benchmarks/rig/process.ts";
import { speechFrames } from "../../scripts/benchmarks/rig/speech.ts";
import { openTerminals } from "../../scripts/benchmarks/rig/terminals.ts";
import { freePort } from "../support/free-port.ts";
import { lossyNetwork } from "../support/lossy-network.ts";
import { soakCrew } from "../support/soak-crew.ts";

const seconds = Number(process.env["ROGER_SOAK_SECONDS"] ?? 40);
const size = Number(process.env["ROGER_LEGS"] ?? 200);
const seed = Number(process.env["ROGER_SEED"] ?? 7);
const loss = 0.02;
const talkgroups = ["ops", "north", "south", "sea", "air"];
/** A burst that is cut is part of it. */
const settings = "talkSeconds: 3, graceSeconds: 1, hangSeconds: 2";
/** Memory is as large as it gets by then, as a share of the time; what it gains later is a leak. */
const settled = 1 / 6;
/** Growth after that, as a share. The short run has not seen all of the code yet, nor a full collection. */
const mostGrowth = seconds >= 600 ? 0.05 : 0.5;
/** A leg whose terminal is dead is missed after 45 s; transactions live on for 32 s (RFC 3261 §17). */
const drainMs = 90_000;
const lastDeath = Math.max(seconds / 4, seconds - 60);
const lookMs = 1_000;
const clock = monotonicClock();

/** Of the metrics' text: what there is now, and the timers of the main thread. */
async function countsAt(port: number): Promise<Readonly<Record<string, number>>> {
  const text = await new Promise<string>((resolve, reject) => {
    // A connection of its own each time, which is gone with the answer.
    get({ host: "127.0.0.1", port, path: "/metrics", agent: false }, (response) => {
      response.setEncoding("utf8");
      let body = "";
      response.on("data", (part: string) => {
        body += part;
      });
      response.on("end", () => resolve(body));
    }).on("error", reject);
  });
  const rows = [...text.matchAll(/^roger_in_use\{what="(\w+)"\} (\d+)$/gm)].map(
    ([, what = "", count]) => [what, Number(count)] as const,
  );
  const [, timers = "0"] = /^nodejs_active_resources\{type="Timeout"\} (\d+)$/m.exec(text) ?? [];
  return { ...Object.fromEntries(rows), timers: Number(timers) };
}

async function holdings(gateway: Measured, metrics: number) {
  return { ...(await countsAt(metrics)), handles: gateway.handles() };
}

const pause = (ms: number): Promise<void> => new Promise((done) => clock.after(ms, done));
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

test(`${size} legs that join, leave and fight for the floor for ${seconds} s leave nothing behind`, async () => {
  console.log(`${size} legs, ${seconds} s, ${loss * 100} % loss, seed ${seed}`);
  const folder = mkdtempSync(join(tmpdir(), "roger-soak-"));
  const [port, metrics] = [await freePort(), await freePort()];
  const users = numbered(size + 20);
  const more = [`metrics: { host: 127.0.0.1, port: ${metrics} }`];
  const priority = (index: number): number => (index % 10 === 0 ? 9 : 5);
  const plan = { folder, port, users, store: true, talkgroups, settings, priority, more };
  let shown: Promise<string> | undefined;
  const gateway = await startGateway(plan, (starting) => {
    shown = starting.printed(/"event":"metrics"/);
    // That it does not start is told below.
    shown.catch(() => {});
  });
  await shown;
  const random = seededRandom(seed);
  const terminals = await openTerminals(port, lossyNetwork(nodeNetwork(), loss, random));
  const crew = soakCrew({ clock, random, terminals }, { users, talkgroups, size, speech: await speechFrames() });
  try {
    await countsAt(metrics);
    const before = await holdings(gateway, metrics);
    await crew.fill();

    const memory: number[] = [];
    crew.work();
    for (let second = 1; second <= seconds; second++) {
      await pause(lookMs);
      memory.push(gateway.memory());
      if (second > lastDeath) crew.live();
      if (second % Math.max(10, Math.ceil(seconds / 60)) > 0) continue;
      const { granted, joined, revoked, denied, died } = crew.counts;
      console.log(
        `${second} s: ${crew.size()} legs, ${joined} joined, ${granted} bursts, ${revoked} cut, ${denied} denied, ` +
          `${died} died, ${gateway.memory().toFixed(0)} MB, ${gateway.handles()} handles`,
      );
    }
    await crew.rest();
    await crew.proveIdle(15_000);
    assert.is(crew.counts.lost, 0, "nobody is given up who is there");
    assert.ok(crew.counts.granted > seconds / 2, `${crew.counts.granted} bursts`);

    const from = Math.floor(memory.length * settled);
    const part = Math.ceil(memory.length / 10);
    const grown = median(memory.slice(-part)) / median(memory.slice(from, from + part)) - 1;
    console.log(`memory has grown by ${(grown * 100).toFixed(1)} % after it had settled`);
    assert.ok(grown <= mostGrowth, `memory has grown by ${(grown * 100).toFixed(1)} %`);

    crew.leave();
    const leftAt = clock.now();
    let after = await holdings(gateway, metrics);
    while (JSON.stringify(after) !== JSON.stringify(before) && clock.now() < leftAt + drainMs) {
      await pause(lookMs);
      after = await holdings(gateway, metrics);
    }
    assert.equal(after, before, "what is open after the last has left, and before the first came");
    console.log(`all is given back ${((clock.now() - leftAt) / 1_000).toFixed(0)} s after the last has left`);
  } finally {
    crew.leave();
    await terminals.close();
    await gateway.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  assert.is(await gateway.ended, 0);
});

test.run();
