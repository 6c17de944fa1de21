/**
 * What the roger command does to a store, beside a gateway that runs or without one: each change is on the disk when its
 * call returns, or is refused whole. What the configuration file names is changed there alone.
 */
import type { DatabaseSync } from "node:sqlite";
import { DeviceError } from "../../hal/error.ts";
import {
  type AccountRow,
  accountIn,
  accountsIn,
  deleteAccount,
  deleteMembership,
  identitiesIn,
  putAccount,
  putHashes,
  putMembership,
  type StoredAccount,
  type StoredMembership,
} from "./accounts.ts";
import { blaming, connect, Damage } from "./connection.ts";
import { create, firstSight, secure } from "./file.ts";
import { recognize } from "./opening.ts";
import { currentVersion, inTransaction, migrate } from "./schema.ts";
import { notesIn, type Seed, sow } from "./seed.ts";
import {
  deleteTalkgroup,
  putTalkgroup,
  type StoredTalkgroup,
  type TalkgroupRow,
  talkgroupIn,
  talkgroupsIn,
} from "./talkgroups.ts";

/** Of one user. The configuration's check has the same (config/fields.ts). */
const mostIdentities = 16;

/** The change makes no sense; the message says why, for the person who asked for it. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

export interface Editor {
  readonly realm: string;
  /** Digest algorithms that a new user is given hashes for. */
  readonly digest: readonly string[];
  talkgroups(): readonly TalkgroupRow[];
  accounts(): readonly AccountRow[];
  /** These throw Refusal, the first two without a change: a password should not be asked for in vain. */
  mayAdd(name: string, owner?: string): void;
  mayChangePassword(user: string): void;
  addTalkgroup(talkgroup: StoredTalkgroup): void;
  /** Its members stay users. */
  removeTalkgroup(name: string): void;
  /** With an owner, an identity: it has no hashes. */
  addUser(account: StoredAccount): void;
  /** Ends what the user has going, and the user's identities, whose names it gives. */
  removeUser(user: string): readonly string[];
  /** Whoever registered by the password before has to do it anew. */
  setHashes(user: string, hashes: ReadonlyMap<string, string>): void;
  /** Adds a membership, or changes it. */
  putMember(user: string, membership: StoredMembership): void;
  removeMember(user: string, talkgroup: string): void;
  close(): void;
}

