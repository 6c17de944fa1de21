/** What crosses the control socket of a simulated board: one JSON value a line, commands in, answers and events out. */
import { z } from "zod";

const role = z.string().min(1).max(40);
const path = z.string().min(1).max(1_024);
const device = z.enum(["microphone", "loudspeaker"]);
const ppm = z.number().min(-1_000).max(1_000).optional();

const commandSchema = z.union([
  z.strictObject({ press: role, bounce: z.boolean().optional() }),
  z.strictObject({ release: role, bounce: z.boolean().optional() }),
  z.strictObject({ hear: path }),
  z.strictObject({ "hear-stop": z.literal(true) }),
  z.strictObject({ record: path }),
  z.strictObject({ "record-stop": z.literal(true) }),
  z.strictObject({ drift: z.strictObject({ microphone: ppm, loudspeaker: ppm }) }),
  z.strictObject({ unplug: device }),
  z.strictObject({ plug: device }),
]);

/**
 * press, release: an input's role; with `bounce` the contact bounces. hear: a WAV file for the microphone.
 * record: the loudspeaker into a WAV file; record-stop answers when the file is complete. drift: parts per million.
 */
export type BoardCommand = z.infer<typeof commandSchema>;

/** Every `at` is monotonic ms, comparable between the processes of one machine. */
export type BoardEvent =
  /** An output changed. */
  | { readonly event: "pin"; readonly role: string; readonly active: boolean; readonly at: number }
  /** An input changed. */
  | { readonly event: "edge"; readonly role: string; readonly active: boolean; readonly at: number }
  /** The loudspeaker's output became sound after 200 ms of silence or more. */
  | { readonly event: "sound"; readonly at: number }
  /** The loudspeaker has been silent for 200 ms, since `at`. */
  | { readonly event: "quiet"; readonly at: number }
  /** The file that the microphone hears has run out. */
  | { readonly event: "heard-out"; readonly at: number };

/** `at`: when it was done. `ms`: the length of the file, for hear and record-stop. */
export type BoardAnswer = { readonly ok: true; readonly at: number; readonly ms?: number } | { readonly error: string };

const maxLine = 4_096;

/** Reads one line. Throws RangeError that says what was expected. */
export function parseCommand(line: string): BoardCommand {
  const parsed = commandSchema.safeParse(json(line));
  if (parsed.success) return parsed.data;
  throw new RangeError(
    "expected one of press, release, hear, hear-stop, record, record-stop, drift, unplug, plug with its value",
  );
}

function json(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new RangeError("expected one JSON object a line");
  }
}

/** Cuts a byte stream into lines; calls `tooLong` once where one exceeds 4096 characters, and nothing after it. */
export function lineReader(onLine: (line: string) => void, tooLong: () => void): (text: string) => void {
  let rest = "";
  let over = false;
  return (text) => {
    if (over) return;
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.length <= maxLine && line.trim() !== "") onLine(line);
    over = rest.length > maxLine || lines.some((line) => line.length > maxLine);
    if (over) tooLong();
  };
}
