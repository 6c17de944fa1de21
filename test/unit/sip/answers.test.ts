import { test } from "uvu";
import * as assert from "uvu/assert";
import { answers } from "../../../firmware/sip/answers.ts";
import { virtualClock } from "../../../hal/clock/virtual.ts";

const clock = virtualClock();
const book = (most: number, bytes: number) => answers({ clock, lifeMs: 32_000, most, bytes });
const answer = (text: string) => new TextEncoder().encode(text);
const said = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

test("an answer is given again as it was until its time is over, and as a copy", async () => {
  const kept = book(10, 1_000);
  const given = answer("SIP/2.0 200 OK");
  kept.keep("a", given);
  given.fill(0);
  kept.find("a")?.fill(0);
  await clock.advance(31_999);
  assert.is(said(kept.find("a")), "SIP/2.0 200 OK");
  assert.is(kept.find("b"), undefined);
  assert.is(kept.size(), 1);
  await clock.advance(1);
  assert.is(kept.find("a"), undefined);
  assert.is(kept.size(), 0);
});

test("whatever is kept in whatever order, what is found is what was kept for it, and is within bounds", async () => {
  const most = 20;
  const bytes = 300;
  const kept = book(most, bytes);
  const texts = new Map<string, string>();
  let seed = 1;
  const dice = (sides: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % sides;
  };
  for (let round = 0; round < 20_000; round++) {
    const key = `${round % 3 === 0 ? dice(50) : round}`;
    const text = `${round}:`.padEnd(1 + dice(80), "x");
    kept.keep(key, answer(text));
    texts.delete(key);
    texts.set(key, text);
    if (dice(10) === 0) await clock.advance(dice(5_000));
    assert.is(said(kept.find(key)), text);
    let total = 0;
    for (const [each, expected] of [...texts].reverse()) {
      const found = said(kept.find(each));
      if (found === undefined) continue;
      assert.is(found, expected);
      total += expected.length;
    }
    assert.ok(total <= bytes && kept.size() <= most);
    if (texts.size > 100) for (const old of [...texts.keys()].slice(0, 50)) if (!kept.find(old)) texts.delete(old);
  }
});

test("as many are kept as there are places and bytes for", () => {
  const byPlaces = book(3, 1_000);
  for (const key of ["a", "b", "c", "d"]) byPlaces.keep(key, answer(key));
  assert.equal(
    ["a", "b", "c", "d"].map((key) => said(byPlaces.find(key))),
    [undefined, "b", "c", "d"],
  );
  const byBytes = book(10, 10);
  for (const key of ["aaaa", "bbbb", "cccc"]) byBytes.keep(key, answer(key));
  assert.equal(
    ["aaaa", "bbbb", "cccc"].map((key) => said(byBytes.find(key))),
    [undefined, "bbbb", "cccc"],
  );
  byBytes.keep("too long", answer("0123456789a"));
  assert.is(byBytes.find("too long"), undefined);
  assert.is(byBytes.size(), 2);
  byBytes.clear();
  assert.is(byBytes.size(), 0);
});

test.run();