/** `seed`: what a store that is not there yet starts with; without it, it must be there. Throws DeviceError, or Refusal for one that has no realm. */
export function openEditor(file: string, seed?: Seed): Editor {
  const looks = firstSight(file);
  if (typeof looks === "object") throw damaged(file, looks.wrong);
  if (seed) create(file);
  else if (looks === "none") throw new Refusal(`${file}: there is no such store; correct the path, or give --config`);
  secure(file);
  const database = openAsItIs(file);
  try {
    if (seed && !notesIn(database)) sow(database, seed);
    const notes = notesIn(database);
    if (!notes) throw new Refusal(`${file}: no gateway has used it yet, so that its realm is not known; give --config`);
    return editorOf(file, database, notes);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** A gateway that runs may have it open: nothing is moved aside and, but for a new one, nothing migrated. */
function openAsItIs(file: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    const opened = connect(file);
    database = opened;
    blaming(file, "database", () => {
      const version = recognize(file, opened);
      if (version === 0) return migrate(opened);
      if (version < currentVersion)
        throw new DeviceError(
          `store ${file}`,
          "ENOTSUP",
          "an earlier Roger wrote it; start the gateway once, which converts it",
        );
    });
    return opened;
  } catch (error) {
    database?.close();
    if (!(error instanceof Damage)) throw error;
    throw damaged(file, error.message);
  }
}

function damaged(file: string, reason: string): DeviceError {
  return new DeviceError(`store ${file}`, "EIO", `it is damaged (${reason}); start the gateway, which moves it aside`);
}

function editorOf(file: string, database: DatabaseSync, notes: Pick<Editor, "realm" | "digest">): Editor {
  const { realm } = notes;
  const reading = <Result>(work: () => Result): Result => blaming(file, "program", work);
  const changing = <Result>(work: () => Result): Result => reading(() => inTransaction(database, work));

  /** What is there by that name, if the roger command may change it. */
  function own<Found extends { readonly origin: string }>(what: string, name: string, found: Found | undefined): Found {
    if (!found) throw new Refusal(`there is no ${what} ${name}`);
    if (found.origin === "config")
      throw new Refusal(`${what} ${name} is in the configuration file; change it there, and restart the gateway`);
    return found;
  }
  const userOf = (user: string): AccountRow | undefined => accountIn(database, user, realm);
  const groupOf = (name: string): TalkgroupRow | undefined => talkgroupIn(database, name);

  function free(name: string): void {
    if (userOf(name)) throw new Refusal(`there is a user ${name} already`);
    if (groupOf(name)) throw new Refusal(`there is a talkgroup ${name} already`);
  }
  /** The user is one whose password proves others, too. */
  function mayOwn(owner: string): void {
    const found = userOf(owner);
    if (!found) throw new Refusal(`there is no user ${owner}`);
    if (found.owner !== undefined)
      throw new Refusal(`${owner} is an identity of ${found.owner} itself; name ${found.owner}`);
    if (identitiesIn(database, owner).length >= mostIdentities)
      throw new Refusal(`${owner} has ${mostIdentities} identities, which is the most`);
  }
  function mayChangePassword(user: string): void {
    const { owner } = own("user", user, userOf(user));
    if (owner !== undefined) throw new Refusal(`${user} is an identity of ${owner}, whose password proves it`);
  }
  function join(user: string, membership: StoredMembership): void {
    if (!groupOf(membership.talkgroup)) throw new Refusal(`there is no talkgroup ${membership.talkgroup}`);
    putMembership(database, user, membership, "command");
  }
  function membershipOf(user: string, talkgroup: string) {
    return userOf(user)?.memberships.find((membership) => membership.talkgroup === talkgroup);
  }

  return {
    ...notes,
    talkgroups: () => reading(() => talkgroupsIn(database)),
    accounts: () => reading(() => accountsIn(database, realm)),
    mayAdd: (name, owner) =>
      reading(() => {
        free(name);
        if (owner !== undefined) mayOwn(owner);
      }),
    mayChangePassword: (user) => reading(() => mayChangePassword(user)),
    addTalkgroup: (talkgroup) =>
      changing(() => {
        free(talkgroup.name);
        putTalkgroup(database, talkgroup, "command");
      }),
    removeTalkgroup: (name) =>
      changing(() => {
        own("talkgroup", name, groupOf(name));
        deleteTalkgroup(database, name);
      }),
    addUser: (account) =>
      changing(() => {
        free(account.user);
        if (account.owner !== undefined) mayOwn(account.owner);
        if (account.owner !== undefined && account.hashes.size > 0)
          throw new Refusal(`${account.user} is proved by the password of ${account.owner}, and takes none`);
        putAccount(database, account, "command");
        putHashes(database, account.user, realm, account.hashes);
        for (const membership of account.memberships) join(account.user, membership);
      }),
    removeUser: (user) =>
      changing(() => {
        own("user", user, userOf(user));
        const identities = identitiesIn(database, user);
        deleteAccount(database, user);
        return identities;
      }),
    setHashes: (user, hashes) =>
      changing(() => {
        mayChangePassword(user);
        putHashes(database, user, realm, hashes);
      }),
    putMember: (user, membership) =>
      changing(() => {
        if (!userOf(user)) throw new Refusal(`there is no user ${user}`);
        const before = membershipOf(user, membership.talkgroup);
        if (before) own("membership of", `${user} in ${membership.talkgroup}`, before);
        join(user, membership);
      }),
    removeMember: (user, talkgroup) =>
      changing(() => {
        own("membership of", `${user} in ${talkgroup}`, membershipOf(user, talkgroup));
        deleteMembership(database, user, talkgroup);
      }),
    close: () => database.close(),
  };
}
