/** What the main thread and the thread of the disk say to each other. Plain values. */

/**
 * How a burst ended. complete: by its talker. Everything else is cut. revoked: the floor was taken away. lost: its talker fell silent,
 * or something of it could not be kept. crash: the gateway ended before the burst did.
 */
export type BurstEnd = "complete" | "revoked" | "lost" | "crash";

/** What was said in one burst since the last piece of it. */
export interface Piece {
  /** Unique for the life of the gateway. */
  readonly burst: number;
  readonly talkgroup: string;
  /** "sip:alice@example.org" */
  readonly talker: string;
  /** Unix ms. */
  readonly startedAt: number;
  /** media/packed-speech.ts. */
  readonly speech: Uint8Array;
  /** Packets that found no room on their way here. */
  readonly dropped: number;
  /** With the last piece. */
  readonly end?: BurstEnd;
}

/** A burst in the log. */
export interface Entry {
  readonly id: number;
  readonly talkgroup: string;
  readonly talker: string;
  /** Unix ms. */
  readonly startedAt: number;
  readonly lengthMs: number;
  readonly end: BurstEnd;
  /** Absolute path of its Ogg Opus file. */
  readonly file: string;
  readonly bytes: number;
}

/** Which bursts: those for which all that is given holds. */
export interface Selection {
  readonly talkgroups?: readonly string[] | undefined;
  /** "sip:alice@example.org" */
  readonly talker?: string | undefined;
  /** Unix ms; they began then or later, and before. */
  readonly from?: number | undefined;
  readonly before?: number | undefined;
}

export type Question =
  /** The latest of them, the latest first. */
  | { readonly ask: "list"; readonly selection: Selection; readonly most: number }
  | { readonly ask: "find"; readonly id: number }
  /** What was said in a burst; of a long one the last `mostMs`. */
  | { readonly ask: "speech"; readonly id: number; readonly mostMs: number };

export interface Answer {
  readonly entries: readonly Entry[];
  /** media/packed-speech.ts; where it was asked for and can be read. */
  readonly speech?: Uint8Array;
  /** Why nothing can be said. */
  readonly trouble?: string;
}

/** What came of a batch of pieces. */
export interface Outcome {
  /** Why not all of it is kept. */
  readonly trouble?: string;
  /** Bursts that are in the log since the last outcome. */
  readonly recorded: number;
  /** Packets that are in no recording, since the last outcome. */
  readonly dropped: number;
  /** Of all recordings, and on the disk, now. */
  readonly heldBytes: number;
  readonly freeBytes: number;
  /** What was found when the log was opened; once. */
  readonly found?: Found;
}

export interface Found {
  /** Recordings that a crash had cut. */
  readonly mended: number;
  /** Recordings that the index did not have, and entries whose recordings are gone. */
  readonly adopted: number;
  readonly missing: number;
  /** Files that the disk does not give. */
  readonly unreadable: number;
}

/** Where recordings are, and what may become of them. */
export interface LogLimits {
  readonly folder: string;
  /** Older ones go. */
  readonly mostAgeMs: number;
  /** The oldest go where all of them take more, or where less than `leastFree` is left on the disk. */
  readonly mostBytes: number;
  readonly leastFreeBytes: number;
}

export type ToDisk =
  | { readonly type: "write"; readonly pieces: readonly Piece[] }
  | { readonly type: "ask"; readonly number: number; readonly question: Question }
  | { readonly type: "close" };

export type FromDisk =
  | { readonly type: "written"; readonly outcome: Outcome }
  | { readonly type: "answer"; readonly number: number; readonly answer: Answer };
