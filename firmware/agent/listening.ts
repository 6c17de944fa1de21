/**
 * Two lines, one pair of ears: the talkgroup is always heard as loud as it comes; a private call is heard beside it, and behind it while
 * the talkgroup talks. Two voices of one level mask each other, and of the two the talkgroup's may be a warning to everybody, which
 * nobody repeats; who calls privately can be asked to say it again.
 */
import { frameSamples } from "../../hal/audio/port.ts";
import { mixInto } from "../media/tones.ts";

/** -12 dB. */
const ducked = 0.25;

/** A line as the ear knows it. Writes 960 samples, or silence; true when speech was written. */
type Fill = (frame: Int16Array) => boolean;

/** One frame of what both lines bring. The way down or up takes a frame, so that nothing clicks. */
export function listening(talkgroup: Fill, direct: Fill): (frame: Int16Array) => void {
  const other = new Int16Array(frameSamples);
  let gain = 1;

  return (frame) => {
    const wanted = talkgroup(frame) ? ducked : 1;
    if (direct(other)) {
      if (gain !== 1 || wanted !== 1) fade(other, gain, wanted);
      mixInto(frame, other);
    }
    gain = wanted;
  };
}

function fade(frame: Int16Array, from: number, to: number): void {
  const step = (to - from) / frame.length;
  for (let index = 0; index < frame.length; index++) {
    frame[index] = (frame[index] ?? 0) * (from + step * (index + 1));
  }
}

/** Tells who talks on either line, the talkgroup's talker first; undefined when nobody does. */
export function talkers(tell: (party: string | undefined) => void) {
  const parties: { talkgroup?: string | undefined; direct?: string | undefined } = {};
  let told: string | undefined;

  function retell(): void {
    const party = parties.talkgroup ?? parties.direct;
    if (party === told) return;
    told = party;
    tell(party);
  }

  return {
    talkgroup(party: string | undefined): void {
      parties.talkgroup = party;
      retell();
    },
    direct(party: string | undefined): void {
      parties.direct = party;
      retell();
    },
  };
}
