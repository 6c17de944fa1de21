import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { test } from "uvu";

/** Stands in the place of a test that cannot run here. The test runner lists it with its reason. */
export function skip(name: string, reason: string): void {
  console.log(`SKIPPED ${name}: ${reason}`);
}

export function isInstalled(program: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Why what needs these programs of others cannot run here; undefined when it can. */
export function lacking(...programs: readonly string[]): string | undefined {
  const missing = programs.filter((program) => !isInstalled(program));
  return missing.length === 0 ? undefined : `${missing.join(" and ")} not installed`;
}

/** A `test` for what needs programs of others: each test is skipped where one of them is not installed. */
export function testWith(...programs: readonly string[]): (name: string, body: () => Promise<void> | void) => void {
  return testUnless(lacking(...programs));
}

/** A `test` that is skipped for this reason, if there is one. */
export function testUnless(reason: string | undefined): (name: string, body: () => Promise<void> | void) => void {
  return reason === undefined ? test : (name) => skip(name, reason);
}
