/**
 * 60 SIP messages as they cross real networks. baresip, linphone, sipp and this gateway were recorded; those of other phones and
 * exchanges are written as these write. In the files a line "=== title" opens each, and lines end in LF alone.
 */
import { readdirSync, readFileSync } from "node:fs";

const folder = new URL("traffic/", import.meta.url);

export interface Traffic {
  /** "linphone: REGISTER with a proof" */
  readonly title: string;
  readonly bytes: Uint8Array;
}

export const traffic: readonly Traffic[] = readdirSync(folder)
  .sort()
  .flatMap((file) => messagesIn(file.replace(".txt", ""), readFileSync(new URL(file, folder), "utf8")));

function messagesIn(group: string, text: string): readonly Traffic[] {
  const [, ...messages] = text.split(/^=== /m);
  return messages.map((message) => {
    const at = message.indexOf("\n");
    // The line break before the next title is not of the message.
    const body = message.slice(at + 1, -1).replaceAll("\n", "\r\n");
    return { title: `${group}: ${message.slice(0, at)}`, bytes: new TextEncoder().encode(body) };
  });
}
