/**
 * One mix on its way to those who hear it: limited, brought to their codec's rate and encoded once, however many they are. Silence
 * costs nothing; the first frame behind it is the first of a burst. It does not know who speaks in it.
 */
import { frameSamples, sampleRate } from "../../hal/audio/port.ts";
import type { Opus } from "../../hal/opus/port.ts";
import { type CodecName, clockRates, openEncoder, type SpeechEncoder, sampleRates } from "../media/codec.ts";
import { limiter } from "../media/limiter.ts";
import { resampler } from "../media/resample.ts";
import { rtpHeaderLength } from "../media/rtp.ts";
import type { FanOut } from "./fan-out.ts";

export interface MixLane {
  /** The next 20 ms at 48 kHz; undefined where nobody sounds. True while something is left to be said. */
  send(sum: Int32Array | undefined): boolean;
  close(): void;
}

const bitrate = 24_000;
const longestPayload = 1275;
/** What the filters and the codec hold back of the last frame comes out with the next: 10 ms in all. */
const tailFrames = 1;
const silence = new Int32Array(frameSamples);

export function openMixLane(opus: Opus, codec: CodecName, out: Pick<FanOut, "begin" | "send">): MixLane {
  const limit = limiter();
  const slower = resampler(sampleRate, sampleRates[codec]);
  const frame = new Int16Array(frameSamples);
  const slow = new Int16Array(sampleRates[codec] / 50);
  const packet = new Uint8Array(rtpHeaderLength + longestPayload);
  const numbers = { sequence: 0, timestamp: 0, marker: false };
  let encoder: SpeechEncoder | undefined;
  let closed = false;
  let sounding = false;
  let tail = 0;

  void openEncoder(opus, codec, bitrate).then((opened) => {
    if (closed) return opened.close();
    encoder = opened;
  });

  function encode(sum: Int32Array, into: SpeechEncoder): void {
    limit(sum, frame);
    slower?.(frame, frameSamples, slow);
    const payload = into.encode(slower ? slow : frame);
    packet.set(payload, rtpHeaderLength);
    if (!sounding) {
      out.begin();
      sounding = true;
      numbers.marker = true;
    }
    out.send(packet.subarray(0, rtpHeaderLength + payload.length), numbers);
    numbers.sequence = (numbers.sequence + 1) & 0xffff;
    numbers.marker = false;
  }

  return {
    send(sum) {
      numbers.timestamp = (numbers.timestamp + clockRates[codec] / 50) >>> 0;
      if (sum) tail = tailFrames;
      else if (tail === 0) sounding = false;
      else tail--;
      if (encoder && (sum || sounding)) encode(sum ?? silence, encoder);
      return sum !== undefined || sounding;
    },
    close() {
      closed = true;
      encoder?.close();
      encoder = undefined;
    },
  };
}
