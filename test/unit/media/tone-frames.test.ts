import { test } from "uvu";
import * as assert from "uvu/assert";
import { type CodecName, codecNames, openDecoder, sampleRates } from "../../../firmware/media/codec.ts";
import { type ToneFrames, toneBook } from "../../../firmware/media/tone-frames.ts";
import { samplesOf, type ToneName } from "../../../firmware/media/tones.ts";
import type { Opus } from "../../../hal/opus/port.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { rms } from "./signals.ts";

const opus = await loadOpus();

async function decoded(codec: CodecName, frames: ToneFrames): Promise<Int16Array> {
  const decoder = await openDecoder(opus, codec);
  const into = new Int16Array(5760);
  const sound = frames.flatMap((frame) => [...into.subarray(0, decoder.decode(frame.subarray(12), into))]);
  decoder.close();
  return Int16Array.from(sound);
}

for (const codec of codecNames)
  test(`each tone in ${codec} is whole frames, as loud as at the panel, and over`, async () => {
    const book = toneBook(opus);
    for (const tone of ["permit", "deny", "revoke"] as const satisfies readonly ToneName[]) {
      const frames = await book.frames(codec, tone);
      const sound = await decoded(codec, frames);
      const ratio = sampleRates[codec] / 48_000;
      const original = samplesOf(tone);
      assert.is(sound.length, frames.length * (sampleRates[codec] / 50));
      const [loud, meant] = [rms(sound) ** 2 * sound.length, rms(original) ** 2 * original.length * ratio];
      assert.ok(loud > 0.7 * meant && loud < 1.3 * meant, `${tone}: ${loud / meant}`);
      assert.ok(rms(sound, sound.length - sampleRates[codec] / 200) < 300, "silence at its end");
    }
  });

test("a tone is encoded once for everybody, and its codec closed", async () => {
  let encoded = 0;
  let open = 0;
  const counting: Opus = {
    ...opus,
    async encoder(options) {
      const encoder = await opus.encoder(options);
      open++;
      return {
        ...encoder,
        encode: (frame) => {
          encoded++;
          return encoder.encode(frame);
        },
        close() {
          open--;
          encoder.close();
        },
      };
    },
  };
  const book = toneBook(counting);
  const [one, other] = await Promise.all([book.frames("opus", "deny"), book.frames("opus", "deny")]);
  assert.is(one, other);
  assert.is(encoded, one.length);
  assert.is(open, 0);
});

test.run();
