import { test } from "uvu";
import * as assert from "uvu/assert";
import { mixInto, type ToneName, tones } from "../../../firmware/media/tones.ts";
import { largestStep } from "./signals.ts";

const names: readonly ToneName[] = [
  "permit",
  "deny",
  "revoke",
  "warning",
  "lost-server",
  "unkeyed",
  "recording",
  "call",
  "call-over",
];

/** All that sounds of a tone over silence. */
function render(name: ToneName): Int16Array {
  const player = tones();
  player.start(name);
  const heard: number[] = [];
  for (let frame = new Int16Array(960); player.mix(frame); frame = new Int16Array(960)) {
    heard.push(...frame);
    assert.ok(heard.length <= 48_000, `${name} ends within a second`);
  }
  return Int16Array.from(heard);
}

test("each tone sounds, ends, and neither starts nor stops with a click", () => {
  for (const name of names) {
    const heard = render(name);
    assert.ok(
      heard.some((sample) => sample > 5000),
      name,
    );
    // The steepest step of the highest note, 1400 Hz, at full level.
    assert.ok(largestStep(heard) < 7000 * 2 * Math.PI * (1400 / 48_000) * 1.05, `${name}: ${largestStep(heard)}`);
  }
});

test("no two tones can be mistaken for one another", () => {
  const heard = names.map((name) => render(name).join());
  assert.is(new Set(heard).size, names.length);
});

test("permission to talk is told within 150 ms", () => {
  assert.ok(render("permit").length <= 48 * 160);
});

test("a new tone takes the place of the one that sounds, and when none does the frame is left alone", () => {
  const player = tones();
  const frame = new Int16Array(960);
  player.start("deny");
  assert.ok(player.mix(frame));
  player.start("permit");
  frame.fill(0);
  player.mix(frame);
  assert.equal(frame, render("permit").subarray(0, 960));
  player.stop();
  frame.fill(7);
  assert.not(player.mix(frame));
  assert.ok(frame.every((sample) => sample === 7));
});

test("what is too loud together is clipped, not wrapped around", () => {
  const frame = Int16Array.from([32_000, -32_000, 100]);
  assert.is(mixInto(frame, Int16Array.from([1000, -1000, -50])), 3);
  assert.equal([...frame], [32_767, -32_768, 50]);
});

test.run();
