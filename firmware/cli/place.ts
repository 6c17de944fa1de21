/** The store that a command is about: named itself, or by the configuration of its gateway. */
import type { Command } from "commander";
import type { ZodType } from "zod";
import type { Fault } from "../../hal/board/fault.ts";
import { DeviceError } from "../../hal/error.ts";
import { serviceNames, user } from "../config/fields.ts";
import { readSite } from "../config/files.ts";
import { seedOf } from "../seed.ts";
import { type Editor, openEditor, Refusal } from "../store/editing.ts";
import { NoPassword } from "./password.ts";
import { status, tell } from "./status.ts";

export interface Place {
  readonly config?: string;
  readonly store?: string;
}

export function placed(command: Command): Command {
  return command
    .option("-c, --config <file>", "the configuration of the gateway, which names its store")
    .option("--store <file>", "the store itself, where a gateway has used it");
}

/** Does something to the store; the value is the exit status. */
export async function atStore(place: Place, work: (editor: Editor) => Promise<void> | void): Promise<number> {
  let editor: Editor | undefined;
  try {
    const opened = open(place);
    if ("faults" in opened) return tell(opened.faults, process.stderr);
    editor = opened.editor;
    await work(editor);
    return status.done;
  } catch (error) {
    const known = error instanceof Refusal || error instanceof NoPassword || error instanceof DeviceError;
    if (!known) throw error;
    process.stderr.write(`roger: ${error.message}\n`);
    return error instanceof DeviceError ? status.device : status.faults;
  } finally {
    editor?.close();
  }
}

function open({ config: file, store }: Place): { readonly editor: Editor } | { readonly faults: readonly Fault[] } {
  if ((file === undefined) === (store === undefined)) throw new Refusal("give --config or --store, one of them");
  if (store !== undefined) return { editor: openEditor(store) };
  if (file === undefined) throw new Refusal("no configuration");
  // Whether a certificate has run out is no matter here.
  const site = readSite(file, { secret: true, now: 0 });
  if ("faults" in site) return site;
  const { config } = site;
  if (config.store === undefined)
    return { faults: [{ path: `${file}: store`, message: "missing; name a file for what is added by command" }] };
  return { editor: openEditor(config.store, seedOf(config)) };
}

/** Of a user or a talkgroup that is to be added. */
export const newName = user.refine((name) => !serviceNames.has(name), {
  error: ({ input }) => `this is the name of ${serviceNames.get(String(input))}; expected another`,
});

/**
 * What was given, checked as it is in a configuration file; `what`: its name for people, or that of what has this path in it. Throws
 * Refusal.
 */
export function checked<Value>(
  schema: ZodType<Value, unknown>,
  what: string | ((path: readonly PropertyKey[]) => string),
  given: unknown,
): Value {
  const read = schema.safeParse(given);
  if (read.success) return read.data;
  const named = typeof what === "string" ? (path: readonly PropertyKey[]) => [what, ...path].join(" ") : what;
  throw new Refusal(read.error.issues.map(({ path, message }) => `${named(path)}: ${message}`).join("\n"));
}

/** An option as it was given: "--talk-seconds abc". */
export function asGiven(key: string, value: unknown): string {
  const option = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return typeof value === "string" ? `${option} ${value}` : option;
}
