import type { Body } from "../sip/endpoint.ts";
import { aorOf, parseUri } from "../sip/uri.ts";
import type { Person } from "./people.ts";
import { pidfType, writePidf } from "./pidf.ts";

export interface Documents {
  /** The address of record of a user. */
  entityOf(user: string): string;
  /** What is shown of a person, written once however many are told. */
  of(person: Person): Body;
}

export function documents(realm: string): Documents {
  const written = new WeakMap<Person, Body>();
  const plain = parseUri(`sip:${realm}`);
  const entityOf = (user: string): string => aorOf({ ...plain, user });

  return {
    entityOf,
    of(person) {
      const known = written.get(person);
      if (known) return known;
      const body = { type: pidfType, content: writePidf(entityOf(person.user), person) };
      written.set(person, body);
      return body;
    },
  };
}
