/** What an account says of its terminals: how a telephone takes the floor, and what else they listen to. */
import { z } from "zod";
import * as field from "./fields.ts";

const decibels = z
  .number("expected 3 to 40 decibels")
  .min(3, "expected 3 to 40 decibels")
  .max(40, "expected 3 to 40 decibels");

/** Each costs its gateway the media of a talkgroup. */
const mostScanned = 16;

const scan = z.strictObject(
  {
    groups: z
      .array(field.user, "expected a list of talkgroup names")
      .min(1, "expected one talkgroup at least")
      .max(mostScanned, `expected ${mostScanned} talkgroups at most`),
    priority: z.exactOptional(field.user),
    hangSeconds: field.seconds(0, 60).default(3),
    answerBack: z.boolean("expected true or false").default(false),
  },
  "expected groups, and priority, hangSeconds and answerBack where they are others than usual",
);

export const terminal = {
  keying: z.enum(["dtmf", "voice"], "expected dtmf or voice").default("dtmf"),
  voiceHangSeconds: z.exactOptional(field.seconds(0.2, 10)),
  voiceThresholdDb: z.exactOptional(decibels),
  inbandKeys: z.boolean("expected true or false").default(false),
  scan: z.exactOptional(scan),
};

type TerminalFile = z.output<z.ZodObject<typeof terminal>>;

/** 800 ms outlast the pauses of a sentence; 12 dB are what a person at a handset is above a noisy workshop. */
const voiceDefaults = { hangSeconds: 0.8, thresholdDb: 12 };

/** As a conference server has it; nothing where all is as usual. */
export function terminalOf(file: TerminalFile) {
  const { keying, voiceHangSeconds = voiceDefaults.hangSeconds, voiceThresholdDb = voiceDefaults.thresholdDb } = file;
  const { inbandKeys, scan: scanned } = file;
  const voice = { thresholdDb: voiceThresholdDb, hangMs: Math.round(voiceHangSeconds * 1000) };
  const telephone = {
    ...(inbandKeys && { inbandKeys: true as const }),
    ...(keying === "voice" && { voice }),
  };
  const { hangSeconds = 0, ...list } = scanned ?? { groups: [], answerBack: false };
  return {
    ...(Object.keys(telephone).length > 0 && { telephone }),
    ...(scanned && { scan: { ...list, hangMs: Math.round(hangSeconds * 1000) } }),
  };
}
