/**
 * How urgent a talk burst is: emergency above imminent peril above all else, whatever the priorities (TS 23.379 §10.9.1.1). To compare bursts
 * one number is enough, their weight: the priority with the urgency over it. A weight fits the 16 bits that it has on a trunk.
 */
import { floorIndicator } from "./message.ts";

export type Urgency = "normal" | "imminent-peril" | "emergency";

const ranks: readonly Urgency[] = ["normal", "imminent-peril", "emergency"];
const heaviest = ranks.length * 256 - 1;

/** `priority` is 0..255, and so is the weight of a normal burst. */
export function weigh(urgency: Urgency, priority: number): number {
  return ranks.indexOf(urgency) * 256 + Math.max(0, Math.min(255, priority));
}

/** Whatever another gateway says fits. */
export const boundWeight = (weight: number): number => Math.max(0, Math.min(heaviest, weight));
export const urgencyOf = (weight: number): Urgency => ranks[boundWeight(weight) >> 8] ?? "normal";
export const priorityOf = (weight: number): number => weight & 0xff;
export const isUrgent = (weight: number): boolean => weight > 255;
export const isMoreUrgent = (one: Urgency, other: Urgency): boolean => ranks.indexOf(one) > ranks.indexOf(other);

/** The bit of the floor indicator (TS 24.380 §8.2.3.15). */
export const urgencyBit: Readonly<Record<Urgency, number>> = {
  normal: floorIndicator.normal,
  "imminent-peril": floorIndicator.imminentPeril,
  emergency: floorIndicator.emergency,
};

/** Undefined: nothing is said of it. */
export function urgencyIn(indicator: number | undefined): Urgency | undefined {
  return [...ranks].reverse().find((urgency) => ((indicator ?? 0) & urgencyBit[urgency]) !== 0);
}
