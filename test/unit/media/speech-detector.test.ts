import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { codecNames, openEncoder, sampleRates } from "../../../firmware/media/codec.ts";
import { resampler } from "../../../firmware/media/resample.ts";
import { opusSpeech, speechDetector } from "../../../firmware/media/speech-detector.ts";
import { readWav } from "../../../hal/audio/wav.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { projectRoot } from "../../support/source.ts";
import { rms, seeded } from "./signals.ts";

const opus = await loadOpus();
const spoken = await readWav(join(projectRoot, "scripts/speech/north.wav"));
const random = seeded(4);
/** A second of a room at -60 dBFS, then speech in it. */
const leadFrames = 50;
const sound = Int16Array.from({ length: leadFrames * 960 + spoken.length }, (_, index) => {
  const speech = index < leadFrames * 960 ? 0 : (spoken[index - leadFrames * 960] ?? 0);
  return Math.max(-32_768, Math.min(32_767, speech + 110 * (random() - 0.5)));
});

for (const codec of codecNames)
  test(`${codec}: a room is no speech; speech is noticed within 200 ms, and its pauses are shorter than 800`, async () => {
    const encoder = await openEncoder(opus, codec, 24_000);
    const convert = resampler(48_000, sampleRates[codec]);
    const frame = new Int16Array(sampleRates[codec] / 50);
    const detector = speechDetector(codec);
    const heard: number[] = [];
    const loud: number[] = [];
    for (let at = 0; at + 960 <= sound.length; at += 960) {
      convert?.(sound.subarray(at, at + 960), 960, frame);
      if (detector.hear(encoder.encode(convert ? frame : sound.subarray(at, at + 960)))) heard.push(at / 960);
      if (rms(sound, at, at + 960) > 330) loud.push(at / 960);
    }
    const [first = 0, begun = 0] = [heard[0], loud[0]];
    assert.ok(first >= leadFrames, `speech in frame ${first} of a room`);
    assert.ok(first - begun <= 10, `noticed ${first - begun} frames late`);
    const pauses = heard.map((each, index) => each - (heard[index - 1] ?? each));
    assert.ok(Math.max(...pauses) < 40, `a pause of ${Math.max(...pauses)} frames`);
    assert.ok((heard.at(-1) ?? 0) >= (loud.at(-1) ?? 0) - 40);
    encoder.close();
  });

test("of a packet of several frames the first counts, wherever it begins; what CELT carries is speech", () => {
  const silk = 9 << 3;
  const cases: readonly (readonly [boolean, ...number[]])[] = [
    [true, silk, 0x80],
    [false, silk, 0x7f],
    [false, silk],
    [true, silk | 1, 0x80, 0x80],
    [true, silk | 2, 1, 0x80, 0x80],
    [false, silk | 2, 252, 0, 0x7f],
    [true, silk | 3, 0x02, 0x80, 0x80],
    [true, silk | 3, 0x82, 1, 0x80, 0x80],
    [false, silk | 3, 0x42, 1, 0x00, 0x00, 0x00],
    [true, silk | 3, 0x42, 255, 1, 0x80],
    [true, 28 << 3, 0],
    [false],
    [false, silk | 3],
    [false, silk | 3, 0xff, 255, 255, 255],
  ];
  for (const [speech, ...bytes] of cases) assert.is(opusSpeech(Uint8Array.from(bytes)), speech, `${bytes}`);
});

test("garbage is looked at, and nothing comes of it but an answer", () => {
  for (const codec of codecNames) {
    const detector = speechDetector(codec);
    for (const length of [0, 1, 2, 160, 1_472, 65_000])
      assert.type(detector.hear(Uint8Array.from({ length }, () => 256 * random())), "boolean");
  }
});

test.run();
