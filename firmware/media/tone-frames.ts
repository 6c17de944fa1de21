/**
 * The tones of a panel for those who hear them on a phone: as frames of 20 ms in the phone's codec, made once for everybody.
 */
import { sampleRate } from "../../hal/audio/port.ts";
import type { Opus } from "../../hal/opus/port.ts";
import { type CodecName, openEncoder, sampleRates } from "./codec.ts";
import { resampler } from "./resample.ts";
import { rtpHeaderLength } from "./rtp.ts";
import { samplesOf, type ToneName } from "./tones.ts";

/** Payloads of 20 ms with 12 bytes of room before each, for the header of whoever sends it. */
export type ToneFrames = readonly Uint8Array[];

export interface ToneBook {
  frames(codec: CodecName, tone: ToneName): Promise<ToneFrames>;
  /** All of a tone at the sample rate of the codec, as late as its frames have it. */
  samples(codec: CodecName, tone: ToneName): Int16Array;
}

const bitrate = 24_000;
const wholeFrame = sampleRate / 50;

/** Each tone is made when it is first asked for, and kept. */
export function toneBook(opus: Opus): ToneBook {
  const made = new Map<string, Promise<ToneFrames>>();
  const resampled = new Map<string, Int16Array>();
  return {
    frames(codec, tone) {
      const name = `${codec} ${tone}`;
      const frames = made.get(name) ?? makeFrames(opus, codec, samplesOf(tone));
      made.set(name, frames);
      return frames;
    },
    samples(codec, tone) {
      const name = `${sampleRates[codec]} ${tone}`;
      const samples = resampled.get(name) ?? atRate(sampleRates[codec], samplesOf(tone));
      resampled.set(name, samples);
      return samples;
    },
  };
}

/** Whole frames, and one behind them for what the filter has delayed. */
function* framesOf(tone: Int16Array): Generator<Int16Array> {
  const frame = new Int16Array(wholeFrame);
  for (let start = 0; start < tone.length + wholeFrame; start += wholeFrame) {
    frame.fill(0);
    frame.set(tone.subarray(start, start + wholeFrame));
    yield frame;
  }
}

function atRate(rate: number, tone: Int16Array): Int16Array {
  const slower = resampler(sampleRate, rate);
  if (!slower) return tone;
  const samples = rate / 50;
  const out = new Int16Array((Math.ceil(tone.length / wholeFrame) + 1) * samples);
  let at = 0;
  for (const frame of framesOf(tone)) {
    slower(frame, wholeFrame, out.subarray(at));
    at += samples;
  }
  return out;
}

async function makeFrames(opus: Opus, codec: CodecName, tone: Int16Array): Promise<ToneFrames> {
  const encoder = await openEncoder(opus, codec, bitrate);
  const slower = resampler(sampleRate, encoder.rate);
  const converted = new Int16Array(wholeFrame);
  const frames: Uint8Array[] = [];
  // The frame behind the tone holds what the filter and the codec have delayed of it.
  for (const frame of framesOf(tone)) {
    const payload = encoder.encode(slower ? converted.subarray(0, slower(frame, wholeFrame, converted)) : frame);
    const packet = new Uint8Array(rtpHeaderLength + payload.length);
    packet.set(payload, rtpHeaderLength);
    frames.push(packet);
  }
  encoder.close();
  return frames;
}
