/**
 * Reads the YAML that a person wrote: plain values only, every fault with its line. It never repeats the file's text
 * in a fault, for the text may be a password.
 */
import { isScalar, LineCounter, parseDocument, visit, type YAMLError } from "yaml";
import type { Fault } from "./fault.ts";

/** Codes of the library whose messages say nothing of what stands in the file. */
const discreet: ReadonlySet<string> = new Set([
  "BAD_INDENT",
  "BAD_SCALAR_START",
  "BLOCK_AS_IMPLICIT_KEY",
  "BLOCK_IN_FLOW",
  "DUPLICATE_KEY",
  "KEY_OVER_1024_CHARS",
  "MISSING_CHAR",
  "MULTILINE_IMPLICIT_KEY",
  "TAB_AS_INDENT",
]);

const noTags = "tags are not used here; put text that starts with ! in quotes";

/** The values of a YAML text, still to be validated. `source`, its name, and "line:column" are the path of each fault. */
export function readYaml(text: string, source: string): { data: unknown } | { faults: Fault[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "error" });
  const faults: Fault[] = [];
  const add = (offset: number, message: string): void => {
    const { line, col } = lines.linePos(offset);
    faults.push({ path: `${source}:${line}:${col}`, message });
  };

  for (const error of [...document.errors, ...document.warnings]) add(error.pos[0], messageOf(error));
  if (faults.length > 0) return { faults };

  // Without these, a value is what it looks like, and no file is larger than it looks.
  visit(document, {
    Alias: (_key, { range }) =>
      add(range?.[0] ?? 0, "aliases are not used here; put text that starts with * in quotes"),
    Value: (_key, { anchor, tag, range }) => {
      if (anchor !== undefined)
        add(range?.[0] ?? 0, "anchors are not used here; put text that starts with & in quotes");
      if (tag !== undefined) add(range?.[0] ?? 0, noTags);
    },
    // "0800" would become "800".
    Pair: (_key, { key }) => {
      if (isScalar(key) && typeof key.value !== "string" && `${key.value}` !== key.source)
        add(key.range?.[0] ?? 0, "this key would be read as another number than it looks; put it in quotes");
    },
  });
  return faults.length > 0 ? { faults } : { data: document.toJS() };
}

function messageOf(error: YAMLError): string {
  if (discreet.has(error.code)) return error.message;
  if (error.code === "TAG_RESOLVE_FAILED") return noTags;
  if (error.code === "MULTIPLE_DOCS") return "a second document starts here; expected one document";
  return "this does not belong here; put text that holds punctuation in quotes";
}
