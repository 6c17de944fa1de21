/**
 * Several lines, one pair of ears: the talkgroup is always heard as loud as it comes; a private call is heard beside it, and behind it
 * while the talkgroup talks, and so is each further talkgroup, behind whatever has precedence. Two voices of one level mask each other,
 * and of the two the talkgroup's may be a warning to everybody, which nobody repeats; who calls privately can be asked to say it again.
 */
import { frameSamples } from "../../hal/audio/port.ts";
import { mixInto } from "../media/tones.ts";

/** -12 dB. */
const ducked = 0.25;

/** A line as the ear knows it. Writes 960 samples, or silence; true when speech was written. */
type Fill = (frame: Int16Array) => boolean;

/** One frame of what all lines bring, the first of which has precedence over the next, and so on. The way down or up takes a frame, so that nothing clicks. */
export function listening(first: Fill, ...rest: readonly Fill[]): (frame: Int16Array) => void {
  const other = new Int16Array(frameSamples);
  const lines = rest.map((fill) => ({ fill, gain: 1 }));

  return (frame) => {
    let wanted = first(frame) ? ducked : 1;
    for (const line of lines) {
      const speaks = line.fill(other);
      if (speaks) {
        if (line.gain !== 1 || wanted !== 1) fade(other, line.gain, wanted);
        mixInto(frame, other);
      }
      line.gain = wanted;
      if (speaks) wanted = ducked;
    }
  };
}

function fade(frame: Int16Array, from: number, to: number): void {
  const step = (to - from) / frame.length;
  for (let index = 0; index < frame.length; index++) {
    frame[index] = (frame[index] ?? 0) * (from + step * (index + 1));
  }
}

/** Tells who talks on any of so many lines, on the first of them where several do; undefined when nobody does. */
export function talkers(count: number, tell: (party: string | undefined) => void) {
  const parties: (string | undefined)[] = Array.from({ length: count });
  let told: string | undefined;

  return parties.map((_, line) => (party: string | undefined): void => {
    parties[line] = party;
    const now = parties.find((each) => each !== undefined);
    if (now === told) return;
    told = now;
    tell(now);
  });
}
