import type { FloorMessage } from "../floor/message.ts";
import type { ToneName } from "../media/tones.ts";
import type { Leg } from "./contract.ts";

const toneOf: { readonly [Type in FloorMessage["type"]]?: ToneName } = {
  granted: "permit",
  deny: "deny",
  revoke: "revoke",
};

/** All that a telephone is ever told by. */
export const promptTones: readonly ToneName[] = [...Object.values(toneOf), "warning", "unkeyed", "emergency"];

/** What is granted for less than before is a burst that will soon be cut. */
export function isWarning(message: FloorMessage, before: FloorMessage | undefined): boolean {
  return message.type === "granted" && before?.type === "granted" && message.durationS < before.durationS;
}

/** Tells a telephone, which knows no floor control, by tones what a floor message says. What is only said again is not heard again. */
export function prompter(): (leg: Leg, message: FloorMessage) => void {
  const last = new WeakMap<Leg, FloorMessage>();
  return (leg, message) => {
    const { type } = message;
    const before = last.get(leg);
    const again = before?.type === type && type !== "deny";
    last.set(leg, message);
    if (isWarning(message, before)) return leg.play("warning");
    const tone = toneOf[type];
    if (tone && !again) leg.play(tone);
  };
}
