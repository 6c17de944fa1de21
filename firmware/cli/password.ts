/** A password from a person, who sees nothing of it, or from a program, on standard input: never from an argument, which everybody on the machine can read. */
import type { ReadStream } from "node:tty";

/** Nobody gives one: standard input has ended, or the person broke off. */
export class NoPassword extends Error {
  override readonly name = "NoPassword";
}

/** From a person it is asked for twice. Throws NoPassword. */
export async function readPassword(user: string): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) return firstLine(stdin);
  // Before anything is asked: what is typed then is not shown.
  stdin.setRawMode(true);
  try {
    const read = unseen(stdin, stderr);
    const password = await read(`password for ${user}: `);
    if ((await read("again: ")) !== password) throw new NoPassword("the two are not the same; nothing is done");
    return password;
  } finally {
    stdin.setRawMode(false);
  }
}

const longest = 4_096;

async function firstLine(input: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk);
    chunks.push(bytes);
    length += bytes.length;
    if (bytes.includes("\n") || length > longest) break;
  }
  const text = Buffer.concat(chunks).toString();
  const [line = ""] = text.split(/\r?\n/);
  if (text === "") throw new NoPassword("no password on standard input");
  return line;
}

/** Asks, and reads a line from a terminal in raw mode. What is typed ahead is kept for the next question. */
function unseen(input: ReadStream, output: NodeJS.WritableStream): (question: string) => Promise<string> {
  let ahead = "";
  input.setEncoding("utf8");

  return async (question) => {
    output.write(question);
    let line = "";
    try {
      for (;;) {
        if (ahead === "") ahead = await next(input);
        const [key = ""] = ahead;
        ahead = ahead.slice(key.length);
        if (key === "\r" || key === "\n") return line;
        line = edited(line, key);
      }
    } finally {
      output.write("\n");
    }
  };
}

/** A line after one more key: Ctrl-C and Ctrl-D break off, Ctrl-U begins anew. */
function edited(line: string, key: string): string {
  switch (key) {
    case "\u0003":
    case "\u0004":
      throw new NoPassword("broken off; nothing is done");
    case "\b":
    case "\u007f":
      return [...line].slice(0, -1).join("");
    case "\u0015":
      return "";
    default:
      return key < " " ? line : line + key;
  }
}

function next(input: ReadStream): Promise<string> {
  return new Promise((resolve, reject) => {
    const onEnd = (): void => reject(new NoPassword("the terminal is gone"));
    input.once("end", onEnd);
    input.once("data", (text) => {
      input.off("end", onEnd);
      input.pause();
      resolve(String(text));
    });
    input.resume();
  });
}
