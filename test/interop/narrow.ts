import { downsampler, upsampler } from "../../firmware/media/resample.ts";

/** What is left of speech at 8 kHz: all that G.711 carries. */
export function narrow(samples: Int16Array): Int16Array {
  const down = downsampler();
  const up = upsampler();
  const at8kHz = new Int16Array(160);
  const result = new Int16Array(samples.length);
  for (let at = 0; at + 960 <= samples.length; at += 960)
    up(at8kHz, down(samples.subarray(at, at + 960), 960, at8kHz), result.subarray(at, at + 960));
  return result;
}
