/** Messages spoilt by chance. */
import { seededRandom } from "../../hal/random/seeded.ts";

/** A whole number from 0 to one less than `sides`. */
export type Roll = (sides: number) => number;

const bytes = (text: string) => new TextEncoder().encode(text);

const maxBytes = 8_192;

/** The same run for the same seed. */
export function dice(seed: number): Roll {
  const random = seededRandom(seed);
  return (sides) => Math.floor(random.fraction() * sides);
}

const tokens = [
  ...'\n\r\0\t ;,<>"\\%:=[]@',
  ...["\r\n", "\r\n\r\n", "\ufeff", "SIP/2.0", "m=", "a=rtpmap:", "__proto__", ";__proto__=1"],
  ...["Content-Length: -1\r\n", "l: 99999999999999999999\r\n"],
];

const cut = (data: Uint8Array, from: number, to: number) => data.subarray(Math.min(from, to), Math.max(from, to));
export const join = (...parts: readonly Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));

const mutations: readonly ((data: Uint8Array, roll: Roll, other: Uint8Array) => Uint8Array)[] = [
  // Bits flipped.
  (data, roll) => {
    const copy = Uint8Array.from(data);
    for (let i = roll(8); i >= 0; i--) {
      const at = roll(copy.length);
      copy[at] = (copy[at] ?? 0) ^ (1 << roll(8));
    }
    return copy;
  },
  // Cut short.
  (data, roll) => data.slice(0, roll(data.length)),
  // A piece taken out.
  (data, roll) => {
    const at = roll(data.length);
    return join(data.subarray(0, at), data.subarray(Math.min(data.length, at + roll(60))));
  },
  // Spliced with another message.
  (data, roll, other) => join(data.subarray(0, roll(data.length)), other.subarray(roll(other.length))),
  // A piece repeated.
  (data, roll) => {
    const [a, b] = [roll(data.length), roll(data.length)];
    return join(data.subarray(0, b), ...Array(roll(20)).fill(cut(data, a, b)), data.subarray(b));
  },
  // A token, or a long run of one, put somewhere.
  (data, roll) => {
    const at = roll(data.length);
    const token = tokens[roll(tokens.length)] ?? "";
    return join(data.subarray(0, at), bytes(token.repeat(roll(4) === 0 ? roll(3_000) : 1)), data.subarray(at));
  },
  // A flood of headers after the start-line.
  (data, roll) => {
    const at = data.indexOf(13) + 2;
    return join(
      data.subarray(0, at),
      bytes(`${["v", "X-Y", " ", "t"][roll(4)]}: z\r\n`.repeat(roll(300))),
      data.subarray(at),
    );
  },
];

/** `data` spoilt up to three times, and cut where it would be longer than 8 KiB. `pick` gives other messages to splice it with. */
export function mutated(data: Uint8Array, roll: Roll, pick: () => Uint8Array): Uint8Array {
  let spoilt = data;
  for (let times = roll(3); times >= 0 && spoilt.length > 0; times--)
    spoilt = mutations[roll(mutations.length)]?.(spoilt, roll, pick()).subarray(0, maxBytes) ?? spoilt;
  return spoilt;
}
