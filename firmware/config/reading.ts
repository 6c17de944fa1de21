import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { getSystemErrorMessage } from "node:util";

/** What is in a file that others may not see. */
export interface Secret {
  /** "passwords" */
  readonly what: string;
  /** The permission bits that it must not have. */
  readonly forbidden: number;
}

/** The text of a file, or what is wrong with it; `shown`: its name for people. */
export function readText(
  file: string | URL,
  shown: string,
  secret?: Secret,
): { readonly text: string } | { readonly problem: string } {
  let handle: number | undefined;
  try {
    handle = openSync(file, "r");
    const { mode } = fstatSync(handle);
    if (secret && (mode & secret.forbidden) !== 0) {
      const found = (mode & 0o777).toString(8);
      return { problem: `holds ${secret.what}, but others can read or write it (mode ${found}); chmod 600 ${shown}` };
    }
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(handle)) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error instanceof TypeError) return { problem: "is not UTF-8 text; save it as UTF-8" };
    if ("errno" in error && typeof error.errno === "number")
      return { problem: `cannot be read: ${getSystemErrorMessage(error.errno)}; correct its path or its permissions` };
    throw error;
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}
