/**
 * Loads the addon where it was built (scripts/build-native). It is optional: without it, other drivers of the same
 * ports do the same work with more CPU. Never throws: what is missing or broken is told as a reason, for the log.
 */
import { createRequire } from "node:module";
import type { Native } from "./port.ts";

/** Of hal/native/addon.h. */
const interfaceNumber = 4;

export type Loaded =
  | { readonly native: Native; readonly reason?: undefined }
  | { readonly native?: undefined; readonly reason: string };

/** `file`: another addon than the one that belongs to this machine. Each thread loads it for itself. */
export function loadNative(file = `./build/${process.arch}/roger.node`): Loaded {
  try {
    const exports: unknown = createRequire(import.meta.url)(file);
    // An addon of the right interface number has what the type says: both are of one commit.
    const { interface: found, ...native } = exports as Native & { readonly interface?: unknown };
    if (found === interfaceNumber) return { native };
    return { reason: `the native addon is of another version (${found}, not ${interfaceNumber}): build it again` };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "MODULE_NOT_FOUND") return { reason: "no native addon was built for this machine" };
    return { reason: `the native addon does not load: ${error instanceof Error ? error.message : error}` };
  }
}
