/** A gateway that records is killed in mid-burst, and asked afterwards what was said. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readRecording } from "../../firmware/recorder/ogg-reader.ts";
import { connectBoard } from "../../hal/board/simulated-client.ts";
import { monotonicClock } from "../../hal/clock/monotonic.ts";
import { freePort } from "../support/free-port.ts";
import { type Program, program } from "../support/program.ts";
import { projectRoot } from "../support/source.ts";

const main = join(projectRoot, "firmware/start.ts");
const clock = monotonicClock();

/** Runs the roger command to its end. */
async function roger(...args: readonly string[]) {
  const command = program(process.execPath, [main, ...args]);
  return { status: await command.ended, lines: command.lines };
}

/** Resolves when something in the folder, or below, satisfies. */
function becomes(folder: string, wanted: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!wanted()) return;
      watcher.close();
      resolve();
    };
    const watcher = watch(folder, { recursive: true }, look);
    look();
  });
}

const recordingsIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(opus|part)$/.test(name))
    .map((name) => join(folder, name));

const secondsIn = (path: string): number => (readRecording(readFileSync(path))?.samples ?? 0) / 48_000;

test("killed in mid-burst, a gateway has lost a second of it at most, and tells what it has", async () => {
  const folder = mkdtempSync(join(tmpdir(), "roger-voice-log-"));
  const [config, control, log] = [join(folder, "north.yaml"), join(folder, "board.sock"), join(folder, "log")];
  const text = `site: north
realm: crew.example
sip: { host: 127.0.0.1, port: ${await freePort()} }
media: { host: 127.0.0.1, ports: 24000-24999 }
board: simulated
control: ${control}
admin: ${join(folder, "admin.sock")}
voiceLog: { folder: log, freeMegabytes: 0 }
accounts: [{ user: north-panel, password: "end to end", talkgroups: [ops] }]
panel: { account: north-panel, talkgroup: ops }
talkgroups: [{ name: ops, record: true }]
`;
  writeFileSync(config, text, { mode: 0o600 });
  const gateways: Program[] = [];
  function start(): Program {
    const gateway = program(process.execPath, [main, "run", "--config", config]);
    gateways.push(gateway);
    return gateway;
  }
  try {
    await killAndAsk(start, { config, control, log });
  } finally {
    for (const gateway of gateways) await gateway.kill();
    rmSync(folder, { recursive: true });
  }
});

async function killAndAsk(start: () => Program, paths: Record<"config" | "control" | "log", string>): Promise<void> {
  const { config, control, log } = paths;
  const first = start();
  await first.printed(/"event":"session"/);
  await first.printed(/"event":"voice-log"/);
  const board = await connectBoard(control);
  await board.command({ hear: join(projectRoot, "scripts/speech/north.wav") });
  await board.command({ press: "ptt" });
  const began = clock.now();
  await becomes(log, () => recordingsIn(log).some((path) => secondsIn(path) > 1.5));
  // Half-way to the next flush, as far as that goes.
  await new Promise<void>((resolve) => clock.after(250, resolve));
  const said = (clock.now() - began) / 1_000;
  await first.kill();
  board.close();
  const [part, ...others] = recordingsIn(log);
  assert.equal([part?.endsWith(".part"), others], [true, []]);
  const kept = secondsIn(part ?? "");
  console.log(JSON.stringify({ said, kept }));
  assert.ok(kept > said - 1.2, `${kept} s of ${said} s are kept`);

  const second = start();
  assert.match(await second.printed(/"event":"voice-log"/), '"mended":1');
  await second.printed(/"event":"session"/);
  const listed = await roger("log", "list", "-c", config, "--json", "--talker", "north-panel");
  const bursts: unknown = JSON.parse(listed.lines.join(""));
  const [burst] = Array.isArray(bursts) ? bursts : [];
  assert.equal(
    [listed.status, burst.end, burst.talkgroup, burst.talker],
    [0, "crash", "ops", "sip:north-panel@crew.example"],
  );
  assert.ok(Math.abs(burst.lengthMs / 1_000 - kept) < 0.1);

  const copy = join(dirname(log), "copy.opus");
  assert.is((await roger("log", "export", "1", "-c", config, "-o", copy)).status, 0);
  assert.equal(readFileSync(copy), readFileSync(burst.file));
  assert.ok(readRecording(readFileSync(copy))?.ended);
  assert.match((await roger("log", "list", "-c", config)).lines.join("\n"), /^ID +BEGAN[\s\S]*\n1 .* ops .* crash$/);
  assert.match(
    (await roger("log", "show", "1", "-c", config)).lines.join("\n"),
    /talker +sip:north-panel@crew\.example/,
  );
  assert.equal(await roger("log", "play", "1", "-c", config), {
    status: 0,
    lines: ["burst 1 is played to north-panel"],
  });
  for (const [args, complaint] of [
    [["play", "1", "--to", "dave"], /dave is not in talkgroup ops now/],
    [["show", "77"], /there is no burst 77 in the log/],
    [["list", "--since", "soon"], /expected a time/],
  ] as const) {
    const refused = await roger("log", ...args, "-c", config);
    assert.is(refused.status, 2);
    assert.match(refused.lines.join("\n"), complaint);
  }
  await second.stop();
  assert.is((await roger("log", "list", "-c", config)).status, 1, "no gateway runs");
}

test.run();
