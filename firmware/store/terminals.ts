/** What an account says of its terminals: in one column, as JSON, so that another option is no other table. */

export interface StoredTerminal {
  /** How a phone takes the floor beside the keys that it sends. */
  readonly telephone?: {
    readonly inbandKeys?: true;
    readonly voice?: { readonly thresholdDb: number; readonly hangMs: number };
  };
  /** Talkgroups that are heard beside the one that a terminal is in. */
  readonly scan?: {
    readonly groups: readonly string[];
    readonly priority?: string;
    readonly hangMs: number;
    readonly answerBack: boolean;
  };
}

type Fields = ReadonlyMap<string, unknown>;

const fieldsOf = (value: unknown): Fields =>
  new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);

function telephoneOf(fields: Fields): StoredTerminal["telephone"] {
  const voice = fieldsOf(fields.get("voice"));
  const [thresholdDb, hangMs] = [voice.get("thresholdDb"), voice.get("hangMs")];
  const isVoice = typeof thresholdDb === "number" && typeof hangMs === "number";
  const isInband = fields.get("inbandKeys") === true;
  if (!isVoice && !isInband) return undefined;
  return { ...(isInband && { inbandKeys: true }), ...(isVoice && { voice: { thresholdDb, hangMs } }) };
}

function scanOf(fields: Fields): StoredTerminal["scan"] {
  const [groups, priority, hangMs] = [fields.get("groups"), fields.get("priority"), fields.get("hangMs")];
  if (!Array.isArray(groups) || !groups.every((group) => typeof group === "string")) return undefined;
  if (groups.length === 0 || typeof hangMs !== "number") return undefined;
  const answerBack = fields.get("answerBack") === true;
  return { groups, ...(typeof priority === "string" && { priority }), hangMs, answerBack };
}

/** What is not known here is left out: it may be of a later version. */
export function terminalFrom(text: string): StoredTerminal {
  return known(JSON.parse(text));
}

/** In one order, so that the same options are the same text. */
export function terminalText(stored: StoredTerminal): string {
  return JSON.stringify(known(stored));
}

function known(value: unknown): StoredTerminal {
  const fields = fieldsOf(value);
  const telephone = telephoneOf(fieldsOf(fields.get("telephone")));
  const scan = scanOf(fieldsOf(fields.get("scan")));
  return { ...(telephone && { telephone }), ...(scan && { scan }) };
}
