/** Who may see a person's presence and talk with them. It decides nothing about talkgroups: who is in one hears all that is said there. */

/** polite-block: the watcher is told that the person is offline, as if it were so. */
export const actions = ["allow", "polite-block", "block"] as const;
export type Action = (typeof actions)[number];

/** One entry of a profile: what is done with the watchers whom it names, by name, as members of talkgroups, or all. */
export interface Rule {
  readonly action: Action;
  readonly users: readonly string[];
  readonly talkgroups: readonly string[];
  readonly everyone: boolean;
}

/** The source of rules; a directory or a database can stand behind it. */
export interface Rules {
  /** In the order in which they are looked at; none for nobody. */
  of(user: string): readonly Rule[];
}

/** A person as rules see them. */
export interface Party {
  readonly user: string;
  /** That the person is a member of, whether in session or not. */
  readonly talkgroups: ReadonlySet<string>;
  readonly rules: readonly Rule[];
  /** For watchers whom no rule names and who share no talkgroup with the person. */
  readonly otherwise: Action;
}

/**
 * What `watcher` may have of `person`: the first rule that names the watcher says it; without one, members of a common talkgroup
 * may see and talk with each other.
 */
export function ruling(person: Party, watcher: Party): Action {
  if (person.user === watcher.user) return "allow";
  const rule = person.rules.find((each) => names(each, watcher));
  if (rule) return rule.action;
  for (const talkgroup of watcher.talkgroups) if (person.talkgroups.has(talkgroup)) return "allow";
  return person.otherwise;
}

/** Each allows the other. */
export function mayTalk(one: Party, other: Party): boolean {
  return ruling(one, other) === "allow" && ruling(other, one) === "allow";
}

function names({ users, talkgroups, everyone }: Rule, watcher: Party): boolean {
  return everyone || users.includes(watcher.user) || talkgroups.some((each) => watcher.talkgroups.has(each));
}

export function rulesFrom(accounts: readonly { readonly user: string; readonly rules: readonly Rule[] }[]): Rules {
  const byUser = new Map(accounts.map(({ user, rules }) => [user, rules]));
  return { of: (user) => byUser.get(user) ?? [] };
}
