import { test } from "uvu";
import * as assert from "uvu/assert";
import { keyReader } from "../../../firmware/media/telephone-event.ts";

interface Packet {
  readonly at: number;
  readonly event: number;
  readonly duration?: number;
  readonly end?: boolean;
  readonly ssrc?: number;
}

function read(...packets: readonly Packet[]): string {
  const reader = keyReader();
  return packets
    .map(({ at, event, duration = 160, end = false, ssrc = 1 }) =>
      reader.take(at >>> 0, ssrc, Uint8Array.of(event, end ? 0x8a : 10, duration >> 8, duration & 0xff)),
    )
    .map((key) => key ?? ".")
    .join("");
}

/** A key as it comes: some packets while it is held, three at its end. */
const pressed = (at: number, event: number): Packet[] => [
  { at, event },
  { at, event, duration: 320 },
  { at, event, duration: 480 },
  ...Array.from({ length: 3 }, () => ({ at, event, duration: 640, end: true })),
];

test("each key is told once, by its first packet", () => {
  assert.is(read(...pressed(1_000, 10), ...pressed(3_000, 11), ...pressed(5_000, 1)), "*.....#.....1.....");
  assert.is(
    read(...pressed(5, 0), ...pressed(3_000, 9), ...pressed(5_000, 12), ...pressed(9_000, 15)).replaceAll(".", ""),
    "09AD",
  );
});

test("a key whose first packets are lost is told by the next, at worst by its end", () => {
  assert.is(read(...pressed(1_000, 10).slice(2)), "*...");
  assert.is(read(...pressed(1_000, 10).slice(5)), "*");
});

test("copies, and stragglers of the key before, are no keys", () => {
  const [first, second] = [pressed(1_000, 10), pressed(3_000, 10)];
  const late = [...first.slice(0, 4), ...second, ...first.slice(4), ...second.slice(3)];
  assert.is(read(...late.flatMap((packet) => [packet, packet])).replaceAll(".", ""), "**");
});

test("the same key again is a key again, also where the end of the first was lost", () => {
  assert.is(read(...pressed(1_000, 10).slice(0, 3), ...pressed(2_000, 10)), "*..*.....");
});

test("a key that is held beyond the longest duration goes on in a segment of its own, and is one key", () => {
  const held = [
    { at: 1_000, event: 10 },
    { at: 1_000, event: 10, duration: 0xffff },
    { at: 1_000 + 0xffff, event: 10 },
    { at: 1_000 + 2 * 0xffff, event: 10, end: true },
  ];
  assert.is(read(...held), "*...");
  assert.is(read({ at: 1_000, event: 10, end: true }, { at: 1_000 + 0xffff, event: 10 }), "**", "let go in between");
});

test("timestamps wrap, and a source that starts afresh is another", () => {
  assert.is(read(...pressed(0xffff_ff00, 10), ...pressed(400, 11)).replaceAll(".", ""), "*#");
  assert.is(read({ at: 9_000_000, event: 10 }, { at: 5, event: 11 }), "*#", "far back");
  assert.is(read({ at: 9_000, event: 10 }, { at: 5, event: 11, ssrc: 2 }), "*#", "another SSRC");
});

test("what is too short, or no key, is nothing", () => {
  const reader = keyReader();
  for (const payload of [[], [10], [10, 0, 0]]) assert.is(reader.take(1, 1, Uint8Array.from(payload)), undefined);
  for (const event of [16, 64, 255]) assert.is(read({ at: 1, event }), ".", "flash, tones, trunk events");
});

test.run();
