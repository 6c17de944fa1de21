/** The files that a gateway is started from: its configuration, the board that it names in boards/, and its certificates. */
import { readdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type BoardDescription, readBoard } from "../../hal/board/description.ts";
import type { Fault } from "../../hal/board/fault.ts";
import { type Config, readConfig } from "../config.ts";
import { type Certificates, readCertificates } from "./certificates.ts";
import { readText } from "./reading.ts";

export interface Site {
  readonly config: Config;
  readonly board: BoardDescription;
  /** Where the configuration has `sip.tls`. */
  readonly certificates?: Certificates;
  /** What is no fault, or none yet, and should be known. */
  readonly warnings: readonly Fault[];
}

const boards = new URL("../../boards/", import.meta.url);

/** The group may not read it either. */
const secretConfig = { what: "passwords", forbidden: 0o077 };

/**
 * Reads and validates them all. `secret`: refuses a configuration that others than its owner can read or write. `now`: Unix time
 * in ms.
 */
export function readSite(
  file: string,
  { secret, now }: { readonly secret: boolean; readonly now: number },
): Site | { readonly faults: Fault[] } {
  const found = readText(file, file, secret ? secretConfig : undefined);
  if ("problem" in found) return { faults: [{ path: file, message: found.problem }] };
  const read = readConfig(found.text, file);
  if ("faults" in read) return read;
  const { config } = read;
  const board = readBoardFile(config.board, file);
  const tls = config.sip.tls && readCertificates(config.sip.tls, file, now);
  if ("faults" in board || (tls && "faults" in tls))
    return { faults: [board, tls].flatMap((part) => (part && "faults" in part ? part.faults : [])) };
  // Whoever starts the gateway and whoever calls the roger command may be in different folders.
  const absolute = (path: string): string => resolve(dirname(file), path);
  const { store, voiceLog } = config;
  return {
    config: {
      ...config,
      ...(store !== undefined && { store: absolute(store) }),
      ...(voiceLog && { voiceLog: { ...voiceLog, folder: absolute(voiceLog.folder) } }),
    },
    board: board.board,
    ...(tls && { certificates: tls.certificates }),
    warnings: [...(tls?.warnings ?? []), ...srtpWarnings(config), ...(secret ? [] : exposureWarnings(file))],
  };
}

/** Sound, and of no use to a gateway until its mode is another. */
function exposureWarnings(file: string): Fault[] {
  const found = readText(file, file, secretConfig);
  if (!("problem" in found)) return [];
  return [{ path: file, message: `${found.problem}; until then no gateway starts from it` }];
}

/** RFC 4568 §8.2: the keys are in the messages. */
function srtpWarnings({ media, sip }: Config): Fault[] {
  if (media.srtp !== "required" || sip.tls) return [];
  return [{ path: "media.srtp", message: "who can read SIP here can read the keys of SRTP; give sip.tls" }];
}

function readBoardFile(name: string, source: string): ReturnType<typeof readBoard> {
  const known = readdirSync(boards).flatMap((file) => (file.endsWith(".yaml") ? [file.slice(0, -5)] : []));
  if (!known.includes(name)) {
    return { faults: [{ path: `${source}: board`, message: `boards/ has no ${name}.yaml, only ${known.join(", ")}` }] };
  }
  const shown = `boards/${name}.yaml`;
  const found = readText(new URL(`${name}.yaml`, boards), shown);
  return "problem" in found ? { faults: [{ path: shown, message: found.problem }] } : readBoard(found.text, shown);
}
