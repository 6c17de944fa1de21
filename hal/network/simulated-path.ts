/** How long a path of the simulated network takes, and which addresses never leave their machine. */
import type { PathConditions, Wire } from "./simulated.ts";

export function delayOf(wire: Wire, path: PathConditions): number {
  return path.latencyMs + (path.jitterMs > 0 ? path.jitterMs * wire.fraction() : 0);
}

export function isLoopback(host: string): boolean {
  return host.startsWith("127.") || host === "::1";
}
