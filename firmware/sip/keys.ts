/** Keys that a phone tells by INFO, as it did before there were packages for it (RFC 6086 §1): two ways to write one. */
import type { Body } from "./contract.ts";
import { ProtocolError } from "./message.ts";

/** "Signal=5\r\nDuration=160". */
const relayType = "application/dtmf-relay";
/** The key alone. */
const plainType = "application/dtmf";
/** The media types of keys, as in Accept. */
export const keyTypes: readonly string[] = [relayType, plainType];

/** RFC 4733 §3.2: some phones tell the event's number. */
const byNumber: ReadonlyMap<string, string> = new Map([
  ["10", "*"],
  ["11", "#"],
  ...["A", "B", "C", "D"].map((key, index): [string, string] => [`${12 + index}`, key]),
]);

/** A short press. */
export const bodyOf = (key: string): Body => ({ type: relayType, content: `Signal=${key}\r\nDuration=160\r\n` });

/** The key that a body of one of `keyTypes` tells. Throws ProtocolError 400 for anything else that it says, a hook flash too. */
export function keyIn(type: string, body: string): string {
  const written = type === relayType ? /^signal[ \t]*=(.*)$/im.exec(body)?.[1] : body;
  const text = (written ?? "").trim().toUpperCase();
  const key = byNumber.get(text) ?? text;
  if (!/^[0-9*#A-D]$/.test(key)) throw new ProtocolError(400, `INFO with the key "${text.slice(0, 20)}"`);
  return key;
}
