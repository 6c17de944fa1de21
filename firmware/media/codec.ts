/**
 * The voice codecs of a leg, as frames of 20 ms on either side. Opening is asynchronous, everything else is a plain call.
 * A bad payload throws nothing: it counts as lost, because to a listener it is.
 */
import { type Opus, OpusError } from "../../hal/opus/port.ts";
import { concealer } from "./concealment.ts";
import { alaw, type Law, ulaw } from "./g711.ts";
import { idleG722Decoder, idleG722Encoder } from "./g722.ts";

export type CodecName = "opus" | "G722" | "PCMU" | "PCMA";

/** All of them, the best first. */
export const codecNames: readonly CodecName[] = ["opus", "G722", "PCMU", "PCMA"];

/** Ticks of the RTP clock a second (RFC 7587 §4.1, RFC 3551 §4.5.14). That of G.722 is not its sample rate (RFC 3551 §4.5.2). */
export const clockRates: Readonly<Record<CodecName, number>> = { opus: 48_000, G722: 8_000, PCMU: 8_000, PCMA: 8_000 };
/** Samples a second that the codec works at here. */
export const sampleRates: Readonly<Record<CodecName, number>> = { ...clockRates, G722: 16_000 };
/** Samples of 120 ms, the longest packet, at 48 kHz. */
export const largestPacketSamples = 5760;

export interface SpeechDecoder {
  readonly rate: number;
  /** Decodes a payload into `into`, which holds 120 ms; returns the samples written, 0 when the payload is bad. */
  decode(payload: Uint8Array, into: Int16Array): number;
  /** Writes 20 ms in place of a lost packet, out of the payload behind it where that is known. Returns the samples written. */
  conceal(into: Int16Array, next?: Uint8Array): number;
  close(): void;
}

export interface SpeechEncoder {
  readonly rate: number;
  /** Encodes 20 ms. The payload belongs to the encoder until its next call. */
  encode(frame: Int16Array): Uint8Array;
  close(): void;
}

const lawOf = (codec: "PCMU" | "PCMA"): Law => (codec === "PCMU" ? ulaw : alaw);

export async function openDecoder(opus: Opus, codec: CodecName): Promise<SpeechDecoder> {
  if (codec === "opus") return openOpusDecoder(opus);
  return waveformDecoder(
    sampleRates[codec],
    codec === "G722" ? { ...idleG722Decoder(), samplesAByte: 2 } : { ...lawOf(codec), samplesAByte: 1 },
  );
}

/** `bitrate` in bit/s and `expectedLoss` in percent, for which packets hold what was in those before, concern Opus alone. */
export async function openEncoder(
  opus: Opus,
  codec: CodecName,
  bitrate: number,
  expectedLoss = 0,
): Promise<SpeechEncoder> {
  if (codec !== "opus") return waveformEncoder(sampleRates[codec], codec === "G722" ? idleG722Encoder() : lawOf(codec));
  const encoder = await opus.encoder({ bitrate });
  encoder.setLoss(expectedLoss);
  return { rate: sampleRates.opus, encode: (frame) => encoder.encode(frame), close: () => encoder.close() };
}

async function openOpusDecoder(opus: Opus): Promise<SpeechDecoder> {
  const decoder = await opus.decoder();
  const rate = sampleRates.opus;
  const frame = rate / 50;

  /** Runs `attempt`; false when libopus refuses the packet. */
  function accepted(attempt: () => void): boolean {
    try {
      attempt();
      return true;
    } catch (error) {
      if (error instanceof OpusError) return false;
      throw error;
    }
  }

  return {
    rate,
    decode(payload, into) {
      try {
        return decoder.decode(payload, into);
      } catch (error) {
        if (error instanceof OpusError) return 0;
        throw error;
      }
    },
    conceal(into, next) {
      if (!next || !accepted(() => decoder.recover(next, into))) decoder.conceal(into);
      return frame;
    },
    close: () => decoder.close(),
  };
}

/** A codec of 64 kbit/s that has no concealment of its own. */
function waveformDecoder(rate: number, coding: Pick<Law, "decode"> & { readonly samplesAByte: number }): SpeechDecoder {
  const frame = rate / 50;
  const longest = (largestPacketSamples * rate) / sampleRates.opus;
  const concealment = concealer(rate);
  return {
    rate,
    decode(payload, into) {
      const samples = payload.length * coding.samplesAByte;
      if (samples === 0 || samples > longest) return 0;
      coding.decode(payload, into);
      concealment.heard(into, samples);
      return samples;
    },
    conceal(into) {
      concealment.conceal(into, frame);
      return frame;
    },
    close() {},
  };
}

/** 160 bytes are 20 ms, whatever the sample rate. */
const frameBytes = 160;

function waveformEncoder(rate: number, coding: Pick<Law, "encode">): SpeechEncoder {
  const payload = new Uint8Array(frameBytes);
  return {
    rate,
    encode(frame) {
      coding.encode(frame, payload);
      return payload;
    },
    close() {},
  };
}
