/** What `roger user add` takes of a user's terminals: the words of the configuration file, as options. */
import type { Command } from "commander";
import { z } from "zod";
import { terminalFaults } from "../config/terminal-faults.ts";
import { terminal, terminalOf } from "../config/terminal-schema.ts";
import { Refusal } from "../store/editing.ts";
import { asGiven, checked } from "./place.ts";

export interface TerminalOptions {
  readonly keying: string;
  readonly inbandKeys?: true;
  readonly voiceHang?: string;
  readonly voiceThreshold?: string;
  readonly scan: readonly string[];
  readonly scanPriority?: string;
  readonly scanHang?: string;
  readonly answerBack?: true;
}

const several = (value: string, before: readonly string[] = []): string[] => [...before, value];
const schema = z.strictObject(terminal);

export function withTerminal(command: Command): Command {
  return command
    .option("--keying <how>", "how a phone takes the floor: dtmf (its keys) or voice", "dtmf")
    .option("--inband-keys", "keys are heard in the voice of a phone, too")
    .option("--voice-hang <seconds>", "with --keying voice: the pause that unkeys, 0.2 to 10")
    .option("--voice-threshold <dB>", "with --keying voice: speech above the noise, 3 to 40")
    .option("--scan <talkgroup>", "is heard while nobody talks where the terminal is", several, [])
    .option("--scan-priority <talkgroup>", "the one of them that is heard at once")
    .option("--scan-hang <seconds>", "so long after a burst its talkgroup is stayed with, 0 to 60")
    .option("--answer-back", "an answer goes where the last burst was");
}

/** What stands where in the configuration file. */
const places = new Map<string, keyof TerminalOptions>([
  ["keying", "keying"],
  ["voiceHangSeconds", "voiceHang"],
  ["voiceThresholdDb", "voiceThreshold"],
  ["scan.groups", "scan"],
  ["scan.priority", "scanPriority"],
  ["scan.hangSeconds", "scanHang"],
]);

/** The option that a path in the configuration file stands for, and what was given for it. */
function optionAt(path: string, options: TerminalOptions): string {
  const [, place = path, index] = /^(.*?)(?:\.(\d+))?$/.exec(path) ?? [];
  const option = places.get(place);
  if (option === undefined) return path;
  return asGiven(option, index === undefined ? options[option] : options.scan[Number(index)]);
}

/** Throws Refusal. */
export function terminalGiven(options: TerminalOptions, talkgroups: readonly string[]) {
  const { keying, inbandKeys, voiceHang, voiceThreshold, scan, scanPriority, scanHang, answerBack } = options;
  const how = {
    ...(scanPriority !== undefined && { priority: scanPriority }),
    ...(scanHang !== undefined && { hangSeconds: Number(scanHang) }),
    ...(answerBack && { answerBack }),
  };
  const isScanning = scan.length > 0 || Object.keys(how).length > 0;
  const file = checked(schema, (path) => optionAt(path.join("."), options), {
    keying,
    ...(inbandKeys && { inbandKeys }),
    ...(voiceHang !== undefined && { voiceHangSeconds: Number(voiceHang) }),
    ...(voiceThreshold !== undefined && { voiceThresholdDb: Number(voiceThreshold) }),
    ...(isScanning && { scan: { groups: scan, ...how } }),
  });
  const [fault] = terminalFaults({ accounts: [{ talkgroups, ...file }] });
  if (fault) throw new Refusal(`${optionAt(fault.path.replace("accounts.0.", ""), options)}: ${fault.message}`);
  return terminalOf(file);
}
