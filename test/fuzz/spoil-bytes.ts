import { type Dice, edges, type Spoil } from "./dice.ts";

/** Overlong, surrogate, beyond Unicode, a tail without a head, a head without a tail. */
const brokenUtf8 = [[0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xbf], [0xe2, 0x82], [0xff]] as const;
/** Now and then more than any reader takes. */
const longest = 70_000;

const join = (...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array =>
  new Uint8Array(Buffer.concat(parts.map((part) => Uint8Array.from(part))));

/** Start and end of a piece of `data`. */
function piece(dice: Dice, data: Uint8Array): readonly [number, number] {
  const [a, b] = [dice.below(data.length + 1), dice.below(data.length + 1)];
  return [Math.min(a, b), Math.max(a, b)];
}

function put(dice: Dice, data: Uint8Array, what: Uint8Array | readonly number[]): Uint8Array {
  const at = dice.below(data.length + 1);
  return join(data.subarray(0, at), what, data.subarray(at));
}

/** Bits flipped. */
const flip: Spoil = (dice, data) => {
  const copy = Uint8Array.from(data);
  for (let times = 1 + dice.below(8); times > 0 && copy.length > 0; times--) {
    const at = dice.below(copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << dice.below(8));
  }
  return copy;
};

/** A number overwritten: whatever it was, a length among others. */
const overwrite: Spoil = (dice, data) => {
  const copy = Uint8Array.from(data);
  const width = dice.oneOf([1, 2, 4]);
  const at = dice.below(copy.length - width + 1);
  const value = dice.oneOf(edges);
  for (let index = 0; index < width && at + index < copy.length; index++)
    copy[at + index] = value >>> (8 * (width - 1 - index));
  return copy;
};

const truncate: Spoil = (dice, data) => data.subarray(0, dice.below(data.length));

const remove: Spoil = (dice, data) => {
  const [from, to] = piece(dice, data);
  return join(data.subarray(0, from), data.subarray(Math.min(to, from + 1 + dice.below(40))));
};

const insert: Spoil = (dice, data) => put(dice, data, dice.bytes(1 + dice.below(40)));

const repeat: Spoil = (dice, data) => {
  const [from, to] = piece(dice, data);
  const times = 1 + dice.below(dice.chance(0.1) ? 1_000 : 10);
  const most = Math.floor(longest / Math.max(1, to - from));
  return join(data.subarray(0, to), ...Array(Math.min(times, most)).fill(data.subarray(from, to)), data.subarray(to));
};

const splice: Spoil = (dice, data, other) =>
  join(data.subarray(0, dice.below(data.length + 1)), other.subarray(dice.below(other.length + 1)));

const nonsense: Spoil = (dice, data) => put(dice, data, dice.oneOf(brokenUtf8));

/** A run of one byte, seldom longer than anything may be. */
const run: Spoil = (dice, data) =>
  put(dice, data, new Uint8Array(dice.below(dice.chance(0.02) ? longest : 300)).fill(dice.below(256)));

export const byteSpoils: readonly Spoil[] = [
  ...[flip, flip, overwrite, overwrite, truncate, remove, insert, repeat, splice, nonsense, run],
];
