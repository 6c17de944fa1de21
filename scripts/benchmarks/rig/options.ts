import { InvalidArgumentError } from "commander";

/** Reads an option's value. Throws InvalidArgumentError. */
export function wholeNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("expected a whole number above 0");
  return Number(text);
}

/** Several, with commas between. Throws InvalidArgumentError. */
export const wholeNumbers = (text: string): readonly number[] => text.split(",").map(wholeNumber);
