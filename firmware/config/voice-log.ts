/** Where what is said is kept, how long, and what must be left of the disk. */
import { z } from "zod";
import * as field from "./fields.ts";

export interface VoiceLogSettings {
  /** Absolute, once the file of the configuration is known. */
  readonly folder: string;
  readonly mostAgeMs: number;
  readonly mostBytes: number;
  readonly leastFreeBytes: number;
  /** Whoever is in a recorded talkgroup hears that it is recorded. */
  readonly announce: boolean;
}

/** A hundred hours of speech take about a gigabyte. */
export const voiceLog = z.strictObject(
  {
    folder: field.path,
    days: field.amount(0.1, 3_650, "days").default(30),
    megabytes: field.amount(1, 10_000_000, "megabytes").default(2_000),
    freeMegabytes: field.amount(0, 10_000_000, "megabytes").default(200),
    announce: z.boolean("expected true or false").default(false),
  },
  "expected folder, and days, megabytes, freeMegabytes or announce",
);

export function voiceLogOf(file: z.output<typeof voiceLog>): VoiceLogSettings {
  const { folder, days, megabytes, freeMegabytes, announce } = file;
  return {
    ...{ folder, announce },
    mostAgeMs: days * 86_400_000,
    mostBytes: megabytes * 1_000_000,
    leastFreeBytes: freeMegabytes * 1_000_000,
  };
}
