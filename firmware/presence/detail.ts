/**
 * What presence servers tell each other of a user beside status and talkgroups: what is shown of the user, and who may see it. The
 * rules travel with the user, for it is the watcher's gateway that keeps them.
 */
import { type Action, actions, type Rule } from "./rules.ts";
import { type Activity, activities, longestNote } from "./status.ts";

export interface Detail {
  readonly activity?: Activity | undefined;
  readonly note?: string | undefined;
  /** The talkgroups that the user may be in and is not, just now; undefined where that was not told. */
  readonly members?: readonly string[] | undefined;
  readonly rules: readonly Rule[];
}

/** Characters. */
const longest = 2_400;
/** Bytes of a message of the realm, for this and for the talkgroups that the user is in. */
const room = 3_800;
const mostRules = 32;
const mostNames = 300;
const longestName = 128;

/** Shown to nobody: for rules that are too many to be told, or that cannot be read. */
const hidden: readonly Rule[] = [{ action: "polite-block", users: [], talkgroups: [], everyone: true }];

/** What there is no room for gives way: the rules last, and then nobody is shown anything. `talkgroups`: that the user is in. */
export function encodeDetail(detail: Detail, talkgroups: readonly string[]): string {
  const { activity, note, members, rules } = detail;
  const brief = rules.map((rule) => ({
    action: rule.action,
    ...(rule.users.length > 0 && { users: rule.users }),
    ...(rule.talkgroups.length > 0 && { talkgroups: rule.talkgroups }),
    ...(rule.everyone && { everyone: true }),
  }));
  const left = room - Buffer.byteLength(JSON.stringify(talkgroups));
  const told = brief.length > 0 ? { rules: brief } : {};
  const least = JSON.stringify({ rules: hidden });
  const choices = [
    { activity, note, members, ...told },
    { activity, note, ...told },
    { activity, ...told },
  ].map((choice) => JSON.stringify(choice));
  return choices.find((text) => text.length <= longest && Buffer.byteLength(text) <= left) ?? least;
}

/** What cannot be read of it shows the user to nobody. Undefined: of a gateway that tells no details. */
export function decodeDetail(text: string | undefined): Detail {
  if (text === undefined) return { rules: [] };
  const fields = text.length > longest ? undefined : membersOf(parsed(text));
  if (!fields) return { rules: hidden };
  const activity = fields.get("activity");
  const note = fields.get("note");
  const members: unknown = fields.get("members");
  return {
    activity: activities.find((known) => known === activity),
    note: typeof note === "string" && note !== "" ? [...note].slice(0, longestNote).join("") : undefined,
    members: isNames(members) ? members : undefined,
    rules: fields.has("rules") ? (rulesOf(fields.get("rules")) ?? hidden) : [],
  };
}

function rulesOf(value: unknown): readonly Rule[] | undefined {
  if (!Array.isArray(value) || value.length > mostRules) return undefined;
  const rules = value.map(ruleOf);
  return rules.every((rule) => rule !== undefined) ? rules : undefined;
}

function ruleOf(value: unknown): Rule | undefined {
  const fields = membersOf(value);
  const action = actions.find((known: Action) => known === fields?.get("action"));
  const users: unknown = fields?.get("users") ?? [];
  const talkgroups: unknown = fields?.get("talkgroups") ?? [];
  if (!action || !isNames(users) || !isNames(talkgroups)) return undefined;
  return { action, users, talkgroups, everyone: fields?.get("everyone") === true };
}

function isNames(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= mostNames &&
    value.every((name) => typeof name === "string" && name.length > 0 && name.length <= longestName)
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

function membersOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? new Map(Object.entries(value))
    : undefined;
}
