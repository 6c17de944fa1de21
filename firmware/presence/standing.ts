import type { Account } from "./accounts.ts";
import type { Binding } from "./registrar.ts";
import type { Reason } from "./sessions.ts";

/** The sessions that come with a registration, unasked: those of the account's standing talkgroups. */
export interface Standing {
  /** True for a terminal that was not there before. */
  bound(binding: Binding): boolean;
  unbound(binding: Binding): void;
  /** The account's standing talkgroups are others now. */
  changed(account: Account): void;
}

interface Terminal {
  readonly binding: Binding;
  /** By talkgroup. */
  readonly reasons: Map<string, Reason>;
}

export function standingSessions(hold: (binding: Binding, talkgroup: string) => Reason): Standing {
  /** By user, then by contact. */
  const users = new Map<string, Map<string, Terminal>>();

  function bring({ binding, reasons }: Terminal, standing: readonly string[]): void {
    for (const [talkgroup, reason] of reasons) {
      if (standing.includes(talkgroup)) continue;
      reasons.delete(talkgroup);
      reason.giveUp();
    }
    for (const talkgroup of standing) if (!reasons.has(talkgroup)) reasons.set(talkgroup, hold(binding, talkgroup));
  }

  return {
    bound(binding) {
      const { account, contact } = binding;
      const terminals = users.get(account.user) ?? new Map<string, Terminal>();
      const known = terminals.get(contact);
      const terminal = { binding, reasons: known?.reasons ?? new Map<string, Reason>() };
      users.set(account.user, terminals.set(contact, terminal));
      bring(terminal, account.standing);
      return !known;
    },
    unbound({ account, contact }) {
      const terminals = users.get(account.user);
      const terminal = terminals?.get(contact);
      terminals?.delete(contact);
      if (terminals?.size === 0) users.delete(account.user);
      if (terminal) bring(terminal, []);
    },
    changed(account) {
      for (const { binding, reasons } of users.get(account.user)?.values() ?? [])
        bring({ binding: { ...binding, account }, reasons }, account.standing);
    },
  };
}
