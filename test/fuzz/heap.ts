import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
// Otherwise code that has not run for a while is thrown away, and what it took is more than any leak looked for here.
setFlagsFromString("--no-flush-bytecode");
const collect: unknown = runInNewContext("gc");

/** Bytes that are in use once everything is collected that nobody holds: the heap, and buffers beside it. */
export async function heapInUse(): Promise<number> {
  if (typeof collect !== "function") throw new Error("no gc in this Node");
  for (let times = 0; times < 3; times++) {
    collect();
    // Finalizers run between turns.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
