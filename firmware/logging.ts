/** The log of this process on standard output: JSON lines for programs, one readable line an event for people. */
import { destination, type Logger, pino, stdTimeFunctions } from "pino";
import { prettyFactory } from "pino-pretty";

export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LogOptions {
  readonly level: LogLevel;
  readonly pretty: boolean;
  /** Its id is the name on every line: the lines of several gateways often meet in one place. */
  readonly gateway: string;
}

/** What waits for a reader that stalls, in bytes; what comes after is dropped. */
const longestWait = 1_048_576;

export function openLog({ level, pretty, gateway }: LogOptions): Logger {
  // Not in the caller's turn: a reader that stalls must not hold up the voice.
  const output = destination({ dest: 1, sync: false, maxLength: longestWait });
  const format = prettyFactory({
    colorize: process.stdout.isTTY === true,
    translateTime: "SYS:HH:MM:ss.l",
    ignore: "event",
    singleLine: true,
  });
  return pino(
    {
      level,
      name: gateway,
      base: {},
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pretty ? { write: (line) => output.write(format(line)) } : output,
  );
}
