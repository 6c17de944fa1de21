import type { Fault } from "../../hal/board/fault.ts";

/** Exit statuses. `bug` is EX_SOFTWARE of sysexits.h. */
export const status = { done: 0, device: 1, faults: 2, bug: 70 } as const;

/** Tells each fault with its place; the value is the exit status. */
export function tell(faults: readonly Fault[], where: NodeJS.WritableStream): number {
  for (const { path, message } of faults) where.write(`${path}: ${message}\n`);
  return status.faults;
}
