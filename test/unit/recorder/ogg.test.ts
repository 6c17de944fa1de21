import { test } from "uvu";
import * as assert from "uvu/assert";
import { concealing, samplesIn } from "../../../firmware/media/opus-packet.ts";
import { readPage, writePage } from "../../../firmware/recorder/ogg-page.ts";
import { endingPage, readRecording } from "../../../firmware/recorder/ogg-reader.ts";
import { oggWriter } from "../../../firmware/recorder/ogg-writer.ts";

const frame = 960;
/** SILK, wideband, 20 ms, mono. */
const toc = 0x48;
const packet = (number: number, length = 40): Uint8Array => new Uint8Array(length).fill(number, 1).fill(toc, 0, 1);
const tags = new Map([
  ["ARTIST", "sip:zoë@crew.example"],
  ["ALBUM", "ops"],
]);

/** A file of so many packets, a page for each `every`. */
function file(count: number, every: number): Uint8Array {
  const writer = oggWriter(7, tags);
  const parts = [writer.headers];
  for (let number = 0; number < count; number++) {
    assert.ok(writer.take(1_000 + number * frame, packet(number)));
    if ((number + 1) % every === 0) parts.push(writer.pages());
  }
  parts.push(writer.end());
  return new Uint8Array(Buffer.concat(parts));
}

test("the checksum of a page is the one that RFC 3533 describes", () => {
  const known = Buffer.from(
    "4f676753000200000000000000003713000000000000" + "00000000" + "0113" + "4f707573486561640101380180bb0000000000",
    "hex",
  );
  const head = new Uint8Array(known.subarray(28));
  const page = writePage({ first: true, last: false, granule: 0, serial: 0x1337, sequence: 0, packets: [head] });
  assert.is(page.length, known.length);
  // RFC 3533 §6, bit by bit.
  let sum = 0n;
  for (const byte of known) {
    sum ^= BigInt(byte) << 24n;
    for (let bit = 0; bit < 8; bit++) sum = sum & 0x80000000n ? ((sum << 1n) ^ 0x104c11db7n) & 0xffffffffn : sum << 1n;
  }
  assert.is(new DataView(page.buffer).getUint32(22, true), Number(sum));
});

test("packets of every length come out of a page as they went in, and none that is a byte short or wrong", () => {
  const packets = [0, 1, 254, 255, 256, 509, 510, 1_275, 1_472].map((length) => new Uint8Array(length).fill(length));
  const bytes = writePage({ first: false, last: true, granule: 2 ** 40, serial: 0xffffffff, sequence: 9, packets });
  const page = readPage(bytes, 0);
  assert.equal(page?.packets, packets);
  assert.equal([page?.last, page?.granule, page?.serial, page?.length], [true, 2 ** 40, 0xffffffff, bytes.length]);
  assert.is(readPage(bytes.subarray(0, -1), 0), undefined);
  for (let at = 0; at < bytes.length; at++) {
    const spoiled = bytes.slice();
    spoiled[at] = (spoiled[at] ?? 0) ^ 0x10;
    assert.is(readPage(spoiled, 0), undefined, `byte ${at}`);
  }
});

test("a packet says how long it is", () => {
  const lengths: readonly (readonly [bytes: readonly number[], samples: number])[] = [
    [[], 0],
    [[0x00], 480], // SILK, 10 ms
    [[0x18, 1], 2_880], // SILK, 60 ms
    [[0x60, 1], 480], // hybrid, 10 ms
    [[0x6c, 1], 960], // hybrid, 20 ms, stereo
    [[0x80], 120], // CELT, 2.5 ms
    [[0xfc, 1], 960], // CELT, 20 ms
    [[0xf9, 1], 1_920], // two of them
    [[0xfb, 6], 5_760], // six, 120 ms
    [[0xfb, 7], 0], // longer than any packet
    [[0xfb], 0],
  ];
  for (const [bytes, samples] of lengths) assert.is(samplesIn(Uint8Array.from(bytes)), samples, bytes.join());
});

