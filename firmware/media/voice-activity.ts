/**
 * Whether somebody speaks into a telephone: speech rises above the noise that is always there, and is longer than a knock. The noise
 * is what is left in the quietest moment of the last two seconds: speech has pauses between its syllables, an engine has none. It
 * knows levels only; how long a pause may last, and what speech is for, is others' matter.
 */

export interface VoiceActivity {
  /**
   * The next `length` samples. True when the last whole frame of 20 ms in them is speech. `echoing`: the telephone sounds itself, and
   * its microphone hears that: only what is well above counts.
   */
  hear(samples: Int16Array, length: number, echoing: boolean): boolean;
}

const frameS = 0.02;
/** What hums below this is no voice: mains, wind, a handset that is put down, Hz. */
const lowest = 150;
/** Of a telephone that is muted, or of a codec that has nothing to say: it tells nothing of the noise, dBFS. */
const silence = -70;
/** A quieter room is taken for one of this noise, dBFS. */
const quietest = -60;
/** What the loudspeaker of a telephone adds to its microphone at worst, beyond the threshold, dB. */
const echo = 12;
/** Loud frames, less the quiet ones between them, that make speech; and how many are remembered. */
const enough = 3;
const most = 6;
/** The quietest moment of each 250 ms, of two seconds. */
const framesInBlock = 12;
const blocks = 8;

/** `rate`: samples a second. `thresholdDb`: by how much speech is above the noise. */
export function voiceActivity(rate: number, thresholdDb: number): VoiceActivity {
  const frame = Math.round(rate * frameS);
  const decay = Math.exp((-2 * Math.PI * lowest) / rate);
  const minima = new Float64Array(blocks).fill(0);
  let block = 0;
  let inBlock = 0;
  let score = 0;
  /** Something was heard; before that, whoever is silent is in a quiet room. */
  let isKnown = false;
  let voiced = false;
  /** Of the frame that fills up. */
  let filled = 0;
  let energy = 0;
  /** Of the high pass. */
  let last = 0;
  let passed = 0;

  /** dBFS; the highest there is until any was heard. */
  function noise(): number {
    let least = 0;
    for (let index = 0; index < blocks; index++) least = Math.min(least, minima[index] ?? 0);
    return Math.max(least, quietest);
  }

  function learn(level: number): void {
    if (inBlock === framesInBlock) {
      block = (block + 1) % blocks;
      inBlock = 0;
    }
    minima[block] = inBlock === 0 ? level : Math.min(minima[block] ?? 0, level);
    inBlock += 1;
  }

  function judge(level: number, echoing: boolean): boolean {
    if (level > silence) {
      learn(level);
      isKnown = true;
    } else if (!isKnown) learn(quietest);
    const isLoud = level > noise() + thresholdDb + (echoing ? echo : 0);
    score = isLoud ? Math.min(score + 1, most) : Math.max(score - 1, 0);
    return isLoud && score >= enough;
  }

  return {
    hear(samples, length, echoing) {
      for (let index = 0; index < length; index++) {
        const sample = samples[index] ?? 0;
        passed = sample - last + decay * passed;
        last = sample;
        energy += passed * passed;
        filled += 1;
        if (filled < frame) continue;
        voiced = judge(10 * Math.log10(energy / frame / 32_768 ** 2 + 1e-12), echoing);
        filled = 0;
        energy = 0;
      }
      return voiced;
    },
  };
}
