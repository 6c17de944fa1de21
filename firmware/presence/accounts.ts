/** Who there is and what each may do. Of passwords only the digest hashes stay in memory. */
import { type DigestAlgorithm, ha1 } from "../sip/digest.ts";

export interface Account {
  readonly user: string;
  /** "sip:alice@example.org" */
  readonly aor: string;
  readonly talkgroups: ReadonlySet<string>;
  /** Talkgroups whose session comes with the registration, unasked. */
  readonly standing: readonly string[];
  readonly listenOnly: ReadonlySet<string>;
  /** Floor priority, 0..255. */
  readonly priority: number;
  /** How the user may prove who they are. */
  readonly digest: readonly DigestAlgorithm[];
}

/** The source of accounts; another one (a directory, a database) can stand behind it. */
export interface Accounts {
  find(user: string): Account | undefined;
  /** H(user:realm:password) in hex, undefined for nobody and for what the user may not use. */
  ha1(user: string, algorithm: DigestAlgorithm): string | undefined;
}

/** An account as the configuration has it. */
export interface AccountEntry {
  readonly user: string;
  readonly password: string;
  readonly talkgroups: readonly string[];
  readonly standing: readonly string[];
  readonly listenOnly: readonly string[];
  readonly priority: number;
  readonly digest: readonly DigestAlgorithm[];
}

export function accountsFrom(entries: readonly AccountEntry[], realm: string): Accounts {
  const accounts = new Map<string, Account>();
  const hashes = new Map<string, ReadonlyMap<DigestAlgorithm, string>>();
  for (const { user, password, talkgroups, standing, listenOnly, priority, digest } of entries) {
    accounts.set(user, {
      user,
      aor: `sip:${user}@${realm}`,
      talkgroups: new Set(talkgroups),
      standing,
      listenOnly: new Set(listenOnly),
      priority,
      digest,
    });
    hashes.set(user, new Map(digest.map((algorithm) => [algorithm, ha1(user, realm, password, algorithm)])));
  }
  return {
    find: (user) => accounts.get(user),
    ha1: (user, algorithm) => hashes.get(user)?.get(algorithm),
  };
}
