/** The command line: what can be asked for, and how faults are told. It starts nothing itself. */
import { readFileSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import { z } from "zod";
import type { Fault } from "../hal/board/fault.ts";
import { type AskLog, logCommands } from "./cli/log.ts";
import { status, tell } from "./cli/status.ts";
import { talkgroupCommands } from "./cli/talkgroups.ts";
import { userCommands } from "./cli/users.ts";
import { readSite, type Site } from "./config/files.ts";
import type { TraceFilter } from "./console/trace-entry.ts";
import { type LogLevel, logLevels } from "./logging.ts";
import { inspect } from "./store/inspection.ts";

/** Runs a gateway until it ends; the value is the exit status. */
export type Run = (site: Site, log: { readonly level: LogLevel; readonly pretty: boolean }) => Promise<number>;

/** Shows the SIP messages of the gateway whose admin socket this is, until it or the person ends it; the value is the exit status. */
export type Trace = (path: string, filter: TraceFilter, whole: boolean) => Promise<number>;

/** Does what the arguments (without the program's name) ask for; the value is the exit status. `now`: Unix time in ms. */
export async function perform(
  args: readonly string[],
  { run, trace, log, now }: { readonly run: Run; readonly trace: Trace; readonly log: AskLog; readonly now: number },
): Promise<number> {
  let result: number = status.done;
  const program = new Command("roger")
    .description("Push-to-talk gateway firmware")
    .version(version())
    .showHelpAfterError("roger --help lists what there is")
    .exitOverride();
  program
    .command("run")
    .description("run a gateway until SIGTERM or SIGINT")
    .requiredOption("-c, --config <file>", "the gateway's configuration (YAML), readable by its owner alone")
    .addOption(new Option("--log-level <level>", "the least that is logged").choices(logLevels).default("info"))
    .option("--pretty", "a log for people, as on a terminal, instead of JSON lines", process.stdout.isTTY === true)
    .action(async ({ config, logLevel, pretty }: { config: string; logLevel: LogLevel; pretty: boolean }) => {
      const site = readSite(config, { secret: true, now });
      if ("faults" in site) {
        tell(site.faults, process.stderr);
        result = status.faults;
      } else result = await run(site, { level: logLevel, pretty });
    });
  program
    .command("check")
    .description("list every fault of configuration files and of the boards that they name")
    .argument("<files...>")
    .action((files: string[]) => {
      for (const file of files) {
        const site = readSite(file, { secret: false, now });
        const faults = faultsOf(file, site);
        tell("faults" in site ? faults : [...faults, ...site.warnings], process.stdout);
        if (faults.length > 0) result = status.faults;
        else process.stdout.write(`${file}: sound\n`);
      }
    });
  const done = (status: number): void => {
    result = status;
  };
  userCommands(program, done);
  talkgroupCommands(program, done);
  logCommands(program, log, done);

  program
    .command("sip")
    .description("look at the SIP side of a running gateway")
    .command("trace")
    .description("show its messages as they come and go, without secrets, until Ctrl-C")
    .requiredOption("-c, --config <file>", "the gateway's configuration, which names its admin socket")
    .option("--user <name>", "only messages to or from this user")
    .option("--call <call-id>", "only messages whose Call-ID begins so")
    .option("--whole", "each message with its text", false)
    .action(async ({ config, user, call, whole }: TraceFilter & { config: string; whole: boolean }) => {
      const site = readSite(config, { secret: false, now });
      const path = "faults" in site ? undefined : site.config.admin;
      if (path !== undefined) {
        result = await trace(path, { user, call }, whole);
        return;
      }
      const message = "missing; name a socket, such as /run/roger/admin.sock, and start the gateway anew";
      tell("faults" in site ? site.faults : [{ path: `${config}: admin`, message }], process.stderr);
      result = status.faults;
    });

  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? status.done : status.faults;
  }
  return result;
}

function faultsOf(file: string, site: ReturnType<typeof readSite>): readonly Fault[] {
  if ("faults" in site) return site.faults;
  const { store } = site.config;
  const wrong = store === undefined ? undefined : inspect(store);
  return wrong === undefined ? [] : [{ path: `${file}: store`, message: wrong }];
}

function version(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
