import { test } from "uvu";
import * as assert from "uvu/assert";
import { g722Silence } from "../../../firmware/media/g722.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { type Singer, singer } from "./choir.ts";
import { openSite } from "./site.ts";
import { heardBy } from "./sound.ts";

const opus = await loadOpus();

const isSilence = (payload: Uint8Array): boolean => payload.every((code, index) => code === g722Silence[index]);

test("a listener of G.722 is brought to rest between two talkers, and hears no bang where the first was torn off", async () => {
  const site = openSite({ opus });
  const ann = await singer(site, "ann", 1_000, { codec: "G722", floor: true });
  const ben = await singer(site, "ben", 500, { codec: "G722", floor: true });
  const listener = await singer(site, "listener", 2_000, { codec: "G722" });
  const other = await singer(site, "other", 2_000, { codec: "PCMU" });
  async function burst(talker: Singer, frames: number): Promise<void> {
    talker.terminal.press();
    await site.clock.advance(0);
    for (let frame = 0; frame < frames; frame++) {
      talker.terminal.speak(talker.next(true), { marker: frame === 0 });
      await site.clock.advance(20);
    }
    talker.terminal.release();
    await site.clock.advance(300);
  }
  // Torn off where it is loudest.
  await burst(ann, 21);
  assert.is(listener.terminal.heard.length, 21, "who has heard nothing needs no rest");
  await burst(ben, 25);
  const { heard } = listener.terminal;
  const rests = heard.flatMap(({ payload }, index) => (isSilence(payload) ? [index] : []));
  assert.equal(rests, [21, 22]);
  assert.is(heard.length, 21 + 2 + 25);
  const numbers = heard.map(({ sequence }) => (sequence - (heard[0]?.sequence ?? 0)) & 0xffff);
  assert.equal(numbers, [...numbers.keys()]);
  const sound = await heardBy(listener.terminal, heard);
  const peak = Math.max(...sound.map(Math.abs));
  assert.ok(peak < 5_500, `a peak of ${peak} of voices that reach 4200`);
  assert.is(other.terminal.heard.length, 21 + 25);
  assert.is(await site.close(), 0);
});

test.run();
