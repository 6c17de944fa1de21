/**
 * The door of the console: a socket on which whoever owns this gateway asks it what it does, a JSON line a question. It
 * decides nothing about calls; it shows. `{"sip-trace": {"user"?: …, "call"?: …}}` is answered by a line for each SIP message that
 * comes or goes until the connection ends; `{"log": …}` by what is in the voice log (log-question.ts).
 */
import { z } from "zod";
import type { Clock } from "../../hal/clock/port.ts";
import type { Local, LocalConnection } from "../../hal/local/port.ts";
import type { Log } from "../log.ts";
import { answerLog, logQuestionSchema, type VoiceLog } from "./log-question.ts";
import { passes, type TraceFilter, traceEntry } from "./trace-entry.ts";

/** Takes every SIP message; costs nothing while nobody looks. */
export type SipTap = (
  direction: "in" | "out",
  flow: { readonly transport: string; readonly remote: { readonly host: string; readonly port: number } },
  data: Uint8Array,
) => void;

export interface Admin {
  readonly sip: SipTap;
  close(): Promise<void>;
}

const text = z.string().min(1).max(256).optional();
const questionSchema = z.union([
  z.strictObject({ "sip-trace": z.strictObject({ user: text, call: text }) }),
  z.strictObject({ log: logQuestionSchema }),
]);

interface Looker {
  readonly filter: TraceFilter;
  /** Messages that it was too slow for. */
  missed: number;
}

/** Rejects with DeviceError when the socket is not to be had. */
export async function openAdmin(
  ports: {
    readonly clock: Clock;
    readonly local: Local;
    readonly log: Log;
    /** Undefined where there is none, or none yet. */
    readonly voiceLog: () => VoiceLog | undefined;
  },
  path: string,
): Promise<Admin> {
  const lookers = new Map<LocalConnection, Looker>();
  const listener = await ports.local.listen(path, (connection) => {
    connection.onLine = (line) => {
      const question = questionOf(line);
      if (!question) {
        const error = 'expected {"sip-trace": {"user"?: name, "call"?: Call-ID}} or {"log": …}';
        return void connection.send(JSON.stringify({ error }));
      }
      if ("log" in question) return void answerLog(question.log, ports.voiceLog(), connection);
      lookers.set(connection, { filter: question["sip-trace"], missed: 0 });
      ports.log.info({ event: "trace", lookers: lookers.size }, "somebody looks at the SIP messages");
    };
    connection.onClose = () => lookers.delete(connection);
  });

  return {
    sip(direction, flow, data) {
      if (lookers.size === 0) return;
      const entry = traceEntry(ports.clock.wall(), direction, flow, data);
      for (const [connection, looker] of lookers) {
        if (!passes(looker.filter, entry)) continue;
        const missed = looker.missed > 0 ? { missed: looker.missed } : {};
        if (connection.send(JSON.stringify({ ...entry, ...missed }))) looker.missed = 0;
        else looker.missed += 1;
      }
    },
    close: () => listener.close(),
  };
}

function questionOf(line: string): z.output<typeof questionSchema> | undefined {
  try {
    return questionSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
