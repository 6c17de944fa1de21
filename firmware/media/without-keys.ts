/**
 * What the voice of a telephone is numbered when its keys are taken out: many send a key's packets (RFC 4733) between those of the
 * voice, in one sequence. Who hears the voice alone would take each for a loss, and make it up: speech twice as long, and late.
 */
import { sequenceDistance } from "./rtp.ts";

export interface WithoutKeys {
  /** A packet that is not passed on. */
  key(sequence: number): void;
  /** The number that a packet of voice is passed on with. */
  voice(sequence: number): number;
}

/** A packet that lags further belongs to a source that started afresh. */
const largestLag = 100;

export function withoutKeys(): WithoutKeys {
  let taken = 0;
  let lastKey: number | undefined;
  let lastVoice: number | undefined;

  /** Less than nothing, and not by much. */
  const isBehind = (sequence: number, other: number | undefined): boolean => {
    const distance = other === undefined ? 0 : sequenceDistance(other, sequence);
    return distance < 0 && distance > -largestLag;
  };

  return {
    key(sequence) {
      // Where voice has overtaken it, the gap has been passed on; and a copy leaves none.
      if (isBehind(sequence, lastVoice) || isBehind(sequence, lastKey) || sequence === lastKey) return;
      lastKey = sequence;
      taken += 1;
    },
    voice(sequence) {
      if (!isBehind(sequence, lastVoice)) lastVoice = sequence;
      // Overtaken by a key: that is not before it.
      const before = isBehind(sequence, lastKey) ? taken - 1 : taken;
      return (sequence - before) & 0xffff;
    },
  };
}
