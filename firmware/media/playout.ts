/**
 * From the RTP packets of one leg to frames for a loudspeaker: order, decoding, and the hiding of what is missing. Silence becomes
 * speech within 2 ms and speech becomes silence within 100, never by a step. It does not know who talks or whether they may.
 */
import { frameSamples } from "../../hal/audio/port.ts";
import type { Opus } from "../../hal/opus/port.ts";
import {
  type CodecName,
  clockRates,
  largestPacketSamples,
  openDecoder,
  type SpeechDecoder,
  sampleRates,
} from "./codec.ts";
import { type JitterCounters, jitterBuffer } from "./jitter-buffer.ts";
import { pace } from "./pace.ts";
import { upsampler } from "./resample.ts";
import { readRtp, rtpView } from "./rtp.ts";

export interface Playout {
  readonly counters: Readonly<JitterCounters>;
  /** Which payload types stand for which codec from now on; packets of others are refused, and of codecs that were not opened. */
  expect(payloadTypes: ReadonlyMap<number, CodecName>): void;
  /** Takes an RTP packet that arrived at `arrivalMs`, monotonic; false when it is no voice of this leg. The packet is copied. */
  receive(packet: Uint8Array, arrivalMs: number): boolean;
  /** Writes 960 samples at 48 kHz, silence where there is nothing else. `nowMs`: when it is called, on the clock of the arrivals. True when speech was written. */
  fill(frame: Int16Array, nowMs: number): boolean;
  close(): void;
}

/** As this gateway offers them. */
const usual: ReadonlyMap<number, CodecName> = new Map([
  [111, "opus"],
  [9, "G722"],
  [0, "PCMU"],
  [8, "PCMA"],
]);

/** Gain a sample: from silence to speech in 2 ms, so that a first word keeps its attack; from made-up sound to none in 80 ms. */
const rise = 1 / 96;
const fall = 1 / 3840;
/** A loss is made up at full level for one frame, and for no longer than this in all, ms. */
const longestConcealmentMs = 100;
const frameMs = 20;
const samplesPerMs = frameSamples / frameMs;

/** Opens the codecs that `payloadTypes` name. */
export async function openPlayout(ports: {
  readonly opus: Opus;
  readonly payloadTypes?: ReadonlyMap<number, CodecName>;
}): Promise<Playout> {
  let payloadTypes = ports.payloadTypes ?? usual;
  const decoders = new Map<CodecName, SpeechDecoder>();
  for (const name of new Set(payloadTypes.values())) decoders.set(name, await openDecoder(ports.opus, name));
  const buffer = jitterBuffer(clockRates.opus);
  const time = pace(buffer);
  let upsample = upsampler();
  const view = rtpView();
  const narrow = new Int16Array(largestPacketSamples / 3);
  /** Decoded and not yet played: from `position` to `length`. */
  const speech = new Int16Array(largestPacketSamples);
  let position = 0;
  let length = 0;
  let codec: CodecName = "opus";
  let source: number | undefined;
  let gain = 0;
  /** ms made up since the last packet. */
  let concealedMs = longestConcealmentMs;
  /** ms of lost packets that are still to be made up; negative when too much was. */
  let missingMs = 0;

  /** Ramps the first `samples` of `speech` towards full level or silence. */
  function shape(samples: number, step: number): void {
    if (gain === 1 && step >= 0) return;
    for (let index = 0; index < samples; index++) {
      gain = Math.min(1, Math.max(0, gain + step));
      speech[index] = (speech[index] ?? 0) * gain;
    }
  }

  /** Brings what a decoder wrote to 48 kHz, into `speech`. */
  function widen(samples: number): number {
    return codec === "opus" ? samples : upsample(narrow, samples, speech);
  }
  const target = (): Int16Array => (codec === "opus" ? speech : narrow);

  function play(samples: number): void {
    position = 0;
    length = samples;
  }

  function conceal(next: Uint8Array | undefined): boolean {
    if (concealedMs >= longestConcealmentMs && !next) return false;
    const samples = widen(decoders.get(codec)?.conceal(target(), next) ?? 0);
    // What the next packet tells of the lost one is as good as received.
    shape(samples, next ? rise : concealedMs === 0 ? 0 : -fall);
    concealedMs += frameMs;
    play(samples);
    return true;
  }

  function silence(): void {
    gain = 0;
    speech.fill(0, 0, frameSamples);
    play(frameSamples);
  }

  function decode(payload: Uint8Array): boolean {
    const decoded = decoders.get(codec)?.decode(payload, target()) ?? 0;
    if (decoded === 0) return conceal(undefined);
    concealedMs = 0;
    missingMs = 0;
    const samples = widen(decoded);
    shape(samples, rise);
    play(time.adjust(speech, samples));
    return true;
  }

  /** Gets more speech for a frame of which so many samples are written, false when there is none to be had now. */
  function more(nowMs: number, written: number): boolean {
    if (missingMs <= 0) {
      switch (buffer.take(nowMs, written / samplesPerMs)) {
        case "packet":
          return decode(buffer.payload());
        case "empty":
          return conceal(undefined);
        case "lost":
          missingMs += buffer.lostMs();
          // Packets shorter than a frame: the last frame made up has covered this one.
          if (missingMs <= 0) return more(nowMs, written);
      }
    }
    missingMs -= frameMs;
    if (!conceal(missingMs <= 0 ? buffer.following() : undefined)) silence();
    return true;
  }

  function listenTo(ssrc: number, name: CodecName): void {
    if (ssrc === source && name === codec) return;
    source = ssrc;
    if (sampleRates[name] !== sampleRates[codec])
      upsample = sampleRates[name] === 16_000 ? upsampler(16_000) : upsampler();
    codec = name;
    buffer.reset(clockRates[name], name === "opus");
  }

  return {
    counters: buffer.counters,
    expect(types) {
      payloadTypes = types;
    },
    receive(packet, arrivalMs) {
      if (!readRtp(packet, view)) return false;
      const name = payloadTypes.get(view.payloadType);
      if (!name || !decoders.has(name) || view.payloadLength === 0) return false;
      listenTo(view.ssrc, name);
      const payload = packet.subarray(view.payloadOffset, view.payloadOffset + view.payloadLength);
      buffer.insert(view.sequence, view.timestamp, view.marker, payload, arrivalMs);
      return true;
    },
    fill(frame, nowMs) {
      let written = 0;
      while (written < frameSamples) {
        if (position === length && !more(nowMs, written)) break;
        const count = Math.min(length - position, frameSamples - written);
        frame.set(speech.subarray(position, position + count), written);
        position += count;
        written += count;
      }
      frame.fill(0, written);
      return written > 0;
    },
    close() {
      for (const decoder of decoders.values()) decoder.close();
    },
  };
}
