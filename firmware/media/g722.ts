/**
 * G.722 at 64 kbit/s (mode 1), after ITU-T G.722: 16 kHz in two bands, each an adaptive differential code, in integers as the
 * Recommendation has them, so that encoder and decoder stay in step. Its blocks are named in the comments (BLOCK4, QMF ...).
 */
import { highStep, ilb, lowStep, q6, qm2, qm4, qm6, qmf } from "./g722-tables.ts";

export interface G722Encoder {
  /** Encodes all of `from`, 16 kHz, an even number of samples, into half as many bytes. */
  encode(from: Int16Array, into: Uint8Array): void;
}

export interface G722Decoder {
  /** Decodes all of `from` into twice as many samples at 16 kHz. */
  decode(from: Uint8Array, into: Int16Array): void;
}

/** 16 bits: ADD and SUB saturate. */
const saturate = (value: number): number => Math.max(-32_768, Math.min(32_767, value));
const within = (value: number, limit: number): number => Math.max(-limit, Math.min(limit, value));

/** One band: what it predicts, and how coarsely it quantises. */
interface Band {
  /** The next sample as predicted. */
  predicted(): number;
  /** The quantiser's scale factor. */
  scale(): number;
  /** Takes in a quantised difference, and what its codeword does to the logarithm of the scale factor. */
  adapt(difference: number, step: number): void;
}

/** Of the two poles and six zeros by which a band predicts. */
const zeros = 6;

/** `octaves`: by how many powers of two the largest scale factor lies below 2^11 times 2^`octaves`; `ceiling` of its logarithm. */
function openBand(initial: number, octaves: number, ceiling: number): Band {
  const b = new Int32Array(zeros);
  /** Differences, the last one first. */
  const d = new Int32Array(zeros);
  let scale = initial;
  let logScale = 0;
  let [a1, a2] = [0, 0];
  /** Reconstructed, and that less the part of the poles: the last, and the last but one. */
  let [r1, r2] = [0, 0];
  let [p1, p2] = [0, 0];
  let predictedByZeros = 0;
  let predicted = 0;

  /** LOGSCL and SCALEL, or LOGSCH and SCALEH. */
  function adaptScale(step: number): void {
    const log = ((logScale * 127) >> 7) + step;
    logScale = Math.max(0, Math.min(ceiling, log));
    const shift = octaves - (logScale >> 11);
    const root = ilb[(logScale >> 6) & 31] ?? 0;
    scale = (shift < 0 ? root << -shift : root >> shift) << 2;
  }

  /** UPPOL2 and UPPOL1; `p`: the newest of the partly reconstructed. */
  function adaptPoles(p: number): void {
    const alike = p < 0 === p1 < 0;
    const leaning = saturate(a1 << 2);
    const second =
      (saturate(alike ? -leaning : leaning) >> 7) + (p < 0 === p2 < 0 ? 128 : -128) + ((a2 * 32_512) >> 15);
    a2 = within(second, 12_288);
    a1 = within(saturate((alike ? 192 : -192) + ((a1 * 32_640) >> 15)), 15_360 - a2);
  }

  /** UPZERO, DELAYA and FILTEZ in one pass, from the oldest on. */
  function adaptZeros(difference: number): void {
    const gain = difference === 0 ? 0 : 128;
    let sum = 0;
    for (let index = zeros - 1; index >= 0; index--) {
      const old = d[index] ?? 0;
      const moved = saturate((old < 0 === difference < 0 ? gain : -gain) + (((b[index] ?? 0) * 32_640) >> 15));
      b[index] = moved;
      const newer = index === 0 ? difference : (d[index - 1] ?? 0);
      d[index] = newer;
      sum += (moved * saturate(newer << 1)) >> 15;
    }
    predictedByZeros = saturate(sum);
  }

  return {
    predicted: () => predicted,
    scale: () => scale,
    adapt(difference, step) {
      adaptScale(step);
      // BLOCK4: RECONS, PARREC, the predictors, FILTEP and PREDIC.
      const r = saturate(predicted + difference);
      const p = saturate(predictedByZeros + difference);
      adaptPoles(p);
      adaptZeros(difference);
      [r2, r1] = [r1, r];
      [p2, p1] = [p1, p];
      const byPoles = saturate(((a1 * saturate(r1 << 1)) >> 15) + ((a2 * saturate(r2 << 1)) >> 15));
      predicted = saturate(byPoles + predictedByZeros);
    },
  };
}

