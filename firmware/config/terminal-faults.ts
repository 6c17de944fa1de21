/** What an account says of its terminals that something else in it contradicts. It passes over what is malformed: the schema tells of it. */
import { z } from "zod";
import type { Fault } from "../../hal/board/fault.ts";

const loose = <Schema extends z.ZodType>(schema: Schema) => schema.optional().catch(undefined);
const name = loose(z.string());
const names = loose(z.array(name));
const whatever = z.unknown().optional();

const looseSchema = z.object({
  accounts: loose(
    z.array(
      loose(
        z.object({
          ...{ talkgroups: names, keying: whatever, voiceHangSeconds: whatever, voiceThresholdDb: whatever },
          scan: loose(z.object({ groups: names, priority: name })),
        }),
      ),
    ),
  ),
});

type Account = NonNullable<NonNullable<z.output<typeof looseSchema>["accounts"]>[number]>;

export function terminalFaults(data: unknown): Fault[] {
  const read = looseSchema.safeParse(data);
  const accounts = read.success ? (read.data.accounts ?? []) : [];
  return accounts.flatMap((account, index) =>
    account ? [...voiceFaults(account), ...scanFaults(account)].map((fault) => at(`accounts.${index}`, fault)) : [],
  );
}

const at = (place: string, { path, message }: Fault): Fault => ({ path: `${place}.${path}`, message });

function voiceFaults({ keying, voiceHangSeconds, voiceThresholdDb }: Account): Fault[] {
  if (keying === "voice") return [];
  return Object.entries({ voiceHangSeconds, voiceThresholdDb }).flatMap(([path, value]) =>
    value === undefined
      ? []
      : [{ path, message: "nothing is keyed by voice without keying: voice; add that, or remove this" }],
  );
}

/** Who may not be in a talkgroup may not listen to it either. */
function scanFaults({ talkgroups = [], scan }: Account): Fault[] {
  const { groups = [], priority } = scan ?? {};
  const faults = groups.flatMap((group, index) => {
    const path = `scan.groups.${index}`;
    if (group === undefined) return [];
    if (groups.indexOf(group) < index) return [{ path, message: "given twice; remove one" }];
    return talkgroups.includes(group) ? [] : [{ path, message: "this is not among the account's talkgroups" }];
  });
  if (priority === undefined || talkgroups.includes(priority)) return faults;
  return [...faults, { path: "scan.priority", message: "this is not among the account's talkgroups" }];
}
