/** `roger talkgroup`: talkgroups and their members, beside those of the configuration file. */
import type { Command } from "commander";
import { z } from "zod";
import * as field from "../config/fields.ts";
import { talkgroup as talkgroupSchema } from "../config/schema.ts";
import { talkgroupOf } from "../config.ts";
import { type Editor, Refusal } from "../store/editing.ts";
import { asGiven, atStore, checked, newName, type Place, placed } from "./place.ts";
import { table } from "./table.ts";
import { originWords, say } from "./users.ts";

interface Settings extends Place {
  readonly queueing?: true;
  readonly broadcast?: true;
  readonly mixing?: true;
  readonly record?: true;
  readonly talkWarningSeconds?: string;
  readonly emergencySeconds?: string;
  readonly talkSeconds?: string;
  readonly hangSeconds?: string;
  readonly graceSeconds?: string;
  readonly endOfMediaSeconds?: string;
}

interface Joined extends Place {
  readonly role: string;
  readonly priority?: string;
  readonly preempt: boolean;
  readonly emergency?: true;
  readonly standing?: true;
}

const role = z.enum(["talk", "listen", "dispatcher"], "expected talk, listen or dispatcher");

/** `done`: told the exit status. */
export function talkgroupCommands(program: Command, done: (status: number) => void): void {
  const talkgroup = program
    .command("talkgroup")
    .description("talkgroups in the store of a gateway, beside those of its configuration");

  placed(talkgroup.command("add").description("add a talkgroup"))
    .argument("<talkgroup>")
    .option("--talk-seconds <number>", "the longest talk burst (T2)")
    .option("--hang-seconds <number>", "how long it stays bridged after the last one (T4)")
    .option(
      "--emergency-seconds <number>",
      "after so long without a word of it an emergency is over; 0: never by itself",
    )
    .option("--talk-warning-seconds <number>", "how long before the cut its talker is warned; 0: never")
    .option("--queueing", "who cannot be granted the floor waits for it")
    .option("--broadcast", "who talks first talks alone until it is un-bridged")
    .option("--mixing", "everybody talks and is heard at once")
    .option("--record", "its bursts are kept in the voice log of each gateway that has one")
    .option("--grace-seconds <number>", "after a burst that was too long (T3)")
    .option("--end-of-media-seconds <number>", "silence after which the floor is lost (T1)")
    .action(async (name: string, options: Settings) =>
      done(
        await atStore(options, (editor) => {
          editor.addTalkgroup(settingsOf(name, options));
          say(`talkgroup ${name} added`);
        }),
      ),
    );

  placed(talkgroup.command("list").description("list the talkgroups, those of the configuration too"))
    .option("--json", "for programs")
    .action(async (options: Place & { json?: true }) =>
      done(await atStore(options, (editor) => list(editor, options))),
    );

  placed(talkgroup.command("remove").description("remove a talkgroup; its members stay users"))
    .argument("<talkgroup>")
    .action(async (name: string, options: Place) =>
      done(
        await atStore(options, (editor) => {
          editor.removeTalkgroup(name);
          say(`talkgroup ${name} removed`);
        }),
      ),
    );

  memberCommands(talkgroup.command("member").description("who is in a talkgroup"), done);
}

function memberCommands(member: Command, done: (status: number) => void): void {
  placed(member.command("add").description("make a user a member, or change what the member may do"))
    .argument("<talkgroup>")
    .argument("<user>")
    .option("--role <role>", "talk, listen, or dispatcher (who may talk, call others in, and dial out)", "talk")
    .option("--priority <number>", "floor priority here, 0 to 255, where it is not the user's")
    .option("--no-preempt", "waits for the floor, whatever the priority")
    .option("--emergency", "may call an emergency there")
    .option("--standing", "the session comes with the registration")
    .action(async (talkgroup: string, user: string, options: Joined) =>
      done(
        await atStore(options, (editor) => {
          const { priority } = options;
          editor.putMember(user, {
            talkgroup,
            role: checked(role, "--role", options.role),
            ...(priority !== undefined && { priority: checked(field.priority, "--priority", Number(priority)) }),
            mayPreempt: options.preempt,
            ...(options.emergency && { mayRaise: true }),
            standing: options.standing === true,
          });
          say(`${user} is a member of ${talkgroup}`);
        }),
      ),
    );

  placed(member.command("remove").description("let a member go"))
    .argument("<talkgroup>")
    .argument("<user>")
    .action(async (talkgroup: string, user: string, options: Place) =>
      done(
        await atStore(options, (editor) => {
          editor.removeMember(user, talkgroup);
          say(`${user} is no member of ${talkgroup}`);
        }),
      ),
    );

  placed(member.command("list").description("list the members"))
    .argument("<talkgroup>")
    .action(async (talkgroup: string, options: Place) =>
      done(await atStore(options, (editor) => listMembers(editor, talkgroup))),
    );
}

function settingsOf(name: string, options: Settings) {
  const { talkSeconds, hangSeconds, graceSeconds, endOfMediaSeconds, talkWarningSeconds, emergencySeconds } = options;
  const { queueing = false, broadcast = false, mixing = false, record = false } = options;
  const times = { talkSeconds, hangSeconds, graceSeconds, endOfMediaSeconds, talkWarningSeconds, emergencySeconds };
  const given = Object.entries(times).flatMap(([key, value]) => (value === undefined ? [] : [[key, Number(value)]]));
  checked(newName, name, name);
  const file = { name, queueing, broadcast, mixing, record, ...Object.fromEntries(given) };
  return talkgroupOf(
    checked(talkgroupSchema, ([key]) => asGiven(String(key), new Map(Object.entries(times)).get(String(key))), file),
  );
}

function list(editor: Editor, { json }: { readonly json?: true }): void {
  const talkgroups = editor.talkgroups();
  if (json) return void process.stdout.write(`${JSON.stringify(talkgroups, undefined, 2)}\n`);
  const accounts = editor.accounts();
  const rows = talkgroups.map((row) => [
    row.name,
    `${accounts.filter(({ memberships }) => memberships.some(({ talkgroup }) => talkgroup === row.name)).length}`,
    ...[row.talkMs, row.hangMs].map((ms) => `${ms / 1_000} s`),
    (["queueing", "broadcast", "mixing", "record"] as const).filter((option) => row[option]).join(", "),
    originWords(row),
  ]);
  process.stdout.write(table([["TALKGROUP", "MEMBERS", "TALK", "HANG", "OPTIONS", "FROM"], ...rows]));
}

function listMembers(editor: Editor, talkgroup: string): void {
  if (!editor.talkgroups().some(({ name }) => name === talkgroup))
    throw new Refusal(`there is no talkgroup ${talkgroup}`);
  const rows = editor.accounts().flatMap(({ user, priority, memberships }) => {
    const membership = memberships.find((each) => each.talkgroup === talkgroup);
    if (!membership) return [];
    const { role: what, mayPreempt, mayRaise, standing } = membership;
    return [
      [
        ...[user, what, `${membership.priority ?? priority}`, mayPreempt ? "yes" : "no"],
        ...[mayRaise ? "yes" : "no", standing ? "standing" : "", originWords(membership)],
      ],
    ];
  });
  process.stdout.write(table([["USER", "ROLE", "PRIORITY", "PRE-EMPTS", "EMERGENCY", "SESSION", "FROM"], ...rows]));
}
