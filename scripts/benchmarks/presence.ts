/** How long a crowd of watchers waits for news of the one that all of them watch. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { header } from "../../firmware/sip/message.ts";
import { freePort, numbered, startGateway } from "./rig/gateway.ts";
import { wholeNumber } from "./rig/options.ts";
import { ok, openPhones } from "./rig/phones.ts";

/** From the change until the last watcher has heard of it, ms. */
const bar = 1_000;
const shown = "shown";
/** Subscriptions that are made at a time. */
const atATime = 50;
const longestWait = 30_000;

const program = new Command("scripts/bench presence")
  .description(
    "Many watch one person's presence, who publishes something new, registers and is gone, over and over. Measures how long it takes until " +
      `the first and the last of them have the NOTIFY. Exit status 0 only if the last never waits more than ${bar} ms.`,
  )
  .option("--watchers <count>", "how many", wholeNumber, 1_000)
  .option("--rounds <count>", "how often", wholeNumber, 10)
  .option("--json", "prints one JSON object instead of the table")
  .parse();
const options = program.opts<{ watchers: number; rounds: number; json?: boolean }>();
const print = (line: string) => process.stdout.write(`${line}\n`);

/** Whom the latest change has reached. */
function audience(size: number) {
  let isNews: (document: string) => boolean = () => false;
  let reached = new Set<number>();
  let first = 0;
  let onAll = (): void => {};
  return {
    hear(watcher: number, document: string): void {
      if (!isNews(document) || reached.has(watcher)) return;
      if (reached.size === 0) first = performance.now();
      reached.add(watcher);
      if (reached.size === size) onAll();
    },
    /** Resolves when all have heard of what `make` does, which is in a document that passes `news`; ms. */
    async after(news: (document: string) => boolean, make: () => Promise<unknown>): Promise<Wait> {
      isNews = news;
      reached = new Set();
      const from = performance.now();
      const all = new Promise<void>((resolve, reject) => {
        const impatience = setTimeout(
          () => reject(new Error(`${reached.size} of ${size} watchers were told within ${longestWait / 1_000} s`)),
          longestWait,
        );
        onAll = () => {
          clearTimeout(impatience);
          resolve();
        };
      });
      await Promise.all([all, make()]);
      return { first: first - from, last: performance.now() - from };
    },
  };
}

interface Wait {
  readonly first: number;
  readonly last: number;
}

const pidf = (note: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:${shown}@crew.example"><tuple id="t"><status><basic>open</basic></status><note>${note}</note></tuple></presence>`;

async function measure() {
  const folder = mkdtempSync(join(tmpdir(), "roger-bench-"));
  const port = await freePort();
  const watchers = numbered(options.watchers);
  const gateway = await startGateway({ folder, port, users: [shown, ...watchers], store: false });
  const phones = await openPhones(port);
  const heard = audience(watchers.length);
  const register = (expires: number) => ok(phones.request(shown, "REGISTER", { headers: [["expires", `${expires}`]] }));
  const published: Wait[] = [];
  const registered: Wait[] = [];
  const gone: Wait[] = [];
  try {
    for (let from = 0; from < watchers.length; from += atATime)
      await Promise.all(
        watchers.slice(from, from + atATime).map(
          (watcher, index) =>
            new Promise<void>((resolve) =>
              phones.watch(watcher, shown, (document) => {
                resolve();
                heard.hear(from + index, document);
              }),
            ),
        ),
      );
    const before = gateway.cpu();
    let etag: string | undefined;
    for (let round = 0; round < options.rounds; round++) {
      registered.push(
        await heard.after(
          (document) => document.includes(">open<"),
          () => register(600),
        ),
      );
      const note = `round ${round}.`;
      published.push(
        await heard.after(
          (document) => document.includes(note),
          async () => {
            const match = etag === undefined ? [] : [["sip-if-match", etag] as const];
            const answer = await ok(
              phones.request(shown, "PUBLISH", {
                headers: [["event", "presence"], ["expires", "600"], ...match],
                body: { type: "application/pidf+xml", content: pidf(note) },
              }),
            );
            etag = header(answer, "sip-etag");
          },
        ),
      );
      gone.push(
        await heard.after(
          (document) => document.includes(">closed<"),
          () => register(0),
        ),
      );
    }
    return { published, registered, gone, cpu: (gateway.cpu() - before) / (3 * options.rounds * watchers.length) };
  } finally {
    await gateway.stop();
    await phones.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const { cpu, ...waits } = await measure();
const sorted = (values: readonly number[]): readonly number[] => values.toSorted((a, b) => a - b);
const results = Object.entries(waits).map(([name, each]) => {
  const firsts = sorted(each.map(({ first }) => first));
  const lasts = sorted(each.map(({ last }) => last));
  const middle = Math.floor(each.length / 2);
  return { name, first: firsts[middle] ?? 0, last: lasts[middle] ?? 0, longest: lasts.at(-1) ?? 0 };
});
const longest = Math.max(...results.map((result) => result.longest));
if (options.json) print(JSON.stringify({ ...options, results, cpu, bar }));
else {
  print(
    `${options.watchers} watchers of one person, ${options.rounds} rounds, ms until they were told that the person`,
  );
  print("               first told  last told  last, the slowest round");
  for (const { name, ...result } of results)
    print(
      `  ${name.padEnd(12)} ${result.first.toFixed(0).padStart(10)} ${result.last.toFixed(0).padStart(10)} ${result.longest.toFixed(0).padStart(24)}`,
    );
  print(
    `${cpu.toFixed(1)} µs of the gateway's processor time a NOTIFY; the longest wait was ${longest.toFixed(0)} ms, the bar is ${bar} ms`,
  );
}
process.exitCode = longest <= bar ? 0 : 1;
