import { test } from "uvu";
import * as assert from "uvu/assert";
import { incarnations } from "../../../firmware/federation/incarnations.ts";
import { replayWindow } from "../../../firmware/federation/replay-window.ts";

const older = { start: 1_000, random: 9 };
const newer = { start: 2_000, random: 1 };

test("a counter passes once, out of order within 64 of the highest, and not behind that", () => {
  const passes = replayWindow();
  assert.equal([1, 2, 100, 37, 99, 100, 37, 36, 2].map(passes), [
    true,
    true,
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
  assert.not.ok(passes(0), "0 is the will's");
  assert.ok(passes(2 ** 48 - 1));
  assert.not.ok(passes(101));
});

test("floor and media of one sender do not use up each other's counters", () => {
  const known = incarnations(4, () => false);
  known.admit("north", older, "media", 500);
  assert.is(known.admit("north", older, "floor", 2), "current");
  assert.is(known.admit("north", older, "floor", 2), "replayed");
  assert.is(known.admit("north", older, "media", 500), "replayed");
});

test("the first word of a later boot ends the one before, and counters start again", () => {
  const known = incarnations(4, () => false);
  assert.is(known.admit("north", older, "floor", 900), "new-boot");
  assert.is(known.admit("north", newer, "floor", 1), "new-boot");
  assert.is(known.admit("north", newer, "floor", 1), "replayed");
  assert.is(known.admit("north", older, "floor", 901), "old-boot");
  assert.is(
    known.admit("north", { ...newer, random: 2 }, undefined, 1),
    "new-boot",
    "of one millisecond chance decides",
  );
});

test("no more gateways are known than the limit, and room is made only by those that may be forgotten", () => {
  const shown = new Set(["a", "b"]);
  const known = incarnations(2, (gateway) => !shown.has(gateway));
  assert.equal(
    ["a", "b", "c"].map((gateway) => known.admit(gateway, older, undefined, 1)),
    ["new-boot", "new-boot", "too-many-gateways"],
  );
  shown.delete("a");
  assert.is(known.admit("c", older, undefined, 1), "new-boot");
  assert.is(known.latestOf("a"), undefined);
});

test.run();
