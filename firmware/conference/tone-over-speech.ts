/** A tone over what a leg is sent meanwhile: the speech is decoded, turned down under the tone, and encoded again, for that leg alone. */
import type { Opus } from "../../hal/opus/port.ts";
import { type CodecName, largestPacketSamples, openDecoder, openEncoder } from "../media/codec.ts";
import { rtpHeaderLength } from "../media/rtp.ts";
import { mixInto } from "../media/tones.ts";

export interface ToneOverSpeech {
  /**
   * 20 ms of speech under the tone's frame of this number; `last`: it comes back to its own level. The packet that is returned has 12
   * bytes of room before its payload, and is reused. Undefined for what is not 20 ms of speech.
   */
  mix(payload: Uint8Array, frame: number, last: boolean): Uint8Array | undefined;
  close(): void;
}

const bitrate = 24_000;
const longestPayload = 1275;
/** -9 dB: the words are still understood, and the tone is not missed. */
const ducked = 0.35;

/** `tone`: at the sample rate of the codec. */
export async function openToneOverSpeech(opus: Opus, codec: CodecName, tone: Int16Array): Promise<ToneOverSpeech> {
  const decoder = await openDecoder(opus, codec);
  const encoder = await openEncoder(opus, codec, bitrate);
  const decoded = new Int16Array(largestPacketSamples);
  const samples = encoder.rate / 50;
  const frame = decoded.subarray(0, samples);
  const packet = new Uint8Array(rtpHeaderLength + longestPayload);
  let gain = 1;

  function duck(to: number): void {
    const step = (to - gain) / samples;
    for (let index = 0; index < samples; index++) frame[index] = (frame[index] ?? 0) * (gain + step * (index + 1));
    gain = to;
  }

  return {
    mix(payload, number, last) {
      if (decoder.decode(payload, decoded) !== samples) return undefined;
      duck(last ? 1 : ducked);
      if (number * samples < tone.length) mixInto(frame, tone, number * samples);
      const encoded = encoder.encode(frame);
      packet.set(encoded, rtpHeaderLength);
      return packet.subarray(0, rtpHeaderLength + encoded.length);
    },
    close() {
      decoder.close();
      encoder.close();
    },
  };
}
