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

/** A `test` for what needs programs of others: each test is skipped where one of them is not installed. */
export function testWith(...programs: readonly string[]): (name: string, body: () => Promise<void> | void) => void {
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length === 0) return test;
  return (name) => skip(name, `${missing.join(" and ")} not installed`);
}
