/**
 * One registration stands for every identity of its user, as an implicit registration set does (TS 23.228 §5.2.1a): what the
 * registrar says of a user's terminals is told of each identity, and an identity that comes, goes or changes its owner comes
 * and goes with the terminals that are bound already.
 */
import { formatUri, parseUri } from "../sip/uri.ts";
import type { Account, Accounts } from "./accounts.ts";
import type { Binding, RegistrarListener } from "./registrar.ts";

export interface Identities extends RegistrarListener {
  /** The user has another account now, or none: as one who has identities, and as an identity. */
  retain(user: string, account: Account | undefined): void;
}

export interface Terminal extends Binding {
  readonly isReachable: boolean;
  readonly isAsleep: boolean;
}

/** The listener hears of a user first, then of the identities, each with its own account. */
export function identitiesOf(
  accounts: Accounts,
  /** Of a user, not of an identity. */
  terminalsOf: (user: string) => Iterable<Terminal>,
  listener: RegistrarListener,
): Identities {
  /** What is bound beside the user, by user and then by identity; kept as it was told, for the account of a user who is gone says nothing. */
  const bound = new Map<string, Map<string, Account>>();

  function each(owner: Account, tell: (account: Account) => void): void {
    tell(owner);
    for (const account of membersOf(owner).values()) tell(account);
  }

  function membersOf({ user, identities }: Account): ReadonlyMap<string, Account> {
    const known = bound.get(user);
    if (known || identities.length === 0) return known ?? new Map();
    const members = new Map<string, Account>();
    for (const name of identities) {
      const account = accounts.find(name);
      if (account?.owner === user) members.set(name, account);
    }
    bound.set(user, members);
    return members;
  }

  /** Of what is bound now, but for terminals that nobody was told of yet. */
  function join(owner: string, account: Account): void {
    const terminals = [...terminalsOf(owner)];
    // Looked up anew with the first terminal.
    if (terminals.length === 0) return void bound.delete(owner);
    bound.set(owner, (bound.get(owner) ?? new Map()).set(account.user, account));
    for (const terminal of terminals) {
      if (!terminal.isAsleep) listener.bound({ ...terminal, account }, false);
      if (terminal.isReachable) listener.reach(account, 1);
    }
  }

  function leave(owner: string, account: Account): void {
    bound.get(owner)?.delete(account.user);
    for (const terminal of terminalsOf(owner)) {
      if (!terminal.isAsleep) listener.unbound({ ...terminal, account });
      if (terminal.isReachable) listener.reach(account, -1);
    }
  }

  return {
    bound: (binding, fresh) => each(binding.account, (account) => listener.bound({ ...binding, account }, fresh)),
    unbound: (binding) => each(binding.account, (account) => listener.unbound({ ...binding, account })),
    reach: (owner, change) => each(owner, (account) => listener.reach(account, change)),
    retain(user, account) {
      const now = accounts.find(user);
      const [owner, members] = [...bound].find(([, members]) => members.has(user)) ?? [];
      const before = members?.get(user);
      if (account && owner !== undefined && owner === now?.owner) return void members?.set(user, account);
      if (owner !== undefined && before) leave(owner, before);
      if (now?.owner !== undefined) join(now.owner, now);
    },
  };
}

/**
 * Names the terminal that a contact of the account is of. A phone that has the user and the identities on so many lines names each
 * by a contact of its own, and they differ by the user part alone.
 */
export function terminalOf(accounts: Accounts, account: Account, contact: string): string {
  const owner = account.owner === undefined ? account : accounts.find(account.owner);
  if (!owner || owner.identities.length === 0) return contact;
  const uri = parseUri(contact);
  const isLine = uri.user !== undefined && [owner.user, ...owner.identities].includes(uri.user);
  return isLine ? formatUri({ ...uri, user: owner.user }) : contact;
}
