/** What a path of the simulated network does to a datagram, and which addresses never leave their machine. */
import type { PathConditions, Wire } from "./simulated.ts";

export const undisturbed: PathConditions = {
  latencyMs: 0,
  jitterMs: 0,
  loss: 0,
  lossRun: 1,
  duplicate: 0,
  reorder: 0,
  reorderMs: 0,
};

export function delayOf(wire: Wire, path: PathConditions): number {
  return path.latencyMs + (path.jitterMs > 0 ? path.jitterMs * wire.fraction() : 0);
}

export function happens(wire: Wire, share: number): boolean {
  return share > 0 && wire.fraction() < share;
}

/** Whether a datagram is lost, when the one before it on its way was, or was not. */
export function isLost(wire: Wire, { loss, lossRun }: PathConditions, before: boolean): boolean {
  if (lossRun <= 1 || loss >= 1) return happens(wire, loss);
  return happens(wire, before ? 1 - 1 / lossRun : loss / (lossRun * (1 - loss)));
}

export function isLoopback(host: string): boolean {
  return host.startsWith("127.") || host === "::1";
}
