/** What is shown of a person, composed from what is known of them. Pure: it knows no SIP, no watcher and no time. */

/** The most available first: that one wins where somebody is at several gateways, for that is where they can be reached. */
export const statuses = ["available", "listening-only", "busy", "do-not-disturb", "offline"] as const;
export type Status = (typeof statuses)[number];

/** talking: holds the floor of a talkgroup. */
export const activities = ["talking", "on-the-phone", "away"] as const;
export type Activity = (typeof activities)[number];

/** What is shown of a person, and what a person says of themselves. */
export interface Shown {
  readonly status: Status;
  readonly activity?: Activity;
  /** In the person's own words; `longestNote` characters at most. */
  readonly note?: string;
}

export const longestNote = 160;

/** What is known of a user of this gateway. */
export interface Circumstances {
  /** Terminals that are registered. */
  readonly terminals: number;
  /** Talkgroups that a session stands with, and those of them in which the user may only listen. */
  readonly talkgroups: number;
  readonly listening: number;
  /** The user holds the floor of one of them. */
  readonly talking: boolean;
  readonly calls: number;
  /** Said at the panel or by a feature code: counts before what terminals publish. */
  readonly chosen?: Shown | undefined;
  /** What terminals publish, the latest last. */
  readonly published: readonly Shown[];
}

/**
 * A terminal or a session is what makes somebody be there: nothing that was published brings anybody online, or keeps them
 * there. Who is there may say to be offline, and is then shown so until one of their terminals says otherwise.
 */
export function compose(known: Circumstances): Shown {
  if (known.terminals === 0 && known.talkgroups === 0) return { status: "offline" };
  const said = known.chosen ?? known.published.findLast(({ status }) => status !== "offline") ?? known.published.at(-1);
  if (said?.status === "offline") return { status: "offline" };
  const activity = known.talking ? "talking" : known.calls > 0 ? "on-the-phone" : said?.activity;
  return {
    status: statusOf(known, said?.status),
    ...(activity !== undefined && { activity }),
    ...(said?.note !== undefined && { note: said.note }),
  };
}

function statusOf(known: Circumstances, said: Status | undefined): Status {
  if (said === "do-not-disturb") return said;
  if (known.talking || known.calls > 0 || said === "busy") return "busy";
  const hears = known.talkgroups > 0 && known.listening === known.talkgroups;
  return hears || said === "listening-only" ? "listening-only" : "available";
}

/** Of somebody who is at several places; the first of equals. Undefined for nowhere. */
export function mostAvailable(places: readonly Shown[]): Shown | undefined {
  const rank = ({ status }: Shown): number => statuses.indexOf(status);
  return places.reduce<Shown | undefined>((best, next) => (best && rank(best) <= rank(next) ? best : next), undefined);
}

export function sameShown(one: Shown, other: Shown): boolean {
  return one.status === other.status && one.activity === other.activity && one.note === other.note;
}
