/** The demonstration: two gateways of one realm, a burst each way, and then a person at the keys. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { arrived, burst, timeline } from "./burst.ts";
import { keys } from "./keys.ts";
import { type Site, startSite } from "./site.ts";

const program = new Command("scripts/demo")
  .description(
    "Starts two gateways (sites north and south) on this machine, sends real speech from north's button to south's loudspeaker " +
      "and back, prints what happened when, and writes what each loudspeaker played. Then key up with the space bar, or call an emergency with e.",
  )
  .option("--once", "end after the two bursts; exit status 0 only if the speech arrived whole", false)
  .option("--broker <url>", "an MQTT broker to meet at (mqtt://host:port), instead of the one embedded in north")
  .option("--out <folder>", "where the WAV files and the logs go", "demo-out")
  .parse();
const options = program.opts<{ once: boolean; broker?: string; out: string }>();

const speech = (site: string): string => join(import.meta.dirname, "../speech", `${site}.wav`);

/** A port that is free now. */
function freePort(): Promise<number> {
  return new Promise((found, refuse) => {
    const server = createServer();
    server.once("error", refuse);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (address && typeof address === "object" ? found(address.port) : refuse(new Error("no port"))));
    });
  });
}

async function demonstrate(folder: string, out: string, sites: Site[]): Promise<boolean> {
  const mqtt = await freePort();
  const url = options.broker ?? `mqtt://127.0.0.1:${mqtt}`;
  const plans = [
    {
      site: "north",
      broker: options.broker ? `{ url: "${url}" }` : `{ embedded: { host: 127.0.0.1, port: ${mqtt} } }`,
    },
    { site: "south", broker: `{ url: "${url}" }` },
  ];
  process.stdout.write(`starting gateways north and south, meeting at ${url} ...\n`);
  for (const [index, plan] of plans.entries()) {
    const media = 20_000 + index * 5_000;
    const ports = { sipPort: await freePort(), mediaPorts: `${media}-${media + 4_999}` };
    sites.push(await startSite({ ...plan, ...ports, folder, log: join(out, `${plan.site}.log`) }));
  }
  const [north, south] = sites;
  if (!north || !south) throw new Error("two sites were started");
  await Promise.all(
    sites.flatMap(({ logged }) => [
      logged("the panel's session", ({ event }) => event === "session"),
      logged("the other site", ({ event, peers }) => event === "role" && Array.isArray(peers) && peers.length > 0),
    ]),
  );

  const there = await burst(north, south, speech("north"), out);
  process.stdout.write(`\n${timeline(there)}\n`);
  const back = await burst(south, north, speech("south"), out);
  process.stdout.write(`\n${timeline(back)}\n\n`);
  const whole = arrived(there) && arrived(back);
  if (options.once) return whole;
  await keys(sites, (site) => join(out, `${site}-said.wav`));
  return whole;
}

const out = resolve(options.out);
mkdirSync(out, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), "roger-demo-"));
const sites: Site[] = [];
let failure: unknown;
let whole = false;
try {
  whole = await demonstrate(folder, out, sites);
} catch (error) {
  failure = error;
} finally {
  await Promise.all(sites.map((site) => site.close()));
  rmSync(folder, { recursive: true, force: true });
}
if (failure) process.stderr.write(`scripts/demo: ${failure instanceof Error ? failure.message : failure}\n`);
process.exitCode = whole ? 0 : 1;
