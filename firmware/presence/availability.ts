/** Whether somebody may be called, and can be (RFC 3261 §21.4): decided before anybody is rung. */
import type { Refusal } from "./call-machine.ts";
import type { People } from "./people.ts";
import { ruling } from "./rules.ts";

const offline: Refusal = { status: 480, words: "not available" };

/**
 * Why `callee` is not called by `caller`: 404 nobody of this name, 403 may not, 480 cannot be reached or does not want to, 486 busy.
 * Undefined: they may talk. Who politely blocks the caller looks as if offline.
 */
export function refusalOf(
  people: Pick<People, "party" | "person">,
  caller: string,
  callee: string,
): Refusal | undefined {
  const [one, other] = [people.party(caller), people.party(callee)];
  if (!one || !other) return { status: 404 };
  if (caller === callee) return { status: 486, words: "the caller's own line" };
  const answer = ruling(other, one);
  if (answer === "block" || ruling(one, other) !== "allow") return { status: 403 };
  return answer === "polite-block" ? offline : absenceOf(people, callee);
}

/** Why somebody whom one may call cannot be reached, or does not want to be. */
export function absenceOf(people: Pick<People, "person">, callee: string): Refusal | undefined {
  switch (people.person(callee).status) {
    case "offline":
      return offline;
    case "do-not-disturb":
      return { status: 480, words: "do not disturb" };
    case "busy":
      return { status: 486 };
    case "available":
    case "listening-only":
      return undefined;
  }
}
