/**
 * Whether a packet holds speech, told at a fraction of what it costs to decode Opus: of many who could talk and do not, none is to be
 * decoded. SILK says so itself (RFC 6716 §4.2.3); of what CELT carries nobody says, and it counts as speech. The others are decoded
 * and listened to.
 */
import { type CodecName, clockRates, largestPacketSamples, sampleRates } from "./codec.ts";
import { alaw, ulaw } from "./g711.ts";
import { g722Decoder } from "./g722.ts";
import { voiceActivity } from "./voice-activity.ts";

export interface SpeechDetector {
  /** In the order of arrival; what is lost is not told of. */
  hear(payload: Uint8Array): boolean;
}

/** Above the noise, dB. */
const threshold = 9;

/** The VAD flag of the first frame (RFC 6716 §3.1, §3.2, §4.2.3). */
export function opusSpeech(payload: Uint8Array): boolean {
  const toc = payload[0] ?? 0;
  if (toc >> 7) return true;
  const frame = opusFrameStart(payload);
  // No bytes: discontinuous transmission.
  return frame < payload.length && (payload[frame] ?? 0) >> 7 === 1;
}

/** Where the first frame begins: after the table of contents, and after what a packet of several says of their lengths. */
function opusFrameStart(payload: Uint8Array): number {
  const lengthBytes = (at: number): number => ((payload[at] ?? 0) < 252 ? 1 : 2);
  switch ((payload[0] ?? 0) & 3) {
    case 0:
    case 1:
      return 1;
    case 2:
      return 1 + lengthBytes(1);
    default: {
      const count = payload[1] ?? 0;
      let at = 2;
      if (count & 0x40) while (payload[at++] === 255);
      if (count & 0x80) for (let frame = 1; frame < (count & 0x3f); frame++) at += lengthBytes(at);
      return at;
    }
  }
}

/** A single frame that is said to be speech is a crack in the noise. */
function opusDetector(): SpeechDetector {
  let before = false;
  return {
    hear(payload) {
      const now = opusSpeech(payload);
      const both = now && before;
      before = now;
      return both;
    },
  };
}

export function speechDetector(codec: CodecName): SpeechDetector {
  if (codec === "opus") return opusDetector();
  const rate = sampleRates[codec];
  const activity = voiceActivity(rate, threshold);
  const { decode } = codec === "G722" ? g722Decoder() : codec === "PCMU" ? ulaw : alaw;
  const samplesAByte = rate / clockRates[codec];
  const samples = new Int16Array((largestPacketSamples * rate) / sampleRates.opus);
  return {
    hear(payload) {
      const length = payload.length * samplesAByte;
      if (length > samples.length) return false;
      decode(payload, samples);
      return activity.hear(samples, length, false);
    },
  };
}
