/** What the terminals of a user are beside their rights: how a telephone takes the floor, and what else they hear. */
import type { Account } from "./accounts.ts";
import type { SessionRights, SessionTerminal } from "./conference-server.ts";

/** As the configuration has it. */
export interface TerminalSettings {
  readonly telephone?: NonNullable<SessionTerminal["telephone"]>;
  readonly scan?: ScanSettings;
}

export interface ScanSettings {
  readonly groups: readonly string[];
  /** Absent: the talkgroup that the terminal is in. */
  readonly priority?: string;
  readonly hangMs: number;
  readonly answerBack: boolean;
}

/** By user. */
export type Terminals = ReadonlyMap<string, TerminalSettings>;

export function terminalsFrom(accounts: readonly (TerminalSettings & { readonly user: string })[]): Terminals {
  return new Map(accounts.map(({ user, telephone, scan }) => [user, settingsOf(telephone, scan)]));
}

function settingsOf(telephone: TerminalSettings["telephone"], scan: TerminalSettings["scan"]): TerminalSettings {
  return { ...(telephone && { telephone }), ...(scan && { scan }) };
}

/** What a terminal in this talkgroup hears beside it: of what is listed, where the user is a member now. */
export function scannedFrom({ talkgroups, scan }: Account, talkgroup: string): readonly string[] {
  if (!scan || !talkgroups.has(talkgroup)) return [];
  return scan.groups.filter((group) => group !== talkgroup && talkgroups.has(group));
}

/** What the user hears, while in these, beside them: for gateways that have to send it. */
export function heardBeside(
  account: Account | undefined,
  talkgroups: readonly string[],
): { readonly listens?: readonly string[] } {
  const scanned = account ? talkgroups.flatMap((talkgroup) => scannedFrom(account, talkgroup)) : [];
  const listens = [...new Set(scanned)].filter((group) => !talkgroups.includes(group));
  return listens.length > 0 ? { listens } : {};
}

export function terminalIn(
  account: Account,
  talkgroup: string,
  rightsIn: (talkgroup: string) => SessionRights,
): SessionTerminal {
  const { telephone, scan } = account;
  const groups = scannedFrom(account, talkgroup).map((group) => ({ talkgroup: group, ...rightsIn(group) }));
  const { priority = talkgroup, hangMs = 0, answerBack = false } = scan ?? {};
  return {
    ...(telephone && { telephone }),
    ...(groups.length > 0 && { scan: { groups, priority, hangMs, answerBack } }),
  };
}
