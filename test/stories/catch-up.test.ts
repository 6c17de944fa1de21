import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadOpus } from "../../hal/opus/wasm.ts";
import { place } from "../../scripts/listening/alignment.ts";
import { hearing } from "../../scripts/listening/hearing.ts";
import { monologue } from "../support/quality.ts";
import { speech } from "../support/realm.ts";
import { openTalk, type Talk } from "../support/talk.ts";

const opus = await loadOpus();

/** What is heard of a burst, and how late each of its frames is. */
async function listen(said: Int16Array, grantMs: number, onTheWay?: (talk: Talk, atMs: number) => void) {
  const talk = await openTalk({ opus, grantMs, down: { latencyMs: 10 } });
  const [heard = new Int16Array(0)] = await talk.burst(said, (atMs) => onTheWay?.(talk, atMs));
  talk.close();
  const frames = place(said, heard).map(({ at, lag, fit }) => ({ atMs: at / 48, lateMs: lag / 48, fit }));
  const latest = (fromMs: number): number =>
    Math.max(...frames.filter(({ atMs, fit }) => atMs >= fromMs && fit >= 0.5).map(({ lateMs }) => lateMs));
  return { latest, ...hearing(said, heard) };
}

for (const voice of ["north", "south"] as const)
  test(`${voice}: a grant that took 300 ms is no longer heard after 3 s of speech, and no word is lost or spoilt`, async () => {
    const said = await speech(voice, 5_000);
    const prompt = await listen(said, 0);
    const { latest, missingMs, clicks, longestGapMs, spoilt, distanceDb } = await listen(said, 300);
    assert.ok(latest(0) > prompt.latest(0) + 200, "what was said before the grant is heard, late");
    assert.ok(latest(3_000) <= prompt.latest(0) + 20, `${latest(3_000)} ms late after 3 s`);
    assert.equal({ missingMs, clicks }, { missingMs: { start: 0, end: 0 }, clicks: 0 });
    assert.ok(spoilt < 0.01, `${100 * spoilt} % are spoilt`);
    assert.ok(longestGapMs <= 5, `silent for ${longestGapMs} ms`);
    assert.ok(distanceDb.mean < prompt.distanceDb.mean + 0.4, `${distanceDb.mean} dB away`);
  });

test("a grant that took a second loses nothing: fifty packets pass at once", async () => {
  const { latest, missingMs, spoilt } = await listen(await monologue(8), 980);
  assert.equal({ missingMs, spoilt: spoilt < 0.01 }, { missingMs: { start: 0, end: 0 }, spoilt: true });
  assert.ok(latest(6_000) < 130, `${latest(6_000)} ms late after 6 s`);
});

test("a network that stalls for 300 ms is waited for, and worked off within 4 s", async () => {
  const said = await monologue(12);
  const { latest, missingMs } = await listen(said, 0, (talk, atMs) => {
    for (const { host } of atMs === 4_000 ? talk.ears : []) talk.network.stall(talk.server, host, 300);
  });
  assert.ok(latest(3_800) > 300, "speech waits for what is late");
  assert.ok(latest(8_300) < 170, `${latest(8_300)} ms late 4 s later`);
  assert.equal(missingMs, { start: 0, end: 0 });
});

test.run();
