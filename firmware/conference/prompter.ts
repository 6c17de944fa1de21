import type { FloorMessage } from "../floor/message.ts";
import type { ToneName } from "../media/tones.ts";
import type { Leg } from "./leg.ts";

const toneOf: { readonly [Type in FloorMessage["type"]]?: ToneName } = {
  granted: "permit",
  deny: "deny",
  revoke: "revoke",
};

/** All that a telephone is ever told by. */
export const promptTones: readonly ToneName[] = [...Object.values(toneOf), "unkeyed"];

/** Tells a telephone, which knows no floor control, by tones what a floor message says. What is only said again is not heard again. */
export function prompter(): (leg: Leg, message: FloorMessage) => void {
  const last = new WeakMap<Leg, FloorMessage["type"]>();
  return (leg, { type }) => {
    const again = last.get(leg) === type && type !== "deny";
    last.set(leg, type);
    const tone = toneOf[type];
    if (tone && !again) leg.play(tone);
  };
}
