/** What recordings are called: a person finds one by its time and its talkgroup, and sees whether it is whole. */
import type { BurstEnd } from "./protocol.ts";

/** Of what is still being written, or was when the power went. */
export const partSuffix = ".part";
const suffix = ".opus";
/** In no name of a talkgroup. */
const mark = "~";
const cuts: readonly BurstEnd[] = ["revoked", "lost", "crash"];

/** "2026-11-25": the folder of a day, UTC. */
export const dayOf = (startedAt: number): string => new Date(startedAt).toISOString().slice(0, 10);
export const isDay = (name: string): boolean => /^\d{4}-\d\d-\d\d$/.test(name);

/** "155858.123-ops": of a burst before it has ended; `count` tells it from others of the same moment. No colon: some file systems take none. */
export function stemOf(startedAt: number, talkgroup: string, count: number): string {
  const time = new Date(startedAt).toISOString().slice(11, 23).replaceAll(":", "");
  // Whoever named it in the store by hand names no other folder.
  return `${time}-${talkgroup.replaceAll(/[^A-Za-z0-9._-]/g, "_")}${count === 1 ? "" : `${mark}${count}`}`;
}

export const nameOf = (stem: string, end: BurstEnd): string =>
  `${stem}${end === "complete" ? "" : `${mark}${end}`}${suffix}`;

/** Every name that a recording may have on its way. */
export const namesOf = (stem: string): readonly string[] => [
  `${stem}${partSuffix}`,
  ...(["complete", ...cuts] as const).map((end) => nameOf(stem, end)),
];

/** Undefined for a file that is no recording, or not a finished one. */
export function endIn(name: string): BurstEnd | undefined {
  if (!name.endsWith(suffix)) return undefined;
  const stem = name.slice(0, -suffix.length);
  return cuts.find((end) => stem.endsWith(`${mark}${end}`)) ?? "complete";
}
