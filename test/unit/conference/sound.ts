/** A voice in every codec, and what is heard of it. */
import { type CodecName, clockRates, openDecoder, openEncoder } from "../../../firmware/media/codec.ts";
import { downsampler } from "../../../firmware/media/resample.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import type { HeardPacket, Terminal } from "../../support/terminal.ts";
import { voice } from "../media/signals.ts";

const opus = await loadOpus();
/** Of 20 ms each. */
export const frames = 60;
const wide = voice(48_000, frames * 960);
const narrow = new Int16Array(frames * 160);
for (let at = 0, low = downsampler(); at < frames; at++) low(wide.subarray(at * 960), 960, narrow.subarray(at * 160));

export const saidIn = (codec: CodecName): Int16Array => (codec === "opus" ? wide : narrow);

export async function speech(codec: CodecName): Promise<Uint8Array[]> {
  const encoder = await openEncoder(opus, codec, 24_000);
  const samples = clockRates[codec] / 50;
  const packets = Array.from({ length: frames }, (_, index) =>
    encoder.encode(saidIn(codec).subarray(index * samples, (index + 1) * samples)).slice(),
  );
  encoder.close();
  return packets;
}

/** What a terminal hears of its packets, laid out by their timestamps; from `packets` on, if not all. */
export async function heardBy(
  terminal: Terminal,
  packets: readonly HeardPacket[] = terminal.heard,
): Promise<Int16Array> {
  const decoder = await openDecoder(opus, terminal.codec());
  const into = new Int16Array(5760);
  const sound = new Int16Array(200 * clockRates[terminal.codec()]);
  const first = packets[0]?.timestamp ?? 0;
  let end = 0;
  for (const { payload, timestamp } of packets) {
    const samples = decoder.decode(payload, into);
    const start = (timestamp - first) >>> 0;
    sound.set(into.subarray(0, samples), start);
    end = start + samples;
  }
  decoder.close();
  return sound.subarray(0, end);
}
