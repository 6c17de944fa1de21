/**
 * What a loss of power left is put in order when a log is opened: what was being written is mended, what the index does not have is
 * taken in, and what it has and the disk has not is taken out. Files that are no recordings are left alone.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { BurstIndex } from "./burst-index.ts";
import { type Recording, readRecording } from "./ogg-reader.ts";
import type { BurstEnd, Entry, Found } from "./protocol.ts";
import { isDiskFault, mend } from "./recording-file.ts";
import { endIn, isDay, partSuffix } from "./recording-name.ts";

/** Names of a recording's tags (https://xiph.org/vorbis/doc/v-comment.html): players show them. */
export function tagsOf(burst: Pick<Entry, "talkgroup" | "talker" | "startedAt">): ReadonlyMap<string, string> {
  return new Map([
    ["ARTIST", burst.talker],
    ["ALBUM", burst.talkgroup],
    ["DATE", new Date(burst.startedAt).toISOString()],
  ]);
}

/** An hour at the most that Opus takes; what is larger is not ours. */
const largestRecording = 2 ** 28;

export function reconcile(folder: string, index: BurstIndex): Found {
  const known = index.files();
  const there = new Set<string>();
  const count = { mended: 0, adopted: 0, missing: 0, unreadable: 0 };

  for (const path of filesIn(folder)) {
    try {
      takeIn(path);
    } catch (error) {
      // One bad block is no reason to record no more.
      if (!isDiskFault(error)) throw error;
      count.unreadable += 1;
    }
  }
  for (const [path, id] of known) {
    if (there.has(path)) continue;
    index.remove(id);
    count.missing += 1;
  }
  return count;

  function takeIn(path: string): void {
    const isPart = path.endsWith(partSuffix);
    const end = endIn(path);
    if (!isPart && end === undefined) return;
    if (end !== undefined) there.add(path);
    if (known.has(path) || statSync(path).size > largestRecording) return;
    if (isPart) {
      const mended = mend(path, "crash");
      if (mended && take(mended.path, mended.recording, "crash")) count.mended += 1;
      return;
    }
    const recording = readRecording(readFileSync(path));
    if (recording && take(path, recording, end ?? "crash")) count.adopted += 1;
  }

  function take(file: string, { tags, samples, soundBytes: bytes }: Recording, end: BurstEnd): boolean {
    const [talker, talkgroup, date = ""] = ["ARTIST", "ALBUM", "DATE"].map((name) => tags.get(name));
    const startedAt = Date.parse(date);
    if (talker === undefined || talkgroup === undefined || Number.isNaN(startedAt)) return false;
    index.add({ talkgroup, talker, startedAt, lengthMs: samples / 48, end, file, bytes });
    there.add(file);
    return true;
  }
}

/** In the folders of days. */
function filesIn(folder: string): readonly string[] {
  const days = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory() && isDay(entry.name));
  return days.flatMap(({ name }) =>
    readdirSync(join(folder, name), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(folder, name, entry.name)),
  );
}
