/** A voice in every codec, and what is heard of it. */
import { type CodecName, clockRates, openDecoder, openEncoder, sampleRates } from "../../../firmware/media/codec.ts";
import { resampler } from "../../../firmware/media/resample.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import type { HeardPacket, Terminal } from "../../support/terminal.ts";
import { voice } from "../media/signals.ts";

const opus = await loadOpus();
/** Of 20 ms each. */
export const frames = 60;
const wide = voice(48_000, frames * 960);

/** At the codec's sample rate. */
function at(rate: number): Int16Array {
  const convert = resampler(48_000, rate);
  const samples = rate / 50;
  const said = new Int16Array(frames * samples);
  for (let frame = 0; frame < frames; frame++)
    convert?.(wide.subarray(frame * 960), 960, said.subarray(frame * samples));
  return convert ? said : wide;
}
const saidAt: ReadonlyMap<number, Int16Array> = new Map([8_000, 16_000, 48_000].map((rate) => [rate, at(rate)]));

export const saidIn = (codec: CodecName): Int16Array => saidAt.get(sampleRates[codec]) ?? wide;

export async function speech(codec: CodecName): Promise<Uint8Array[]> {
  const encoder = await openEncoder(opus, codec, 24_000);
  const samples = sampleRates[codec] / 50;
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
  const sound = new Int16Array(200 * sampleRates[terminal.codec()]);
  const first = packets[0]?.timestamp ?? 0;
  const samplesATick = sampleRates[terminal.codec()] / clockRates[terminal.codec()];
  let end = 0;
  for (const { payload, timestamp } of packets) {
    const samples = decoder.decode(payload, into);
    const start = ((timestamp - first) >>> 0) * samplesATick;
    sound.set(into.subarray(0, samples), start);
    end = start + samples;
  }
  decoder.close();
  return sound.subarray(0, end);
}
