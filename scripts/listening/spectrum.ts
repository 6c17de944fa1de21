/**
 * How far apart two pieces of sound are to an ear: the log-spectral distance in critical bands. 48 kHz. A measure of the difference
 * between what was said and what is heard, not of beauty: 0 dB is the same, a voice codec at 24 kb/s some 3, another word above 10.
 */

/** 32 ms. */
export const window = 1536;
const size = 2048;
/** Edges of the critical bands from 100 Hz to 7.7 kHz (Zwicker), Hz. */
const edges = [
  100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480, 1720, 2000, 2320, 2700, 3150, 3700, 4400, 5300, 6400, 7700,
];
const bands = edges.length - 1;
const bins = edges.map((hertz) => Math.round((hertz * size) / 48_000));
const hann = Float64Array.from({ length: window }, (_, index) => 0.5 - 0.5 * Math.cos((2 * Math.PI * index) / window));
const cosines = Float64Array.from({ length: size / 2 }, (_, index) => Math.cos((2 * Math.PI * index) / size));
const sines = Float64Array.from({ length: size / 2 }, (_, index) => -Math.sin((2 * Math.PI * index) / size));
const real = new Float64Array(size);
const imaginary = new Float64Array(size);

/** Power in each critical band of the 32 ms from `at` on. */
export function bandPowers(samples: Int16Array, at: number): Float64Array {
  real.fill(0);
  imaginary.fill(0);
  for (let index = 0; index < window; index++) real[index] = (samples[at + index] ?? 0) * (hann[index] ?? 0);
  transform();
  return Float64Array.from({ length: bands }, (_, band) => {
    let sum = 0;
    for (let bin = bins[band] ?? 0; bin < (bins[band + 1] ?? 0); bin++)
      sum += (real[bin] ?? 0) ** 2 + (imaginary[bin] ?? 0) ** 2;
    return sum;
  });
}

/** How many of the bands lie below `hertz`. */
export const bandsBelow = (hertz: number): number => edges.filter((edge) => edge <= hertz).length - 1;

/** Root mean square of the differences of level between the first `count` bands, dB. What lies below `floor` in both is not heard. */
export function logSpectralDistance(a: Float64Array, b: Float64Array, floor: number, count: number): number {
  let sum = 0;
  for (let band = 0; band < count; band++)
    sum += (10 * Math.log10(((a[band] ?? 0) + floor) / ((b[band] ?? 0) + floor))) ** 2;
  return Math.sqrt(sum / count);
}

/** Cooley and Tukey, in place, radix 2. */
function transform(): void {
  for (let index = 1, reversed = 0; index < size; index++) {
    let bit = size >> 1;
    for (; reversed & bit; bit >>= 1) reversed ^= bit;
    reversed ^= bit;
    if (index < reversed) {
      swap(real, index, reversed);
      swap(imaginary, index, reversed);
    }
  }
  for (let length = 2; length <= size; length *= 2)
    for (let start = 0; start < size; start += length)
      for (let index = 0; index < length / 2; index++) butterfly(start + index, length / 2, (index * size) / length);
}

function butterfly(at: number, half: number, turn: number): void {
  const c = cosines[turn] ?? 0;
  const s = sines[turn] ?? 0;
  const x = (real[at + half] ?? 0) * c - (imaginary[at + half] ?? 0) * s;
  const y = (real[at + half] ?? 0) * s + (imaginary[at + half] ?? 0) * c;
  real[at + half] = (real[at] ?? 0) - x;
  imaginary[at + half] = (imaginary[at] ?? 0) - y;
  real[at] = (real[at] ?? 0) + x;
  imaginary[at] = (imaginary[at] ?? 0) + y;
}

function swap(values: Float64Array, a: number, b: number): void {
  const kept = values[a] ?? 0;
  values[a] = values[b] ?? 0;
  values[b] = kept;
}
