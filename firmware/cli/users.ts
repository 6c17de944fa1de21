/** `roger user`: who may register, beside those of the configuration file. */
import type { Command } from "commander";
import { z } from "zod";
import * as field from "../config/fields.ts";
import { hashesOf } from "../presence/accounts.ts";
import { type Editor, Refusal } from "../store/editing.ts";
import type { AccountRow, StoredMembership } from "../store/store.ts";
import { readPassword } from "./password.ts";
import { atStore, checked, newName, type Place, placed } from "./place.ts";
import { table } from "./table.ts";

interface Added extends Place {
  readonly name: string;
  readonly priority: string;
  readonly talkgroup: readonly string[];
  readonly listenOnly: readonly string[];
  readonly dispatcher: readonly string[];
  readonly standing: readonly string[];
  readonly digest?: readonly string[];
  readonly identityOf?: string;
}

const several = (value: string, before: readonly string[] = []): string[] => [...before, value];
const displayName = z.string().regex(/^[^\p{Cc}]{0,64}$/u, "expected 64 characters at most");
const digests = z.array(z.enum(["SHA-256", "MD5"], "expected SHA-256 or MD5")).min(1);

/** `done`: told the exit status. */
export function userCommands(program: Command, done: (status: number) => void): void {
  const user = program
    .command("user")
    .description("users in the store of a gateway, beside those of its configuration");

  placed(user.command("add").description("add a user; the password is asked for, or read from standard input"))
    .argument("<user>")
    .option("--identity-of <user>", "a further identity of this user, whose password proves it")
    .option("--name <text>", "for people", "")
    .option("--priority <number>", "floor priority, 0 to 255", "0")
    .option("--talkgroup <name>", "may talk in it (several times for several)", several, [])
    .option("--listen-only <name>", "may listen in it", several, [])
    .option("--dispatcher <name>", "may talk in it, call others in, and dial out of it", several, [])
    .option("--standing <name>", "of these: the session comes with the registration", several, [])
    .option("--digest <algorithm>", "SHA-256 or MD5, where not both may be used", several)
    .action(async (name: string, options: Added) =>
      done(await atStore(options, (editor) => add(editor, name, options))),
    );

  placed(user.command("list").description("list the users, those of the configuration too"))
    .option("--json", "for programs")
    .action(async (options: Place & { json?: true }) =>
      done(await atStore(options, (editor) => list(editor, options))),
    );

  placed(user.command("remove").description("remove a user with their identities, and end what they have going"))
    .argument("<user>")
    .action(async (name: string, options: Place) =>
      done(
        await atStore(options, (editor) => {
          const identities = editor.removeUser(name);
          say(`user ${name} removed${identities.length > 0 ? `, and the identities ${identities.join(", ")}` : ""}`);
        }),
      ),
    );

  placed(user.command("passwd").description("give a user a new password, and end what the old one opened"))
    .argument("<user>")
    .option("--digest <algorithm>", "SHA-256 or MD5, where it is to be another than before", several)
    .action(async (name: string, options: Place & { digest?: string[] }) =>
      done(
        await atStore(options, async (editor) => {
          editor.mayChangePassword(name);
          const before = [
            ...(editor
              .accounts()
              .find(({ user }) => user === name)
              ?.hashes.keys() ?? []),
          ];
          const digest = options.digest ?? (before.length > 0 ? before : editor.digest);
          editor.setHashes(name, await newHashes(editor, name, digest));
          say(`password of ${name} changed`);
        }),
      ),
    );
}

async function add(editor: Editor, name: string, options: Added): Promise<void> {
  const user = checked(newName, name, name);
  const { talkgroup, listenOnly, dispatcher, standing, identityOf: owner } = options;
  const both = dispatcher.find((each) => listenOnly.includes(each));
  if (both !== undefined) throw new Refusal(`${both}: a dispatcher talks; give --dispatcher or --listen-only`);
  const account = {
    user,
    ...(owner !== undefined && { owner }),
    name: checked(displayName, "--name", options.name),
    priority: checked(field.priority, "--priority", Number(options.priority)),
    memberships: [...new Set([...talkgroup, ...listenOnly, ...dispatcher, ...standing])].map(
      (each): StoredMembership => ({
        talkgroup: each,
        role: listenOnly.includes(each) ? "listen" : dispatcher.includes(each) ? "dispatcher" : "talk",
        mayPreempt: true,
        standing: standing.includes(each),
      }),
    ),
  };
  editor.mayAdd(user, owner);
  if (owner !== undefined) {
    if (options.digest) throw new Refusal(`--digest: ${user} is proved as ${owner} is`);
    editor.addUser({ ...account, hashes: new Map() });
    return say(`user ${user} added, an identity of ${owner}`);
  }
  editor.addUser({ ...account, hashes: await newHashes(editor, user, options.digest ?? editor.digest) });
  say(`user ${user} added`);
}

/** All that is kept of a password that is asked for. */
async function newHashes(editor: Editor, user: string, wanted: readonly string[]) {
  const algorithms = checked(digests, "--digest", wanted);
  const password = checked(field.password, "password", await readPassword(user));
  return hashesOf({ user, realm: editor.realm, password }, algorithms);
}

function list(editor: Editor, { json }: { readonly json?: true }): void {
  const accounts = editor.accounts();
  if (json) {
    const shown = accounts.map(({ hashes, ...account }) => ({ ...account, digest: [...hashes.keys()] }));
    return void process.stdout.write(`${JSON.stringify(shown, undefined, 2)}\n`);
  }
  const rows = accounts.map((account) => [
    account.user,
    account.name,
    `${account.priority}`,
    account.memberships.map(membershipWords).join(", "),
    proofWords(account, editor.realm),
    originWords(account),
  ]);
  process.stdout.write(table([["USER", "NAME", "PRIORITY", "TALKGROUPS", "DIGEST", "FROM"], ...rows]));
}

function proofWords({ owner, hashes }: AccountRow, realm: string): string {
  if (owner !== undefined) return `identity of ${owner}`;
  return hashes.size > 0 ? [...hashes.keys()].join(", ") : `no password for ${realm}`;
}

function membershipWords({ talkgroup, role, priority, mayPreempt, mayRaise, standing }: StoredMembership): string {
  const notes = [
    ...(role === "talk" ? [] : [role]),
    ...(priority === undefined ? [] : [`priority ${priority}`]),
    ...(mayPreempt ? [] : ["no pre-emption"]),
    ...(mayRaise ? ["emergency"] : []),
    ...(standing ? ["standing"] : []),
  ];
  return notes.length === 0 ? talkgroup : `${talkgroup} (${notes.join(", ")})`;
}

/** Where a row is changed. */
export function originWords({ origin }: Pick<AccountRow, "origin">): string {
  return origin === "config" ? "configuration" : "command";
}

export function say(what: string): void {
  process.stdout.write(`${what}\n`);
}
