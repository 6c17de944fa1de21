/** The other end of a question about the voice log. */
import type { Local } from "../../hal/local/port.ts";
import { type LoggedBurst, type LogQuestion, logAnswerSchema } from "./log-question.ts";

export interface LogAnswer {
  readonly bursts: readonly LoggedBurst[];
  /** Who hears it. */
  readonly to?: string;
  /** Why there is no answer. */
  readonly error?: string;
}

/** Rejects with DeviceError where no gateway listens at `path`. */
export async function askLog(local: Local, path: string, question: LogQuestion): Promise<LogAnswer> {
  const connection = await local.connect(path);
  const bursts: LoggedBurst[] = [];
  connection.send(JSON.stringify({ log: question }));
  return new Promise((resolve) => {
    const end = (answer: Omit<LogAnswer, "bursts">): void => {
      resolve({ bursts, ...answer });
      connection.close();
    };
    connection.onLine = (line) => {
      const answer = logAnswerSchema.parse(JSON.parse(line));
      if ("burst" in answer) bursts.push(answer.burst);
      else if ("error" in answer) end({ error: answer.error });
      else end(answer.to === undefined ? {} : { to: answer.to });
    };
    connection.onClose = () => resolve({ bursts, error: "the gateway ended before it had answered" });
  });
}
