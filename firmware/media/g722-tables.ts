/** The tables of ITU-T G.722 that the two bands quantise and adapt by, under the names that the Recommendation gives them. */

/** Table 14: where the lower band's 6-bit quantiser decides, of a scale factor of 2^12. */
export const q6 = Int16Array.of(
  ...[0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714],
  ...[786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919],
);

/** Its outputs by 2, 4 or 6 bits, of a scale factor of 2^15. What no encoder of this mode sends is read as the quietest. */
export const qm2 = Int16Array.of(-7408, -1616, 7408, 1616);
const qm4Falling = [20_456, 12_896, 8968, 6288, 4240, 2584, 1200];
export const qm4 = Int16Array.of(0, ...qm4Falling.map((level) => -level), ...qm4Falling, 0);
const qm6Falling = [
  ...[24_808, 21_904, 19_008, 16_704, 14_984, 13_512, 12_280, 11_192, 10_232, 9360, 8576, 7856, 7192, 6576],
  ...[6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728],
];
export const qm6 = Int16Array.of(
  ...[-136, -136, -136, -136],
  ...qm6Falling.map((level) => -level),
  ...qm6Falling,
  ...[432, 136, -432, -136],
);

/** What a codeword does to the logarithm of the scale factor: by the lower band's upper 4 bits, and by the higher band's 2. */
const wl = [-60, -30, 58, 172, 334, 538, 1198, 3042];
const rl42 = [0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0];
export const lowStep = Int16Array.from(rl42, (magnitude) => wl[magnitude] ?? 0);
export const highStep = Int16Array.of(798, -214, 798, -214);

/** ILB: 2^11 times the thirty-second roots of two. */
export const ilb = Int16Array.from({ length: 32 }, (_, index) => Math.round(2048 * 2 ** (index / 32)));

/** Table 11: half of the filter that parts the bands and joins them, which is symmetrical; even taps rising are odd taps falling. */
export const qmf = Int16Array.of(3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11);
