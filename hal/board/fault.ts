import type { z } from "zod";

/** One thing wrong in a file that a person wrote. `path`: dotted, from the top of the file; empty for the file itself. */
export interface Fault {
  readonly path: string;
  readonly message: string;
}

/** The same faults, with the name of their file at the start of each path. */
export function faultsIn(source: string, faults: readonly Fault[]): Fault[] {
  return faults.map(({ path, message }) => ({ path: path === "" ? source : `${source}: ${path}`, message }));
}

/** What is said of a key that the schema does not know. */
export const unknownKey = "unknown key; correct or remove it";

type Issue = z.ZodError["issues"][number];

/** Every fault that a schema found, each with its own path. */
export function faultsOf(error: z.ZodError): Fault[] {
  return error.issues.flatMap((issue) => faultsOfIssue(issue, []));
}

function faultsOfIssue(issue: Issue, above: readonly PropertyKey[]): Fault[] {
  const path = [...above, ...issue.path];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({ path: dotted([...path, key]), message: unknownKey }));
    case "invalid_key":
      return issue.issues.map(({ message }) => ({ path: dotted(path), message: `not a good key: ${message}` }));
    case "invalid_union": {
      // The alternative that came closest is the one that was meant.
      const [closest] = issue.errors.toSorted((a, b) => a.length - b.length);
      if (closest === undefined || closest.length === 0) return [{ path: dotted(path), message: issue.message }];
      return closest.flatMap((inner) => faultsOfIssue(inner, path));
    }
    default:
      return [{ path: dotted(path), message: issue.message }];
  }
}

function dotted(path: readonly PropertyKey[]): string {
  return path.map(String).join(".");
}
