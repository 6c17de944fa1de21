/** The other end of a trace: asks a running gateway for its SIP messages and writes them down as a ladder. */
import { z } from "zod";
import type { Local } from "../../hal/local/port.ts";
import { fullRung, rung } from "./ladder.ts";
import type { TraceFilter } from "./trace-entry.ts";

const answerSchema = z.union([
  z.object({ error: z.string() }),
  z.object({
    at: z.number(),
    direction: z.enum(["in", "out"]),
    peer: z.string(),
    summary: z.string(),
    call: z.string(),
    users: z.array(z.string()),
    text: z.string(),
    missed: z.number().optional(),
  }),
]);

/** `whole`: each message with its text. Resolves when the gateway ends the connection. Rejects with DeviceError where none listens at `path`. */
export async function watchSip(
  local: Local,
  options: { readonly path: string; readonly filter: TraceFilter; readonly whole: boolean },
  print: (text: string) => void,
): Promise<void> {
  const connection = await local.connect(options.path);
  connection.send(JSON.stringify({ "sip-trace": options.filter }));
  return new Promise((resolve) => {
    connection.onLine = (line) => {
      const answer = answerSchema.parse(JSON.parse(line));
      if ("error" in answer) return print(answer.error);
      if (answer.missed) print(`… ${answer.missed} more messages, faster than this terminal`);
      print(options.whole ? fullRung(answer) : rung(answer));
    };
    connection.onClose = resolve;
  });
}
