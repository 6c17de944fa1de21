import { test } from "uvu";
import * as assert from "uvu/assert";
import type { SpokenPiece } from "../../../firmware/conference/protocol.ts";
import { burstTap } from "../../../firmware/conference/tap.ts";
import { speechIn } from "../../../firmware/media/packed-speech.ts";
import { virtualClock } from "../../../hal/clock/virtual.ts";

const frame = 960;

function rig() {
  const clock = virtualClock({ wallMs: 5_000_000 });
  const pieces: SpokenPiece[] = [];
  let burst = 40;
  const tap = burstTap(
    { clock, post: (piece) => void pieces.push(piece) },
    {
      talkgroup: "ops",
      silenceMs: 4_000,
      nextBurst() {
        burst += 1;
        return burst;
      },
    },
  );
  /** A packet whose timestamp is `first` and so many frames, told by its number. */
  function say(number: number, first = 0xffff_f000, length = 30): void {
    const packet = new Uint8Array(12 + length).fill(number);
    tap.take(packet, { sequence: number & 0xffff, timestamp: (first + number * frame) >>> 0, marker: false });
  }
  async function talk(from: number, to: number, first?: number): Promise<void> {
    for (let number = from; number < to; number++) {
      say(number, first);
      await clock.advance(20);
    }
  }
  const placed = () =>
    pieces.map(({ speech }) => [...speechIn(speech)].map(({ position, payload }) => [position / frame, payload[0]]));
  return {
    clock,
    pieces,
    tap,
    say,
    talk,
    placed,
    numbers: () =>
      placed()
        .flat()
        .map(([, number]) => number),
  };
}

test("a burst comes in pieces of half a second, whole and in order, and ends with what was in flight", async () => {
  const { clock, pieces, tap, say, talk, placed } = rig();
  tap.begin("sip:alice@x");
  await talk(0, 60);
  tap.end();
  say(60);
  await clock.advance(200);
  say(61);
  assert.equal(
    placed().flat(),
    [...Array(61).keys()].map((number) => [number, number]),
  );
  assert.equal(
    pieces.map(({ speech: _, ...rest }) => rest),
    [undefined, undefined, "complete"].map((end) => ({
      ...{ burst: 41, talkgroup: "ops", talker: "sip:alice@x", startedAt: 5_000_000, dropped: 0 },
      ...(end !== undefined && { end }),
    })),
  );
  assert.is(clock.pending(), 0);
});

test("a burst began when the first of it was said, although that came later, all at once", async () => {
  const { clock, pieces, tap, say, talk, placed } = rig();
  tap.begin("sip:alice@x");
  await clock.advance(1_000);
  for (let number = 0; number < 20; number++) say(number);
  await talk(20, 60);
  tap.end();
  await clock.advance(200);
  // The last of what was kept was said just then.
  assert.equal(
    pieces.map(({ startedAt }) => startedAt),
    pieces.map(() => 5_000_000 + 1_000 - 400),
  );
  assert.is(placed().flat().length, 60);
});

test("packets that overtake one another at the border of a piece are in one piece", async () => {
  const { clock, pieces, tap, say, numbers } = rig();
  tap.begin("sip:alice@x");
  for (const number of [0, 1, 2, 3, 5]) say(number);
  await clock.advance(500);
  for (const number of [4, 6, 7]) say(number);
  await clock.advance(500);
  tap.close();
  assert.equal(
    pieces.map(({ speech }) => [...speechIn(speech)].map(({ payload }) => payload[0])),
    [
      [0, 1, 2],
      [3, 5, 4],
      [6, 7],
    ],
  );
  assert.is(numbers().length, 8);
});

test("the next burst ends the one before at once, and each has its own number and talker", async () => {
  const { pieces, tap, talk } = rig();
  tap.begin("sip:alice@x");
  await talk(0, 3);
  tap.end();
  tap.begin("sip:bob@x");
  await talk(0, 3);
  tap.close();
  assert.equal(
    pieces.map(({ burst, talker, end, speech }) => [burst, talker, end, [...speechIn(speech)].length]),
    [
      [41, "sip:alice@x", "complete", 3],
      [42, "sip:bob@x", "lost", 3],
    ],
  );
});

test("a burst in which nothing is said is none", async () => {
  const { clock, pieces, tap } = rig();
  tap.begin("sip:alice@x");
  await clock.advance(3_000);
  tap.end();
  await clock.advance(3_000);
  assert.equal(pieces, []);
});

for (const [what, act, end] of [
  ["revoked", (tap: ReturnType<typeof rig>["tap"]) => tap.cut("revoked"), "revoked"],
  ["left", (tap: ReturnType<typeof rig>["tap"]) => tap.cut("lost"), "lost"],
] as const)
  test(`who was ${what} is cut`, async () => {
    const { clock, pieces, tap, talk } = rig();
    tap.begin("sip:alice@x");
    await talk(0, 3);
    act(tap);
    tap.end();
    await clock.advance(500);
    assert.is(pieces.at(-1)?.end, end);
  });

test("who fell silent before the end is lost", async () => {
  const { clock, pieces, tap, talk } = rig();
  tap.begin("sip:alice@x");
  await talk(0, 3);
  await clock.advance(4_000);
  tap.end();
  await clock.advance(500);
  assert.is(pieces.at(-1)?.end, "lost");
});

test("what the network loses leaves its place free, and a source that starts afresh goes on by the clock", async () => {
  const { clock, tap, say, talk, placed } = rig();
  tap.begin("sip:alice@x");
  await talk(0, 5);
  await clock.advance(200);
  await talk(15, 20);
  // By another clock, that begins anywhere.
  tap.rebase();
  await clock.advance(100);
  await talk(0, 2, 0x7000_0000);
  await clock.advance(20);
  say(0, 0x1000_0000);
  tap.close();
  const places = placed().flat();
  assert.equal(
    places.map(([place]) => place),
    [0, 1, 2, 3, 4, 15, 16, 17, 18, 19, 25, 26, 28],
  );
});

test("a talker whose numbers run ahead of the time records no more than there was time for", async () => {
  const { clock, pieces, tap, say, placed } = rig();
  tap.begin("sip:alice@x");
  // A minute more with each packet.
  for (let number = 0; number < 100; number++) {
    say(number * 3_000);
    await clock.advance(20);
  }
  assert.ok(
    placed()
      .flat()
      .every(([place]) => (place ?? 0) < 101),
    "by the clock",
  );
  // Faster than anybody talks.
  for (let number = 0; number < 1_500; number++) {
    say(number % 256, 0, 1);
    if (number % 30 === 0) await clock.advance(1);
  }
  tap.end();
  await clock.advance(600);
  assert.ok(
    Math.max(
      ...placed()
        .flat()
        .map(([place]) => place ?? 0),
    ) <
      110 + 250,
  );
  assert.is(pieces.at(-1)?.end, "lost");
});

test("a flood is dropped and counted, and its burst is cut", async () => {
  const { clock, pieces, tap, say } = rig();
  tap.begin("sip:alice@x");
  for (let number = 0; number < 100; number++) say(number, 0, 1_200);
  await clock.advance(500);
  tap.end();
  await clock.advance(500);
  const kept = pieces.flatMap(({ speech }) => [...speechIn(speech)]).length;
  assert.equal([kept, pieces[0]?.dropped, pieces.at(-1)?.end], [54, 46, "lost"]);
});

test.run();
