/** The files that a gateway is started from: its configuration, and the board that it names in boards/. */
import { closeSync, fstatSync, openSync, readdirSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { getSystemErrorMessage } from "node:util";
import { type BoardDescription, readBoard } from "../../hal/board/description.ts";
import type { Fault } from "../../hal/board/fault.ts";
import { type Config, readConfig } from "../config.ts";

export interface Site {
  readonly config: Config;
  readonly board: BoardDescription;
}

const boards = new URL("../../boards/", import.meta.url);

/** Reads and validates both. `secret`: refuses a configuration that others than its owner can read or write. */
export function readSite(file: string, { secret }: { readonly secret: boolean }): Site | { readonly faults: Fault[] } {
  const text = readText(file, file, secret);
  if ("faults" in text) return text;
  const read = readConfig(text.text, file);
  if ("faults" in read) return read;
  const { config } = read;
  const board = readBoardFile(config.board, file);
  if ("faults" in board) return board;
  // Whoever starts the gateway and whoever calls the roger command may be in different folders.
  const store = config.store === undefined ? {} : { store: resolve(dirname(file), config.store) };
  return { config: { ...config, ...store }, board: board.board };
}

function readBoardFile(name: string, source: string): ReturnType<typeof readBoard> {
  const known = readdirSync(boards).flatMap((file) => (file.endsWith(".yaml") ? [file.slice(0, -5)] : []));
  if (!known.includes(name)) {
    return { faults: [{ path: `${source}: board`, message: `boards/ has no ${name}.yaml, only ${known.join(", ")}` }] };
  }
  const shown = `boards/${name}.yaml`;
  const text = readText(new URL(`${name}.yaml`, boards), shown, false);
  return "faults" in text ? text : readBoard(text.text, shown);
}

function readText(file: string | URL, shown: string, secret: boolean): { text: string } | { faults: Fault[] } {
  const fault = (message: string) => ({ faults: [{ path: shown, message }] });
  let handle: number | undefined;
  try {
    handle = openSync(file, "r");
    const { mode } = fstatSync(handle);
    if (secret && (mode & 0o077) !== 0) {
      const found = (mode & 0o777).toString(8);
      return fault(`holds passwords, but others can read or write it (mode ${found}); chmod 600 ${shown}`);
    }
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(handle)) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error instanceof TypeError) return fault("is not UTF-8 text; save it as UTF-8");
    if ("errno" in error && typeof error.errno === "number")
      return fault(`cannot be read: ${getSystemErrorMessage(error.errno)}; correct its path or its permissions`);
    throw error;
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}
