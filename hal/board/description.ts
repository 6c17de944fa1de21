/**
 * What a board file may say. It decides whether a description is sound; whether the hardware is there shows when
 * the board is opened.
 */
import { z } from "zod";
import { type Fault, faultsIn, faultsOf } from "./fault.ts";
import { readYaml } from "./yaml.ts";

const name = z
  .string("expected a name")
  .regex(/^[a-z][a-z0-9-]{0,39}$/, "expected lower-case letters, digits and -, 40 at most");

const line = z.strictObject({
  /** The line's name as the chip gives it ("GPIO17"), or "chip-label:offset". */
  line: z
    .string("expected a line's name, such as GPIO17")
    .regex(/^[\w.:-]{1,64}$/, "expected a line's name, such as GPIO17"),
  /** True where the button connects to ground, or the lamp lights at low level. */
  activeLow: z.boolean("expected true or false").default(false),
  bias: z.enum(["pull-up", "pull-down", "none"], "expected pull-up, pull-down or none").default("none"),
});

const driftPpm = z
  .number("expected parts per million")
  .min(-1_000, "expected -1000 to 1000 parts per million")
  .max(1_000, "expected -1000 to 1000 parts per million")
  .default(0);

const simulatedDevice = z.strictObject({ driftPpm }).prefault({});

const boardSchema = z.strictObject(
  {
    name,
    description: z.string("expected a line of text").max(500, "expected 500 characters at most"),
    driver: z.literal("simulated", "expected simulated"),
    gpio: z.strictObject({
      chip: z.string("expected the label of the GPIO chip").min(1, "expected the label of the GPIO chip"),
      lines: z.array(z.string("expected a line's name")).min(1, "expected the names of the chip's lines").max(512),
    }),
    inputs: z.record(name, line),
    outputs: z.record(name, line),
    audio: z.strictObject({
      driver: z.literal("simulated", "expected simulated"),
      microphone: simulatedDevice,
      loudspeaker: simulatedDevice,
    }),
  },
  "expected a board description",
);

/** What the wiring needs to be looked at, so that its faults show beside those of other parts. */
const wiringSchema = z.object({
  gpio: z.object({ lines: z.array(z.string()) }),
  inputs: z.record(z.string(), z.object({ line: z.string() })),
  outputs: z.record(z.string(), z.object({ line: z.string() })),
});

/** A board file, sound and with its defaults filled in. */
export type BoardDescription = z.infer<typeof boardSchema>;

/** Reads a board file's text; `source` (its name) opens the path of each fault. */
export function readBoard(yamlText: string, source: string): { board: BoardDescription } | { faults: Fault[] } {
  const read = readYaml(yamlText, source);
  if ("faults" in read) return read;
  const { data } = read;
  const checked = boardSchema.safeParse(data);
  const wiring = wiringFaults(data);
  if (checked.success && wiring.length === 0) return { board: checked.data };
  return { faults: faultsIn(source, [...(checked.success ? [] : faultsOf(checked.error)), ...wiring]) };
}

function wiringFaults(data: unknown): Fault[] {
  const wiring = wiringSchema.safeParse(data);
  if (!wiring.success) return [];
  const { gpio, inputs, outputs } = wiring.data;
  const faults: Fault[] = [];
  const users = new Map<string, string>();
  for (const [side, roles] of Object.entries({ inputs, outputs })) {
    for (const [role, { line }] of Object.entries(roles)) {
      const user = `${side}.${role}`;
      const other = users.get(line);
      if (other) faults.push({ path: `${user}.line`, message: `${line} is already the line of ${other}` });
      if (!gpio.lines.includes(line)) {
        faults.push({ path: `${user}.line`, message: `${line} is not among gpio.lines` });
      }
      users.set(line, user);
    }
  }
  for (const role of Object.keys(outputs).filter((role) => Object.hasOwn(inputs, role))) {
    faults.push({ path: `outputs.${role}`, message: "this is the name of an input too; expected another" });
  }
  return faults;
}
