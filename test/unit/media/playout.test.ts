import { test } from "uvu";
import * as assert from "uvu/assert";
import { type CodecName, clockRates, codecNames, openEncoder, sampleRates } from "../../../firmware/media/codec.ts";
import { openPlayout } from "../../../firmware/media/playout.ts";
import { resampler } from "../../../firmware/media/resample.ts";
import { rtpHeaderLength, writeRtpHeader } from "../../../firmware/media/rtp.ts";
import type { Opus } from "../../../hal/opus/port.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { hearing } from "../../../scripts/listening/hearing.ts";
import { speech } from "../../support/realm.ts";
import { correlation, largestStep, rms, seeded, voice } from "./signals.ts";

const opus = await loadOpus();
const payloadTypes = { opus: 111, G722: 9, PCMU: 0, PCMA: 8 } as const;
const said = voice(48_000, 150 * 960);

interface Burst {
  readonly codec?: CodecName;
  readonly frames?: number;
  readonly speech?: Int16Array;
  readonly firstSequence?: number;
}

/** The RTP packets of a talker who says `speech`. */
async function burst({
  codec = "opus",
  frames = 150,
  speech = said,
  firstSequence = 65_500,
}: Burst = {}): Promise<Uint8Array[]> {
  const encoder = await openEncoder(opus, codec, 24_000);
  const rate = clockRates[codec];
  const samples = sampleRates[codec] / 50;
  const convert = resampler(48_000, sampleRates[codec]);
  const narrowed = new Int16Array(samples);
  const packets = Array.from({ length: frames }, (_, index) => {
    const frame = speech.subarray(index * 960, (index + 1) * 960);
    convert?.(frame, 960, narrowed);
    const payload = encoder.encode(convert ? narrowed : frame);
    const packet = new Uint8Array(rtpHeaderLength + payload.length);
    const sequence = (firstSequence + index) & 0xffff;
    const timestamp = (firstSequence * 960 + (index * rate) / 50) >>> 0;
    writeRtpHeader(packet, { payloadType: payloadTypes[codec], marker: index === 0, sequence, timestamp, ssrc: 7 });
    packet.set(payload, rtpHeaderLength);
    return packet;
  });
  encoder.close();
  return packets;
}

async function onePacket(): Promise<Uint8Array> {
  const [packet] = await burst({ frames: 1 });
  if (!packet) throw new Error("the encoder gave no packet");
  return packet;
}

/**
 * Plays for `ms`; packet `index` arrives at `arrival(index)`, or never. The loudspeaker runs fast by `driftPpm`. Returns what it got.
 */
async function hear(
  packets: readonly Uint8Array[],
  ms: number,
  arrival: (index: number) => number | undefined,
  { driftPpm = 0, by = opus }: { readonly driftPpm?: number; readonly by?: Opus } = {},
) {
  const playout = await openPlayout({ opus: by });
  const arriving = packets
    .map((packet, index) => ({ packet, at: arrival(index) ?? Number.POSITIVE_INFINITY }))
    .sort((a, b) => a.at - b.at);
  const heard = new Int16Array(ms * 48);
  const spoken: boolean[] = [];
  let arrived = 0;
  for (let frame = 0; frame < ms / 20; frame++) {
    const now = (frame * 20) / (1 + driftPpm / 1e6) + 7;
    for (let next = arriving[arrived]; next && next.at <= now; next = arriving[++arrived])
      assert.ok(playout.receive(next.packet, next.at));
    spoken.push(playout.fill(heard.subarray(frame * 960, (frame + 1) * 960), now));
  }
  playout.close();
  return { heard, spoken, counters: playout.counters };
}

/** The lag of a burst whose first packet arrives at 0: 40 ms of depth, the pace of frames, and what the codec holds back. */
const largestLag = 100 * 48;
/** The beginning of a burst and its end as they were heard: what is between may have been cut or stretched. */
function ends(speech: Int16Array, heard: Int16Array) {
  const length = 30 * 960;
  const tail = speech.length - length;
  return {
    first: correlation(speech.subarray(0, length + largestLag), heard.subarray(0, length + largestLag), largestLag),
    last: correlation(
      speech.subarray(tail - largestLag),
      heard.subarray(tail - largestLag, speech.length + largestLag),
      largestLag,
    ),
  };
}
/** The last frame that is not silent, of 150 frames that arrive in time: the fading of 100 ms is the end. */
const punctualEnd = 2 + 149 + 5;