test("a gap is concealed to the sample, in the mode of what was before it", () => {
  for (const before of [toc, 0x18, 0x6c, 0x80, 0xfc])
    for (const samples of [120, 480, 960, 2_880, 5_760, 48_000 + 120, 3 * 48_000]) {
      const packets = concealing(samples, Uint8Array.of(before, 1));
      assert.is(
        packets.reduce((sum, each) => sum + samplesIn(each), 0),
        samples,
        `${before} ${samples}`,
      );
      assert.ok(packets.every((each) => each.length <= 2));
      if (samples >= 2_880) assert.is((packets[0]?.[0] ?? 0) >> 2, before >> 2);
    }
});

test("a burst is read back as it was said, its lost packets made up, the late ones and the foreign ones left out", () => {
  const writer = oggWriter(7, tags);
  const said = [0, 1, 4, 5].map((number) => ({ number, taken: writer.take(number * frame, packet(number)) }));
  assert.ok(said.every(({ taken }) => taken));
  assert.equal([writer.take(2 * frame, packet(2)), writer.take(6 * frame, Uint8Array.of(0xfb, 0))], [false, false]);
  const recording = readRecording(new Uint8Array(Buffer.concat([writer.headers, writer.pages(), writer.end()])));
  assert.equal(
    recording?.packets.map((each) => (each.length > 2 ? each[1] : each.length)),
    [0, 1, 2, 4, 5],
  );
  assert.equal([recording?.samples, recording?.ended, writer.samples()], [6 * frame, true, 6 * frame]);
  assert.equal([...(recording?.tags ?? [])], [...tags]);
});

test("a talker whose numbers leap leaves no hour of silence", () => {
  const writer = oggWriter(7, tags);
  for (const position of [0, frame, 2 ** 31, 2 ** 31 + frame, 5]) writer.take(position, packet(1));
  assert.is(writer.samples(), 5 * frame);
});

test("granule positions grow by what is in each page, and long packets take more pages than one", () => {
  const writer = oggWriter(7, tags);
  for (let number = 0; number < 100; number++) writer.take(number * frame, packet(number, 1_275));
  const bytes = writer.end();
  const granules: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const page = readPage(bytes, at);
    if (!page) throw new Error(`no page at ${at}`);
    granules.push(page.granule);
    assert.is(page.last, page.granule === 100 * frame);
    at += page.length;
  }
  assert.equal(granules, [42 * frame, 84 * frame, 100 * frame]);
});

test("cut at any byte, a file is sound up to its last whole page", () => {
  const whole = file(12, 3);
  const ends: number[] = [];
  for (let at = 0; at < whole.length; ) {
    at += readPage(whole, at)?.length ?? Number.POSITIVE_INFINITY;
    ends.push(at);
  }
  assert.is(ends.length, 2 + 5);
  for (let cut = 0; cut <= whole.length; cut++) {
    const recording = readRecording(whole.subarray(0, cut));
    const sound = ends.findLast((end) => end <= cut) ?? 0;
    assert.is(recording?.soundBytes, ends.indexOf(sound) >= 2 ? sound : undefined, `cut at ${cut}`);
    if (!recording) continue;
    assert.is(recording.ended, cut === whole.length);
    const mended = whole.slice(0, recording.soundBytes);
    mended.set(endingPage(recording), recording.lastPageAt);
    const again = readRecording(mended);
    assert.equal([again?.ended, again?.samples], [true, recording.samples]);
  }
});

test("whatever a file holds, it is read to its end or not at all", () => {
  const whole = file(12, 3);
  for (let at = 0; at < whole.length; at++) {
    const spoiled = whole.slice();
    spoiled[at] = 255 - (spoiled[at] ?? 0);
    const recording = readRecording(spoiled);
    assert.ok((recording?.soundBytes ?? 0) <= at, `byte ${at}`);
  }
});

test.run();
