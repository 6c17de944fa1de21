/**
 * The 49 messages of RFC 4475 as bytes. Its own notation (§2) is what the files beside this one are written in:
 * `<allOneLine>` joins its lines, `<hex>` holds bytes, `<repeat count=3>` repeats what it holds. Lines end in CR LF.
 */
import { readFileSync } from "node:fs";

const title = /^Message Details : (\w+)\n\n/gm;
const files = ["valid", "invalid", "semantics"];

/** By name: "wsinv". */
export const messages: ReadonlyMap<string, Uint8Array> = new Map(
  files.flatMap((name) => messagesIn(readFileSync(new URL(`${name}.txt`, import.meta.url), "latin1"))),
);

function messagesIn(text: string): readonly (readonly [string, Uint8Array])[] {
  const titles = [...text.matchAll(title)];
  return titles.map(({ 0: { length }, 1: name = "", index }, which) => {
    const end = titles[which + 1]?.index ?? text.length;
    // The line break before the next title belongs to neither.
    return [name, bytesOf(text.slice(index + length, end - 1))];
  });
}

function bytesOf(written: string): Uint8Array {
  const text = written
    .replace(/<allOneLine>\n(.*?)\n<\/allOneLine>/gs, (_, lines: string) => lines.replaceAll("\n", ""))
    .replace(/<repeat count=(\d+)>(.*?)<\/repeat>/g, (_, count: string, what: string) => what.repeat(Number(count)))
    .replaceAll("\n", "\r\n")
    .replace(/<hex>(.*?)<\/hex>/gs, (_, digits: string) =>
      Buffer.from(digits.replace(/\s/g, ""), "hex").toString("latin1"),
    );
  return Buffer.from(text, "latin1");
}
