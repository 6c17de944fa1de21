/** What can be asked of the voice log over the admin socket, and what is answered: one line for each burst, and one at the end. */
import { z } from "zod";
import type { LocalConnection } from "../../hal/local/port.ts";

/** A burst that was recorded. */
const burstSchema = z.object({
  id: z.number(),
  talkgroup: z.string(),
  /** "sip:alice@example.org" */
  talker: z.string(),
  /** Unix ms. */
  startedAt: z.number(),
  lengthMs: z.number(),
  /** complete; or cut, and why: revoked, lost, crash. */
  end: z.string(),
  /** An Ogg Opus file, for its owner's eyes alone. */
  file: z.string(),
  bytes: z.number(),
});
export type LoggedBurst = Readonly<z.output<typeof burstSchema>>;

const text = z.string().min(1).max(256);
const id = z.int().positive();

export const logQuestionSchema = z.union([
  z.strictObject({
    list: z.strictObject({
      talkgroup: text.optional(),
      talker: text.optional(),
      from: z.number().optional(),
      before: z.number().optional(),
      most: z.int().min(1).max(100_000),
    }),
  }),
  z.strictObject({ find: id }),
  /** To a user who is in its talkgroup; the board's own where none is named. */
  z.strictObject({ play: id, to: text.optional() }),
]);
export type LogQuestion = z.output<typeof logQuestionSchema>;

export const logAnswerSchema = z.union([
  z.object({ burst: burstSchema }),
  z.object({ error: z.string() }),
  z.object({ end: z.literal(true), to: z.string().optional() }),
]);

/** What this room asks of whoever records. `trouble`: why not. */
export interface VoiceLog {
  list(
    selection: {
      readonly talkgroups?: readonly string[] | undefined;
      readonly talker?: string | undefined;
      readonly from?: number | undefined;
      readonly before?: number | undefined;
    },
    most: number,
  ): Promise<{ readonly entries: readonly LoggedBurst[]; readonly trouble?: string }>;
  find(id: number): Promise<{ readonly entries: readonly LoggedBurst[]; readonly trouble?: string }>;
  play(burst: LoggedBurst, to: string | undefined): { readonly to: string } | { readonly trouble: string };
}

/** Answers one question. */
export async function answerLog(
  question: LogQuestion,
  voiceLog: VoiceLog | undefined,
  connection: Pick<LocalConnection, "send">,
): Promise<void> {
  const say = (answer: z.input<typeof logAnswerSchema>): boolean => connection.send(JSON.stringify(answer));
  if (!voiceLog) return void say({ error: "nothing is recorded here: the configuration has no voiceLog" });
  const { entries, trouble } = await found(question, voiceLog);
  if (trouble !== undefined) return void say({ error: trouble });
  if (!("list" in question) && !entries[0])
    return void say({
      error: `there is no burst ${idOf(question)} in the log; roger log list shows those that there are`,
    });
  if ("play" in question && entries[0]) {
    const played = voiceLog.play(entries[0], question.to);
    return void say("trouble" in played ? { error: played.trouble } : { end: true, to: played.to });
  }
  for (const burst of entries) if (!say({ burst })) return void say({ error: "too many at once; ask for fewer" });
  say({ end: true });
}

function found(question: LogQuestion, voiceLog: VoiceLog): ReturnType<VoiceLog["find"]> {
  if (!("list" in question)) return voiceLog.find(idOf(question));
  const { talkgroup, most, ...selection } = question.list;
  return voiceLog.list({ ...selection, ...(talkgroup !== undefined && { talkgroups: [talkgroup] }) }, most);
}

const idOf = (question: { readonly find: number } | { readonly play: number }): number =>
  "find" in question ? question.find : question.play;
