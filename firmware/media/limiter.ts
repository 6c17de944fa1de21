/**
 * Brings a sum of voices back to 16 bits: turned down as far as its peaks need, within a millisecond, and up again over a second.
 * Nothing wraps around; what a rise within that millisecond leaves over is clipped.
 */

/** Writes as many samples as `sum` has. */
export type Limiter = (sum: Int32Array, into: Int16Array) => void;

/** -0.4 dBFS. */
const ceiling = 31_300;
/** At 48 kHz. */
const attackSamples = 48;
/** What is gained back in a frame. */
const release = 0.02;

function peakOf(sum: Int32Array): number {
  let peak = 0;
  for (let index = 0; index < sum.length; index++) peak = Math.max(peak, Math.abs(sum[index] ?? 0));
  return peak;
}

export function limiter(): Limiter {
  let gain = 1;
  return (sum, into) => {
    const peak = peakOf(sum);
    const wanted = Math.min(1, gain + release, peak === 0 ? 1 : ceiling / peak);
    const ramp = wanted < gain ? Math.min(attackSamples, sum.length) : sum.length;
    const step = (wanted - gain) / ramp;
    for (let index = 0; index < sum.length; index++) {
      const sample = (sum[index] ?? 0) * (index < ramp ? gain + step * (index + 1) : wanted);
      into[index] = Math.max(-32_768, Math.min(32_767, sample));
    }
    gain = wanted;
  };
}
