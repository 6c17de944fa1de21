/** `roger log`: what was said, found, listened to and taken along. */
import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { DeviceError } from "../../hal/error.ts";
import { readSite } from "../config/files.ts";
import type { LogAnswer } from "../console/ask-log.ts";
import type { LoggedBurst, LogQuestion } from "../console/log-question.ts";
import { status, tell } from "./status.ts";
import { table } from "./table.ts";

/** Asks the gateway whose admin socket this is. Rejects with DeviceError where none listens. */
export type AskLog = (path: string, question: LogQuestion) => Promise<LogAnswer>;

interface Place {
  readonly config: string;
}

interface Listed extends Place {
  readonly talkgroup?: string;
  readonly talker?: string;
  readonly since?: string;
  readonly before?: string;
  readonly most: string;
  readonly json?: true;
}

/** `done`: told the exit status. */
export function logCommands(program: Command, ask: AskLog, done: (status: number) => void): void {
  const log = program.command("log").description("what was said in the talkgroups that a running gateway records");
  const placed = (command: Command): Command =>
    command.requiredOption("-c, --config <file>", "the gateway's configuration, which names its admin socket");

  placed(log.command("list").description("list talk bursts, the latest first"))
    .option("--talkgroup <name>", "only of this talkgroup")
    .option("--talker <user>", "only of this user")
    .option("--since <time>", "only those that began then or later: 2026-11-25, or 2026-11-25T16:00")
    .option("--before <time>", "only those that began earlier")
    .option("--most <number>", "no more than so many", "50")
    .option("--json", "for programs")
    .action(async (options: Listed) =>
      done(
        await answered(
          ask,
          options,
          (realm) => listOf(options, realm),
          ({ bursts }) => list(bursts, options),
        ),
      ),
    );

  placed(log.command("show").description("tell all that is known of a burst"))
    .argument("<id>")
    .action(async (id: string, options: Place) =>
      done(
        await answered(
          ask,
          options,
          () => ({ find: numberOf(id) }),
          ({ bursts }) => bursts.forEach(show),
        ),
      ),
    );

  placed(log.command("export").description("copy a burst, an Ogg Opus file, to a file or to standard output"))
    .argument("<id>")
    .option("-o, --output <file>", "where to; absent: standard output")
    .action(async (id: string, options: Place & { readonly output?: string }) =>
      done(
        await answered(
          ask,
          options,
          () => ({ find: numberOf(id) }),
          async ({ bursts: [burst] }) => {
            if (burst) await copy(burst.file, options.output);
          },
        ),
      ),
    );

  placed(log.command("play").description("play a burst to one who is in its talkgroup, and to nobody else"))
    .argument("<id>")
    .option("--to <user>", "who hears it; absent: the board's own loudspeaker")
    .action(async (id: string, options: Place & { readonly to?: string }) => {
      const question = () => ({ play: numberOf(id), ...(options.to !== undefined && { to: options.to }) });
      done(await answered(ask, options, question, ({ to }) => say(`burst ${id} is played to ${to}`)));
    });
}

class Unclear extends Error {
  override readonly name = "Unclear";
}

async function answered(
  ask: AskLog,
  { config: file }: Place,
  question: (realm: string) => LogQuestion,
  use: (answer: LogAnswer) => Promise<void> | void,
): Promise<number> {
  const site = readSite(file, { secret: false, now: 0 });
  if ("faults" in site) return tell(site.faults, process.stderr);
  const { admin, realm } = site.config;
  if (admin === undefined) {
    const message = "missing; name a socket, such as /run/roger/admin.sock, and start the gateway anew";
    return tell([{ path: `${file}: admin`, message }], process.stderr);
  }
  try {
    const answer = await ask(admin, question(realm));
    if (answer.error !== undefined) throw new Unclear(answer.error);
    await use(answer);
    return status.done;
  } catch (error) {
    if (!(error instanceof Unclear || error instanceof DeviceError)) throw error;
    process.stderr.write(`roger: ${error.message}\n`);
    return error instanceof DeviceError ? status.device : status.faults;
  }
}

function listOf({ talkgroup, talker, since, before, most }: Listed, realm: string): LogQuestion {
  return {
    list: {
      most: numberOf(most),
      ...(talkgroup !== undefined && { talkgroup }),
      ...(talker !== undefined && { talker: talker.includes(":") ? talker : `sip:${talker}@${realm}` }),
      ...(since !== undefined && { from: timeOf(since) }),
      ...(before !== undefined && { before: timeOf(before) }),
    },
  };
}

function numberOf(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Unclear(`"${text}": expected a number, such as roger log list shows`);
}

/** Of the clock on the wall where it says no zone. */
function timeOf(text: string): number {
  const time = Date.parse(text.length === 10 ? `${text}T00:00` : text);
  if (Number.isNaN(time)) throw new Unclear(`"${text}": expected a time, such as 2026-11-25T16:00`);
  return time;
}

function list(bursts: readonly LoggedBurst[], { json }: Listed): void {
  if (json) return void process.stdout.write(`${JSON.stringify(bursts, undefined, 2)}\n`);
  const rows = bursts.map(({ id, startedAt, talkgroup, talker, lengthMs, end }) => [
    ...[`${id}`, new Date(startedAt).toISOString(), talkgroup, talker],
    ...[`${(lengthMs / 1_000).toFixed(1)} s`, end],
  ]);
  process.stdout.write(table([["ID", "BEGAN", "TALKGROUP", "TALKER", "LENGTH", "END"], ...rows]));
}

function show({ id, startedAt, talkgroup, talker, lengthMs, end, file, bytes }: LoggedBurst): void {
  const rows = [
    ...[
      ["id", `${id}`],
      ["began", new Date(startedAt).toISOString()],
      ["talkgroup", talkgroup],
      ["talker", talker],
    ],
    ...[
      ["length", `${(lengthMs / 1_000).toFixed(2)} s`],
      ["end", end],
      ["file", file],
      ["bytes", `${bytes}`],
    ],
  ];
  process.stdout.write(table(rows));
}

/** Rejects with DeviceError. */
async function copy(from: string, to: string | undefined): Promise<void> {
  try {
    // As secret as the recording is.
    if (to !== undefined) await pipeline(createReadStream(from), createWriteStream(to, { mode: 0o600 }));
    else await pipeline(createReadStream(from), process.stdout, { end: false });
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    throw new DeviceError(to ?? from, `${error.code}`, "it cannot be copied; check both files and their owners", error);
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
