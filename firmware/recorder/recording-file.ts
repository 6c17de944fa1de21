/**
 * One recording on the disk. While it is written it is a ".part", and on the disk after each `flush`; its name is given when it is
 * whole, so that a name never stands for half a recording. Whatever the disk complains of is thrown as it comes (isDiskFault).
 */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { isConcealing, samplesIn } from "../media/opus-packet.ts";
import type { SpeechPacket } from "../media/packed-speech.ts";
import { endingPage, type Recording, readRecording } from "./ogg-reader.ts";
import type { BurstEnd } from "./protocol.ts";
import { dayOf, nameOf, namesOf, partSuffix, stemOf } from "./recording-name.ts";

export interface RecordingFile {
  append(bytes: Uint8Array): void;
  flush(): void;
  /** It is whole; gives the path and the length of what is on the disk. */
  finish(end: BurstEnd): Finished;
  /** What can be kept of it is; undefined for nothing. After a fault of the disk. */
  abandon(): Finished | undefined;
}

export interface Finished {
  readonly path: string;
  readonly bytes: number;
  /** At 48 kHz, where that is not all that was appended. */
  readonly samples?: number;
}

/** Creates one, for its owner's eyes alone. */
export function createRecording(folder: string, startedAt: number, talkgroup: string): RecordingFile {
  const day = join(folder, dayOf(startedAt));
  if (mkdirSync(day, { recursive: true, mode: 0o700 }) !== undefined) syncFolder(folder);
  const part = join(day, `${freeStem(day, startedAt, talkgroup)}${partSuffix}`);
  const handle = openSync(part, "wx", 0o600);
  let bytes = 0;
  let isOpen = true;
  syncFolder(day);

  function close(): void {
    if (isOpen) closeSync(handle);
    isOpen = false;
  }

  return {
    append(data) {
      for (let at = 0; at < data.length; ) at += writeSync(handle, data, at);
      bytes += data.length;
    },
    flush: () => fdatasyncSync(handle),
    finish(end) {
      fsyncSync(handle);
      close();
      return { path: named(part, end), bytes };
    },
    abandon() {
      close();
      const mended = mend(part, "lost");
      if (!mended) return undefined;
      const { soundBytes, samples } = mended.recording;
      return { path: mended.path, bytes: soundBytes, samples };
    },
  };
}

/** The first stem that no file has: a board without a battery-backed clock may live through the same moment again. */
function freeStem(day: string, startedAt: number, talkgroup: string): string {
  for (let count = 1; ; count++) {
    const stem = stemOf(startedAt, talkgroup, count);
    if (!namesOf(stem).some((name) => existsSync(join(day, name)))) return stem;
  }
}

/**
 * What a crash left: its last whole page becomes the end of its stream, and it is named as what it is. Undefined, and the file removed,
 * where nothing can be heard of it.
 */
export function mend(
  part: string,
  end: BurstEnd,
): { readonly path: string; readonly recording: Recording } | undefined {
  const recording = readRecording(readFileSync(part));
  if (!recording) {
    rmSync(part);
    return undefined;
  }
  const handle = openSync(part, "r+");
  try {
    ftruncateSync(handle, recording.soundBytes);
    writeSync(handle, endingPage(recording), 0, undefined, recording.lastPageAt);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  return { path: named(part, end), recording };
}

/** What was said in a recording, without what stands for lost packets; of a long one the last `mostMs`, and the first packet at 0. */
export function readSpeech(path: string, mostMs: number): readonly SpeechPacket[] {
  const recording = readRecording(readFileSync(path));
  const first = Math.max(0, (recording?.samples ?? 0) - mostMs * 48);
  let position = 0;
  const speech = (recording?.packets ?? []).map((payload) => {
    const at = position;
    position += samplesIn(payload);
    return { position: at - first, payload };
  });
  return speech.filter(({ position, payload }) => position >= 0 && !isConcealing(payload));
}

function named(part: string, end: BurstEnd): string {
  const path = join(dirname(part), nameOf(basename(part, partSuffix), end));
  renameSync(part, path);
  syncFolder(dirname(path));
  return path;
}

/** A name that is not on the disk with its folder is lost with the power. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** The system's complaint: a disk that is full, broken or gone, a permission. Anything else is a bug. */
export function isDiskFault(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "code" in error;
}
