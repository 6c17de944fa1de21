/** G.711: eight-bit companding of 8 kHz speech, by table. */

export interface Law {
  /** `into` holds at least as many samples as `from` has bytes. */
  decode(from: Uint8Array, into: Int16Array): void;
  /** Encodes all of `from`. */
  encode(from: Int16Array, into: Uint8Array): void;
}

/** Table 2a/G.711: segments of 16 steps, the first step of each doubled in size; offset 33 in 14 bits, here scaled to 16. */
function ulawSample(code: number): number {
  const inverted = ~code & 0xff;
  const magnitude = ((((inverted & 0x0f) << 3) + 0x84) << ((inverted >> 4) & 0x07)) - 0x84;
  return inverted & 0x80 ? -magnitude : magnitude;
}

/** Table 1a/G.711: even bits inverted; the two lowest segments share their step size. */
function alawSample(code: number): number {
  const plain = code ^ 0x55;
  const segment = (plain >> 4) & 0x07;
  const mantissa = ((plain & 0x0f) << 4) + 8;
  const magnitude = segment === 0 ? mantissa : (mantissa + 0x100) << (segment - 1);
  return plain & 0x80 ? magnitude : -magnitude;
}

const highestBit = (value: number): number => 31 - Math.clz32(value);

function ulawCode(sample: number): number {
  // The decision values of a segment lie at offset 33 of 8159 (14 bit): beyond it all is the last step.
  const magnitude = Math.min((sample < 0 ? -sample : sample) + 0x84, 0x7fff);
  const segment = highestBit(magnitude) - 7;
  const code = (sample < 0 ? 0x80 : 0) | (segment << 4) | ((magnitude >> (segment + 3)) & 0x0f);
  return ~code & 0xff;
}

function alawCode(sample: number): number {
  // A negative sample is measured from -1, so that the two halves mirror each other at the 13-bit step.
  const magnitude = sample < 0 ? ~sample : sample;
  const segment = Math.max(highestBit(magnitude | 1) - 7, 0);
  const mantissa = (magnitude >> (segment === 0 ? 4 : segment + 3)) & 0x0f;
  return ((sample < 0 ? 0 : 0x80) | (segment << 4) | mantissa) ^ 0x55;
}

function law(sampleOf: (code: number) => number, codeOf: (sample: number) => number): Law {
  const samples = Int16Array.from({ length: 256 }, (_, code) => sampleOf(code));
  // Neither law tells samples apart that differ in their lowest two bits only.
  const codes = Uint8Array.from({ length: 0x4000 }, (_, index) => codeOf((index << 18) >> 16));
  return {
    decode(from, into) {
      for (let index = 0; index < from.length; index++) into[index] = samples[from[index] ?? 0] ?? 0;
    },
    encode(from, into) {
      for (let index = 0; index < from.length; index++) into[index] = codes[((from[index] ?? 0) & 0xffff) >> 2] ?? 0;
    },
  };
}

export const ulaw: Law = law(ulawSample, ulawCode);
export const alaw: Law = law(alawSample, alawCode);
