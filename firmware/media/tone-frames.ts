/**
 * The tones of a panel for those who hear them on a phone: as frames of 20 ms in the phone's codec, made once for everybody.
 */
import { sampleRate } from "../../hal/audio/port.ts";
import type { Opus } from "../../hal/opus/port.ts";
import { type CodecName, openEncoder } from "./codec.ts";
import { resampler } from "./resample.ts";
import { rtpHeaderLength } from "./rtp.ts";
import { samplesOf, type ToneName } from "./tones.ts";

/** Payloads of 20 ms with 12 bytes of room before each, for the header of whoever sends it. */
export type ToneFrames = readonly Uint8Array[];

export interface ToneBook {
  frames(codec: CodecName, tone: ToneName): Promise<ToneFrames>;
}

const bitrate = 24_000;
const wholeFrame = sampleRate / 50;

/** Each tone is made when it is first asked for, and kept. */
export function toneBook(opus: Opus): ToneBook {
  const made = new Map<string, Promise<ToneFrames>>();
  return {
    frames(codec, tone) {
      const name = `${codec} ${tone}`;
      const frames = made.get(name) ?? makeFrames(opus, codec, samplesOf(tone));
      made.set(name, frames);
      return frames;
    },
  };
}

async function makeFrames(opus: Opus, codec: CodecName, tone: Int16Array): Promise<ToneFrames> {
  const encoder = await openEncoder(opus, codec, bitrate);
  const slower = resampler(sampleRate, encoder.rate);
  const frame = new Int16Array(wholeFrame);
  const converted = new Int16Array(wholeFrame);
  const frames: Uint8Array[] = [];
  // The frame behind the tone holds what the filter and the codec have delayed of it.
  for (let start = 0; start < tone.length + wholeFrame; start += wholeFrame) {
    frame.fill(0);
    frame.set(tone.subarray(start, start + wholeFrame));
    const payload = encoder.encode(slower ? converted.subarray(0, slower(frame, wholeFrame, converted)) : frame);
    const packet = new Uint8Array(rtpHeaderLength + payload.length);
    packet.set(payload, rtpHeaderLength);
    frames.push(packet);
  }
  encoder.close();
  return frames;
}
