/** Times that a server grants: reading them, and when to come back. Shared by registrations and subscriptions. */
import { type Headers, header } from "./message.ts";

/** The longest time that is believed or asked for, seconds. */
export const longestExpires = 86_400;

/** 80 % of what was granted (seconds) in ms, within what a hostile or careless server may make of it. */
export function refreshMs(granted: number): number {
  return Math.min(Math.max(granted, 2), longestExpires) * 800;
}

/** The longer time that a server wants (Min-Expires, Min-SE, seconds), to be asked for at once; undefined where that is no more, or too much. */
export function longerThan(asked: number, minimum: number | undefined): number | undefined {
  return minimum !== undefined && minimum > asked && minimum <= longestExpires ? minimum : undefined;
}

/** A header of seconds; undefined where it is missing or unreadable. A comment or parameters may follow (RFC 3261 §20.33). */
export function secondsIn(message: { readonly headers: Headers }, name: string): number | undefined {
  const digits = /^\d{1,9}(?=$|[\s;(])/.exec(header(message, name) ?? "")?.[0];
  return digits === undefined ? undefined : Number(digits);
}