for (const codec of codecNames)
  test(`${codec}: a burst without loss is heard as it was said, from silence to silence`, async () => {
    const { heard, spoken } = await hear(await burst({ codec }), 3600, (index) => index * 20);
    const { first, last } = ends(said, heard);
    assert.ok(first.value > 0.95 && last.value > 0.93, `correlation ${first.value}, then ${last.value}`);
    assert.ok(first.lag < 75 * 48, `${first.lag / 48} ms late`);
    assert.ok(last.lag < 60 * 48, `${last.lag / 48} ms late when the network is known to be clean`);
    assert.is(spoken.indexOf(true), 2, "40 ms after the first packet");
    assert.ok(spoken.lastIndexOf(true) <= punctualEnd);
    assert.is(rms(heard, heard.length - 960), 0);
  });

test("the first word keeps its attack: no more than 2 ms are faded in", async () => {
  const loud = Int16Array.from({ length: 50 * 960 }, (_, index) => 9000 * Math.sin(index / 20));
  const { heard } = await hear(await burst({ codec: "PCMU", frames: 50, speech: loud }), 1400, (index) => index * 20);
  const start = heard.findIndex((sample) => Math.abs(sample) > 300);
  assert.ok(rms(heard, start + 240, start + 480) > 0.9 * rms(heard, 24_000, 28_000));
});

for (const codec of ["opus", "G722", "PCMU"] as const)
  test(`${codec}: with one packet in twenty lost, speech goes on without a click`, async () => {
    const random = seeded(11);
    const lost = new Set(
      Array.from({ length: 150 }, (_, index) => index).filter((index) => index > 5 && random() < 0.05),
    );
    const { heard, counters } = await hear(await burst({ codec }), 3600, (index) =>
      lost.has(index) ? undefined : index * 20,
    );
    const whole = await hear(await burst({ codec }), 3600, (index) => index * 20);
    assert.is(counters.lost, lost.size);
    assert.ok(lost.size >= 4);
    const { distanceDb, longestGapMs } = hearing(whole.heard, heard);
    assert.ok(distanceDb.mean < 1.5, `${distanceDb.mean} dB away with ${lost.size} lost`);
    assert.ok(longestGapMs <= 20, `silent for ${longestGapMs} ms`);
    assert.ok(
      largestStep(heard) < 1.6 * largestStep(whole.heard),
      `step ${largestStep(heard)} of ${largestStep(whole.heard)}`,
    );
  });

test("a burst that breaks off fades to silence within 100 ms, and silence stays silent", async () => {
  const { heard, spoken } = await hear(await burst({ frames: 60 }), 2400, (index) =>
    index < 50 ? index * 20 : undefined,
  );
  assert.ok(largestStep(heard) < 1.3 * largestStep(said), `step ${largestStep(heard)}`);
  const end = spoken.lastIndexOf(true) + 1;
  assert.is(end, 2 + 50 + 5);
  assert.ok(Math.abs(heard[end * 960 - 1] ?? 9999) < 20, "the last sample is near nothing");
});

test("a network that stalls for 200 ms and then delivers all at once loses no speech", async () => {
  const stalled = (index: number): number => (index >= 20 && index < 30 ? 600 : index * 20);
  const { heard, counters, spoken } = await hear(await burst(), 3600, stalled);
  assert.is(counters.lost + counters.late, 0);
  assert.ok(largestStep(heard) < 1.6 * largestStep(said), `step ${largestStep(heard)}`);
  assert.ok(spoken.lastIndexOf(true) <= punctualEnd + 6, `ends ${spoken.lastIndexOf(true) - punctualEnd} frames late`);
});

test("speech that was kept until the floor was granted is caught up with, without a click and without a hole", async () => {
  const { heard, counters, spoken } = await hear(await burst(), 3600, (index) => Math.max(300, index * 20));
  assert.is(counters.lost + counters.late, 0);
  const start = spoken.indexOf(true);
  assert.is(start, 17, "40 ms after it arrived");
  assert.not(spoken.slice(start, spoken.lastIndexOf(true)).includes(false));
  assert.ok(largestStep(heard) < 1.3 * largestStep(said), `step ${largestStep(heard)}`);
  assert.ok(spoken.lastIndexOf(true) <= punctualEnd + 2, `ends ${spoken.lastIndexOf(true) - punctualEnd} frames late`);
});

