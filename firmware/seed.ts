/** What a configuration says of accounts and talkgroups, as a store takes it up: hashes instead of passwords. */
import type { Config } from "./config.ts";
import { recordOf } from "./presence/accounts.ts";
import type { Seed, StoredAccount } from "./store/store.ts";

export function seedOf({ realm, sip, talkgroups, accounts }: Config): Seed {
  return { realm, digest: sip.digest, talkgroups, accounts: accounts.map((entry) => accountOf(entry, realm)) };
}

function accountOf(entry: Config["accounts"][number], realm: string): StoredAccount {
  return { ...recordOf(entry, realm), name: "" };
}
