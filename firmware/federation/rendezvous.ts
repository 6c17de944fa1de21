import { createHash } from "node:crypto";

/**
 * The gateway that controls a talkgroup: the highest weight wins (rendezvous hashing), so that every gateway with the
 * same view names the same one without asking, and only the talkgroups of a gateway that leaves change hands.
 * The weight is SHA-256 over talkgroup, NUL, gateway id. Undefined when `gateways` is empty.
 */
export function controllerAmong(talkgroup: string, gateways: Iterable<string>): string | undefined {
  let controller: string | undefined;
  let highest = "";
  for (const gateway of gateways) {
    const weight = createHash("sha256").update(`${talkgroup}\0${gateway}`).digest("hex");
    if (controller !== undefined && (weight < highest || (weight === highest && gateway <= controller))) continue;
    controller = gateway;
    highest = weight;
  }
  return controller;
}
