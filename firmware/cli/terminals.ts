/** What `roger user add` takes of a user's terminals: the words of the configuration file, as options. */
import type { Command } from "commander";
import { z } from "zod";
import { terminalFaults } from "../config/terminal-faults.ts";
import { terminal, terminalOf } from "../config/terminal-schema.ts";
import { Refusal } from "../store/editing.ts";
import { checked } from "./place.ts";

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

/** Throws Refusal. */
export function terminalGiven(options: TerminalOptions, talkgroups: readonly string[]) {
  const { keying, inbandKeys, voiceHang, voiceThreshold, scan, scanPriority, scanHang, answerBack } = options;
  const how = {
    ...(scanPriority !== undefined && { priority: scanPriority }),
    ...(scanHang !== undefined && { hangSeconds: Number(scanHang) }),
    ...(answerBack && { answerBack }),
  };
  const isScanning = scan.length > 0 || Object.keys(how).length > 0;
  const file = checked(schema, "terminals:", {
    keying,
    ...(inbandKeys && { inbandKeys }),
    ...(voiceHang !== undefined && { voiceHangSeconds: Number(voiceHang) }),
    ...(voiceThreshold !== undefined && { voiceThresholdDb: Number(voiceThreshold) }),
    ...(isScanning && { scan: { groups: scan, ...how } }),
  });
  const [fault] = terminalFaults({ accounts: [{ talkgroups, ...file }] });
  if (fault) throw new Refusal(`terminals: ${fault.path.replace("accounts.0.", "")}: ${fault.message}`);
  return terminalOf(file);
}
