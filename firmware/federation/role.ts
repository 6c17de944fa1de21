import { controllerAmong } from "./rendezvous.ts";

/** Who runs the arbiter of a talkgroup. `peers` are the other live gateways that have members in it, sorted. */
export type FloorRole =
  | { readonly in: "controlling"; readonly peers: readonly string[] }
  | { readonly in: "participating"; readonly controller: string; readonly peers: readonly string[] };

/** The role of gateway `self`, which is a candidate only while it has members in the talkgroup. */
export function roleOf(self: string, talkgroup: string, hasMembers: boolean, others: readonly string[]): FloorRole {
  const peers = others.toSorted();
  if (peers.length === 0) return { in: "controlling", peers };
  const controller = controllerAmong(talkgroup, hasMembers ? [self, ...peers] : peers);
  if (controller === undefined || controller === self) return { in: "controlling", peers };
  return { in: "participating", controller, peers };
}

export function sameRole(one: FloorRole | undefined, other: FloorRole): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