for (const driftPpm of [200, -200])
  test(`a loudspeaker that is ${driftPpm} ppm off plays ten minutes without a hole, a click or a growing delay`, async () => {
    const ms = 600_000;
    const once = await speech("north", 5_000);
    const packets = await burst({ frames: 250, speech: once });
    const long = Array.from({ length: ms / 20 }, (_, index) => {
      const packet = (packets[index % 250] ?? new Uint8Array(0)).slice();
      const numbers = { sequence: index & 0xffff, timestamp: (index * 960) >>> 0, ssrc: 7 };
      writeRtpHeader(packet, { payloadType: 111, marker: index === 0, ...numbers });
      return packet;
    });
    const random = seeded(21);
    let concealed = 0;
    const counting: Opus = {
      ...opus,
      async decoder() {
        const decoder = await opus.decoder();
        const conceal = (into: Int16Array): void => {
          concealed++;
          decoder.conceal(into);
        };
        return { ...decoder, conceal };
      },
    };
    const arrival = (index: number): number => index * 20 + 10 * random();
    const { heard, counters } = await hear(long, ms, arrival, { driftPpm, by: counting });
    assert.is(counters.lost + counters.late, 0);
    assert.ok(concealed <= 5, `${concealed} frames were made up, and not behind the end`);
    for (const at of [0, 100, 300, 500, 590].map((seconds) => seconds * 48_000)) {
      // What the loudspeaker's clock is ahead by then is no delay.
      const ahead = Math.round((at * driftPpm) / 1e6);
      const piece = hearing(once, heard.subarray(at + ahead, at + ahead + 270_000));
      const late = `${JSON.stringify(piece)} after ${at / 48_000} s`;
      assert.ok(piece.delayMs.p95 < 75 && piece.clicks === 0 && piece.longestGapMs <= 5, late);
      assert.is(piece.spoilt, 0, late);
    }
  });

/** The packets of a burst of PCMU in packets of `bytes` samples. */
async function repacked(bytes: number): Promise<Uint8Array[]> {
  const payloads = (await burst({ codec: "PCMU" })).map((packet) => packet.subarray(rtpHeaderLength));
  const joined = Uint8Array.from(payloads.flatMap((payload) => [...payload]));
  return Array.from({ length: Math.floor(joined.length / bytes) }, (_, index) => {
    const packet = new Uint8Array(rtpHeaderLength + bytes);
    const timestamp = index * bytes;
    writeRtpHeader(packet, { payloadType: 0, marker: index === 0, sequence: index, timestamp, ssrc: 7 });
    packet.set(joined.subarray(timestamp, timestamp + bytes), rtpHeaderLength);
    return packet;
  });
}

test("packets of other lengths than a frame are played at the right pace, lost ones included", async () => {
  for (const bytes of [80, 240, 480]) {
    const ms = bytes / 8;
    // 60 ms are lost of every 600.
    const lost = (index: number): boolean => index * ms > 300 && (index * ms) % 600 < 60;
    const packets = await repacked(bytes);
    const whole = await hear(packets, 3600, (index) => index * ms);
    const { first, last } = ends(said, whole.heard);
    assert.ok(first.value > 0.95 && last.value > 0.95, `packets of ${ms} ms: ${first.value}, then ${last.value}`);
    const holed = await hear(packets, 3600, (index) => (lost(index) ? undefined : index * ms));
    assert.is(holed.counters.lost, (4 * 60) / ms);
    const { delayMs, distanceDb } = hearing(whole.heard, holed.heard);
    assert.ok(
      delayMs.p50 <= 20 && distanceDb.mean < 4,
      `packets of ${ms} ms with losses: ${delayMs.p50} ms late, ${distanceDb.mean} dB away`,
    );
  }
});

test("what is no voice of the leg is refused, garbage in a payload is concealed, and the leg still plays", async () => {
  const playout = await openPlayout({ opus });
  const random = seeded(12);
  const frame = new Int16Array(960);
  const sound = await onePacket();
  assert.not(playout.receive(sound.subarray(0, 8), 0), "no RTP");
  const other = sound.slice();
  other[1] = 0x80 | 101;
  assert.not(playout.receive(other, 0), "telephone-event");
  for (let count = 0; count < 3000; count++) {
    const packet = sound.slice();
    for (let flips = 0; flips < 4; flips++) packet[Math.floor(random() * packet.length)] = random() * 256;
    playout.receive(packet, count * 10);
    playout.fill(frame, count * 10);
  }
  playout.close();
});

test("payload types are those that were agreed", async () => {
  const playout = await openPlayout({ opus });
  const packet = await onePacket();
  playout.expect(new Map([[96, "opus"]]));
  assert.not(playout.receive(packet, 0));
  packet[1] = 0x80 | 96;
  assert.ok(playout.receive(packet, 0));
  playout.close();
});

test.run();
