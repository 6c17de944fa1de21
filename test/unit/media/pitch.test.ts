import { test } from "uvu";
import * as assert from "uvu/assert";
import { lengthen, periodAtEnd, periodAtStart, shorten } from "../../../firmware/media/pitch.ts";
import { largestStep, sine } from "./signals.ts";

test("the period of a voice is found at either end", () => {
  const found = { lag: 0, likeness: 0 };
  periodAtEnd(sine(160, 8000, 320), found);
  assert.is(found.lag, 50);
  periodAtStart(sine(160, 48_000, 960), 480, found);
  assert.is(found.lag, 300);
  assert.ok(found.likeness > 0.999);
});

test("cutting passes from one place to the other smoothly, whatever lies there", () => {
  // From a crest on.
  const samples = sine(160, 48_000, 1035).slice(75);
  const before = samples.slice();
  // Half a period: the worst place to cut.
  assert.is(shorten(samples, 960, 150), 810);
  assert.is(samples[0], before[0], "what was played before still fits");
  assert.is(samples[809], before[959], "and what comes after");
  assert.ok(largestStep(samples.subarray(0, 810)) < 1.2 * largestStep(before));
});

test("repeating passes from one place to the other smoothly, whatever lies there and however short it is", () => {
  for (const lag of [120, 150, 300, 700]) {
    const samples = new Int16Array(2000);
    samples.set(sine(160, 48_000, 1035).subarray(75));
    const before = samples.slice();
    assert.is(lengthen(samples, 960, lag), 960 + lag);
    assert.equal(samples.slice(0, lag), before.slice(0, lag), "what was played before still fits");
    assert.equal(samples.slice(lag + 240, 960 + lag), before.slice(240, 960), "and what comes after");
    assert.ok(largestStep(samples.subarray(0, 960 + lag)) < 1.2 * largestStep(before));
  }
});

test.run();
