import { test } from "uvu";
import * as assert from "uvu/assert";
import { largestPacket, preRoll } from "../../../firmware/agent/pre-roll.ts";

function drained(kept: ReturnType<typeof preRoll>): string[] {
  const out: string[] = [];
  kept.drain((packet, timestamp) => out.push(`${timestamp}:${[...packet].join(" ")}`));
  return out;
}

test("what is kept comes out once, oldest first, with its timestamp, though the encoder reuses its packet", () => {
  const kept = preRoll(3);
  const packet = new Uint8Array(2);
  for (const value of [1, 2]) kept.keep(packet.fill(value), value * 960);
  assert.equal(drained(kept), ["960:1 1", "1920:2 2"]);
  assert.equal(drained(kept), []);
});

test("when it is full the oldest gives way", () => {
  const kept = preRoll(3);
  for (let value = 0; value < 8; value++) kept.keep(Uint8Array.of(value), value);
  assert.equal(drained(kept), ["5:5", "6:6", "7:7"]);
  for (let value = 0; value < 2; value++) kept.keep(Uint8Array.of(value), value);
  assert.equal(drained(kept), ["0:0", "1:1"]);
});

test("what was cleared is gone, and a packet larger than any of Opus is not kept", () => {
  const kept = preRoll(3);
  kept.keep(Uint8Array.of(1), 1);
  kept.clear();
  kept.keep(new Uint8Array(largestPacket + 1), 2);
  kept.keep(new Uint8Array(largestPacket), 3);
  assert.equal(
    drained(kept).map((text) => text.split(":")[0]),
    ["3"],
  );
});

test.run();
