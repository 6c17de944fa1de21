import { test } from "uvu";
import * as assert from "uvu/assert";
import { alaw, type Law, ulaw } from "../../../firmware/media/g711.ts";
import { rms, voice } from "./signals.ts";

const decoded = (law: Law, ...codes: number[]): number[] => {
  const into = new Int16Array(codes.length);
  law.decode(Uint8Array.from(codes), into);
  return [...into];
};
const encoded = (law: Law, ...samples: number[]): number[] => {
  const into = new Uint8Array(samples.length);
  law.encode(Int16Array.from(samples), into);
  return [...into];
};

test("the ends and the middle of both laws are where the recommendation has them", () => {
  // 14-bit 8031 and 13-bit 4032, scaled to 16 bits.
  assert.equal(decoded(ulaw, 0x00, 0x80, 0xff, 0x7f, 0xfe, 0x7e), [-32_124, 32_124, 0, 0, 8, -8]);
  assert.equal(decoded(alaw, 0x2a, 0xaa, 0xd5, 0x55, 0xd4, 0x54), [-32_256, 32_256, 8, -8, 24, -24]);
  assert.equal(encoded(ulaw, 32_767, -32_768, 0), [0x80, 0x00, 0xff]);
  assert.equal(encoded(alaw, 32_767, -32_768, 0, -1), [0xaa, 0x2a, 0xd5, 0x55]);
});

test("every code survives decoding and encoding, but for the second zero of mu-law", () => {
  for (let code = 0; code < 256; code++) {
    assert.equal(encoded(ulaw, ...decoded(ulaw, code)), [code === 0x7f ? 0xff : code]);
    assert.equal(encoded(alaw, ...decoded(alaw, code)), [code]);
  }
});

test("the digital milliwatt of mu-law is a sine of 1 kHz", () => {
  const milliwatt = decoded(ulaw, 0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e);
  assert.ok(Math.abs(rms(milliwatt) - 16_020) < 20, `${rms(milliwatt)}`);
  milliwatt.slice(0, 4).forEach((sample, index) => assert.is(sample, -(milliwatt[index + 4] ?? 0)));
});

test("speech is coded with 35 dB of signal to noise", () => {
  const said = voice(8000, 16_000);
  for (const law of [ulaw, alaw]) {
    const codes = new Uint8Array(said.length);
    const heard = new Int16Array(said.length);
    law.encode(said, codes);
    law.decode(codes, heard);
    const noise = rms(heard.map((sample, index) => sample - (said[index] ?? 0)));
    assert.ok(20 * Math.log10(rms(said) / noise) > 35);
  }
});

test.run();
