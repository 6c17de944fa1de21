/** What the benchmarks ask of a server that hands one speaker's audio on to many: of ours, and of those of others. */

import { setTimeout as pause } from "node:timers/promises";
import type { LegCodec } from "../../../firmware/sip/negotiation.ts";
import type { Measured } from "./process.ts";

export interface Talk {
  /** Packets that the speaker sent; of several, each. */
  readonly sent: number;
  /** Packets of audio that came to all listeners together. Who speaks is none of them. */
  readonly heard: number;
}

export interface Contender {
  readonly process: Measured;
  /** Resolves when so many listen; they were fewer before. */
  listeners(count: number): Promise<void>;
  /** Who speaks does so for so long, 50 packets a second. Resolves when nothing more is to be expected of it. */
  talk(seconds: number): Promise<Talk>;
  /**
   * Somebody begins to speak who was silent. Resolves with the ms until the gateway's leave to talk is there or, of a server
   * that has none to give, until the first listener hears it; and ends what was begun.
   */
  begin(): Promise<number>;
  close(): Promise<void>;
}

export interface Opening {
  /** For its files. */
  readonly folder: string;
  /** That will ever be there, those who speak included. */
  readonly most: number;
  /** Of the listeners; who speaks does so in Opus. svxreflector has no other. */
  readonly codec?: LegCodec;
  /** Who speak, one where absent. Several speak at once and are mixed. */
  readonly speakers?: number;
}

const stillMs = 300;
const longestWaitMs = 5_000;

/** Resolves when nothing more comes: on a busy core what has arrived may not have been counted yet. */
export async function still(heard: () => number): Promise<void> {
  const from = performance.now();
  for (let before = -1; before !== heard() && performance.now() - from < longestWaitMs; ) {
    before = heard();
    await pause(stillMs);
  }
}
