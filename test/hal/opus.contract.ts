import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Opus, OpusError } from "../../hal/opus/port.ts";
import { correlation, rms, seeded, voice } from "../unit/media/signals.ts";

const frames = 100;
const said = voice(48_000, frames * 960);
const frameOf = (samples: Int16Array, index: number): Int16Array => samples.subarray(index * 960, (index + 1) * 960);

/** Declares what every driver of the Opus port must do. */
export function opusContract(driver: string, load: () => Promise<Opus>): void {
  const story = (name: string, body: (opus: Opus) => Promise<void>) =>
    test(`${driver}: ${name}`, async () => body(await load()));

  async function encoded(opus: Opus, loss = 0): Promise<Uint8Array[]> {
    const encoder = await opus.encoder({ bitrate: 24_000 });
    encoder.setLoss(loss);
    const packets = Array.from({ length: frames }, (_, index) => Uint8Array.from(encoder.encode(frameOf(said, index))));
    encoder.close();
    return packets;
  }

  story("speech comes back as it was spoken, at the bit rate that was asked for", async (opus) => {
    const packets = await encoded(opus);
    const decoder = await opus.decoder();
    const heard = new Int16Array(said.length);
    packets.forEach((packet, index) => assert.is(decoder.decode(packet, frameOf(heard, index)), 960));
    const { value, lag } = correlation(said, heard, 480);
    assert.ok(value > 0.95, `correlation ${value}`);
    assert.ok(lag < 400, `${lag} samples late`);
    const bitrate = (packets.reduce((sum, packet) => sum + packet.length, 0) * 8) / (frames / 50);
    assert.ok(bitrate > 12_000 && bitrate < 30_000, `${bitrate} bit/s`);
    decoder.close();
  });

  story("a lost frame is recovered from the packet behind it, better than it can be guessed", async (opus) => {
    const packets = await encoded(opus, 20);
    const whole = await opus.decoder();
    const recovering = await opus.decoder();
    const guessing = await opus.decoder();
    const expected = new Int16Array(960);
    const recovered = new Int16Array(960);
    const guessed = new Int16Array(960);
    let recoveryError = 0;
    let guessError = 0;
    packets.forEach((packet, index) => {
      whole.decode(packet, expected);
      const next = packets[index + 1];
      if (index % 10 === 5 && next) {
        recovering.recover(next, recovered);
        guessing.conceal(guessed);
        recoveryError += rms(recovered.map((sample, at) => sample - (expected[at] ?? 0)));
        guessError += rms(guessed.map((sample, at) => sample - (expected[at] ?? 0)));
      } else {
        recovering.decode(packet, recovered);
        guessing.decode(packet, guessed);
      }
    });
    assert.ok(recoveryError < 0.8 * guessError, `recovered ${recoveryError}, guessed ${guessError}`);
    for (const decoder of [whole, recovering, guessing]) decoder.close();
  });

  story("what was encoded before it was forgotten is not heard, and speech begins at its own level", async (opus) => {
    const encoder = await opus.encoder({ bitrate: 24_000 });
    const heard = new Int16Array(10 * 960);
    // Where in a frame speech begins; -1: it does not.
    for (const onset of [-1, 0, 144, 360, 643, 955]) {
      const beginning = new Int16Array(heard.length);
      if (onset >= 0) beginning.set(said.subarray(0, heard.length - onset), onset);
      for (let index = 0; index < 20; index++) encoder.encode(frameOf(said, index));
      encoder.forget();
      const decoder = await opus.decoder();
      for (let index = 0; index < 10; index++)
        decoder.decode(encoder.encode(frameOf(beginning, index)), frameOf(heard, index));
      decoder.close();
      if (onset < 0) assert.ok(rms(heard, 0, 960) < 10, `${rms(heard, 0, 960)} of silence`);
      // 10 ms of speech, after what the codec holds back.
      const from = Math.max(0, onset) + 308;
      const share = rms(heard, from, from + 480) / rms(said, 0, 480);
      if (onset >= 0) assert.ok(share > 0.5 && share < 1.3, `onset at ${onset}: ${share}`);
    }
    encoder.close();
  });

  story("a frame is concealed by sound that goes on, and fades as losses go on", async (opus) => {
    const decoder = await opus.decoder();
    const frame = new Int16Array(960);
    for (const packet of await encoded(opus)) decoder.decode(packet, frame);
    const before = rms(frame);
    decoder.conceal(frame);
    assert.ok(rms(frame) > before / 4, "the first concealed frame is audible");
    for (let lost = 0; lost < 25; lost++) decoder.conceal(frame);
    assert.ok(rms(frame) < before / 2, "half a second later it is quieter");
    decoder.close();
  });

  story(
    "5,000 packets of garbage are decoded or refused with OpusError, and speech is decoded after them",
    async (opus) => {
      const random = seeded(7);
      const decoder = await opus.decoder();
      const into = new Int16Array(5760);
      for (let count = 0; count < 5000; count++) {
        const packet = Uint8Array.from({ length: Math.floor(random() ** 3 * 1500) }, () => random() * 256);
        try {
          const samples = count % 2 === 0 ? decoder.decode(packet, into) : 960;
          if (count % 2 === 1) decoder.recover(packet, into);
          assert.ok(samples > 0 && samples <= 5760);
        } catch (error) {
          assert.instance(error, OpusError);
        }
      }
      const heard = new Int16Array(said.length);
      (await encoded(opus)).forEach((packet, index) => decoder.decode(packet, frameOf(heard, index)));
      // The first frames still hear the garbage.
      const { value } = correlation(said.subarray(20 * 960), heard.subarray(20 * 960), 480);
      assert.ok(value > 0.9, `correlation ${value}`);
      decoder.close();
    },
  );

  story("frames and packets of a wrong size are refused, and the next right one is taken", async (opus) => {
    const encoder = await opus.encoder({ bitrate: 24_000 });
    for (const samples of [0, 1, 480, 959, 961, 1920, 10_000])
      assert.throws(
        () => encoder.encode(new Int16Array(samples)),
        (error: unknown) => error instanceof OpusError,
      );
    const packet = Uint8Array.from(encoder.encode(frameOf(said, 0)));
    const decoder = await opus.decoder();
    for (const bad of [new Uint8Array(0), new Uint8Array(70_000)])
      assert.throws(
        () => decoder.decode(bad, new Int16Array(5760)),
        (error: unknown) => error instanceof OpusError,
      );
    assert.throws(
      () => decoder.decode(packet, new Int16Array(959)),
      (error: unknown) => error instanceof OpusError,
    );
    assert.is(decoder.decode(packet, new Int16Array(960)), 960);
    encoder.close();
    decoder.close();
  });

  story("sizes at every edge are refused with OpusError or taken, wherever in a buffer they lie", async (opus) => {
    const encoder = await opus.encoder({ bitrate: 24_000 });
    const decoder = await opus.decoder();
    const packet = Uint8Array.from(encoder.encode(frameOf(said, 0)));
    const expected = new Int16Array(960);
    (await opus.decoder()).decode(packet, expected);

    // One byte off every alignment, and hard against the end of the memory.
    const bytes = new Uint8Array(packet.length + 1);
    bytes.set(packet, 1);
    const samples = new Int16Array(961);
    decoder.decode(bytes.subarray(1), samples.subarray(1));
    assert.equal(samples.subarray(1), expected);
    assert.is(samples[0], 0, "nothing is written before");
    const again = await opus.encoder({ bitrate: 24_000 });
    const memory = new Int16Array(961);
    memory.set(frameOf(said, 0), 1);
    assert.equal(Uint8Array.from(again.encode(memory.subarray(1))), packet);

    const refused = (error: unknown) => error instanceof OpusError;
    const random = seeded(11);
    for (const size of [0, 1, 2, 3, 1275, 1276, 3999, 4000, 4001, 65_535]) {
      const noise = Uint8Array.from({ length: size }, () => random() * 256);
      for (const call of [decoder.decode, decoder.recover])
        try {
          call(noise, new Int16Array(5760));
          assert.ok(size > 0 && size <= 4000, `${size} bytes`);
        } catch (error) {
          assert.instance(error, OpusError);
        }
    }
    for (const room of [0, 1, 959]) {
      assert.throws(() => decoder.conceal(new Int16Array(room)), refused);
      assert.throws(() => decoder.recover(packet, new Int16Array(room)), refused);
    }
    // 120 ms in one packet: six frames of 20 ms.
    const long = Uint8Array.from([(packet[0] ?? 0) | 3, 6, ...Array.from({ length: 6 }, () => 0)]);
    assert.is(decoder.decode(long, new Int16Array(5760)), 5760);
    assert.throws(() => decoder.decode(long, new Int16Array(5759)), refused);

    const gone = <Kind extends Int16Array | Uint8Array>(array: Kind): Kind => {
      structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });
      return array;
    };
    assert.throws(() => encoder.encode(gone(new Int16Array(960))), refused);
    assert.throws(() => decoder.decode(gone(Uint8Array.from(packet)), new Int16Array(960)), refused);
    assert.throws(() => decoder.decode(packet, gone(new Int16Array(960))), refused);
    assert.is(decoder.decode(packet, new Int16Array(960)), 960, "and speech after all that");
    for (const codec of [encoder, again, decoder]) codec.close();
  });

  story("a closed codec refuses with OpusError, and closing it again does nothing", async (opus) => {
    const encoder = await opus.encoder({ bitrate: 16_000 });
    const decoder = await opus.decoder();
    for (const closing of [encoder, decoder, encoder, decoder]) closing.close();
    const refused = (error: unknown) => error instanceof OpusError;
    assert.throws(() => encoder.encode(new Int16Array(960)), refused);
    assert.throws(() => encoder.setLoss(5), refused);
    assert.throws(() => encoder.forget(), refused);
    assert.throws(() => decoder.decode(new Uint8Array(10), new Int16Array(960)), refused);
    assert.throws(() => decoder.conceal(new Int16Array(960)), refused);
    assert.throws(() => decoder.recover(new Uint8Array(10), new Int16Array(960)), refused);
  });
}