/** The lower band's scale factor reaches further than the higher's (BLOCK3L, BLOCK3H). */
const openLowBand = (): Band => openBand(32, 8, 18_432);
const openHighBand = (): Band => openBand(8, 10, 22_528);

/** What passes through the filter: taps of one parity, and of the other, over the last 24. */
function openFilter() {
  const line = new Int32Array(2 * 24);
  let at = 0;
  const sums = { even: 0, odd: 0 };
  return (older: number, newer: number): typeof sums => {
    // Each is kept twice, so that the last 24 always lie in a row.
    line[at] = line[at + 24] = older;
    line[at + 1] = line[at + 25] = newer;
    at = (at + 2) % 24;
    let [even, odd] = [0, 0];
    for (let tap = 0; tap < 12; tap++) {
      even += (line[at + 2 * tap] ?? 0) * (qmf[tap] ?? 0);
      odd += (line[at + 2 * tap + 1] ?? 0) * (qmf[11 - tap] ?? 0);
    }
    sums.even = even;
    sums.odd = odd;
    return sums;
  };
}

/** QUANTL: 6 bits for a difference. */
function quantiseLow(difference: number, scale: number): number {
  const magnitude = difference < 0 ? -(difference + 1) : difference;
  let level = 1;
  while (level < q6.length && magnitude >= ((q6[level] ?? 0) * scale) >> 12) level++;
  if (difference >= 0) return 62 - level;
  return level < 3 ? 64 - level : 34 - level;
}

/** QUANTH: 2 bits for a difference. */
function quantiseHigh(difference: number, scale: number): number {
  const magnitude = difference < 0 ? -(difference + 1) : difference;
  const isLarge = magnitude >= (564 * scale) >> 12;
  if (difference < 0) return isLarge ? 0 : 1;
  return isLarge ? 2 : 3;
}

const dequantise = (level: number | undefined, scale: number): number => ((level ?? 0) * scale) >> 15;

/** The lower band as an encoder follows it as well: by the upper 4 of its 6 bits. */
function adaptLow(band: Band, code: number): void {
  band.adapt(dequantise(qm4[code >> 2], band.scale()), lowStep[code >> 2] ?? 0);
}

/** What the code says of the higher band: the quantised difference. */
function adaptHigh(band: Band, code: number): number {
  const difference = dequantise(qm2[code], band.scale());
  band.adapt(difference, highStep[code] ?? 0);
  return difference;
}

export function g722Encoder(): G722Encoder {
  const [low, high] = [openLowBand(), openHighBand()];
  const filter = openFilter();
  return {
    encode(from, into) {
      for (let index = 0; 2 * index + 1 < from.length; index++) {
        const { even, odd } = filter(from[2 * index] ?? 0, from[2 * index + 1] ?? 0);
        // The filter's gain is 2^12, two sums are added, and the bands work on 15 bits.
        const lowCode = quantiseLow(saturate(((odd + even) >> 14) - low.predicted()), low.scale());
        const highCode = quantiseHigh(saturate(((odd - even) >> 14) - high.predicted()), high.scale());
        adaptLow(low, lowCode);
        adaptHigh(high, highCode);
        into[index] = (highCode << 6) | lowCode;
      }
    },
  };
}

export function g722Decoder(): G722Decoder {
  const [low, high] = [openLowBand(), openHighBand()];
  const filter = openFilter();
  /** LIMIT: 15 bits. */
  const limited = (value: number): number => Math.max(-16_384, Math.min(16_383, value));
  return {
    decode(from, into) {
      for (let index = 0; index < from.length; index++) {
        const code = from[index] ?? 0;
        const lowCode = code & 63;
        const lower = limited(low.predicted() + dequantise(qm6[lowCode], low.scale()));
        adaptLow(low, lowCode);
        const before = high.predicted();
        const higher = limited(before + adaptHigh(high, code >> 6));
        const { even, odd } = filter(lower + higher, lower - higher);
        into[2 * index] = saturate(odd >> 11);
        into[2 * index + 1] = saturate(even >> 11);
      }
    },
  };
}
