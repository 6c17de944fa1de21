import { controllerAmong } from "./rendezvous.ts";

/** Who runs the arbiter of a talkgroup. `peers` are the other live gateways where somebody is in it or hears it, sorted. */
export type FloorRole =
  | { readonly in: "controlling"; readonly peers: readonly string[] }
  | { readonly in: "participating"; readonly controller: string; readonly peers: readonly string[] };

/**
 * The role of gateway `self`. Candidates have members in the talkgroup: who only hears it does not make those who talk wait for a
 * gateway of no concern to them. `needing`: other gateways that have members, or hear it.
 */
export function roleOf(
  self: string,
  talkgroup: string,
  hasMembers: boolean,
  others: { readonly members: readonly string[]; readonly needing: readonly string[] },
): FloorRole {
  const peers = others.needing.toSorted();
  if (others.members.length === 0) return { in: "controlling", peers };
  const controller = controllerAmong(talkgroup, hasMembers ? [self, ...others.members] : others.members);
  if (controller === undefined || controller === self) return { in: "controlling", peers };
  return { in: "participating", controller, peers };
}

export function sameRole(one: FloorRole | undefined, other: FloorRole): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
