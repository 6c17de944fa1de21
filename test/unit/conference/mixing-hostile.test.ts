import { test } from "uvu";
import * as assert from "uvu/assert";
import { codecNames } from "../../../firmware/media/codec.ts";
import { rtpHeaderLength, writeRtpHeader } from "../../../firmware/media/rtp.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { seeded } from "../media/signals.ts";
import { type Singer, sing, singer } from "./choir.ts";
import { countedOpus } from "./counted-opus.ts";
import { openSite } from "./site.ts";

const opus = await loadOpus();

/** Twenty-four telephones of every codec, where all talk at once. */
async function crowd() {
  const { count, counting } = countedOpus(opus);
  const site = openSite({ opus: counting, settings: { mixing: true } });
  const all: Singer[] = [];
  for (let index = 0; index < 24; index++)
    all.push(await singer(site, `m${index}`, 400, { codec: codecNames[index % 4] ?? "opus" }));
  // The tones that a telephone may be told by are made.
  await site.clock.advance(100);
  return { count, site, all };
}

test("packets of nonsense, of any length, number and time, from everybody and from other gateways, are bounded and tear nothing", async () => {
  const { count, site, all } = await crowd();
  const random = seeded(99);
  const below = (limit: number): number => Math.floor(random() * limit);
  const nonsense = (length: number): Uint8Array => Uint8Array.from({ length }, () => below(256));
  let most = 0;
  for (let tick = 0; tick < 150; tick++) {
    for (const { terminal } of all) {
      if (random() < 0.05) terminal.skip(below(70_000), below(100_000));
      for (let packets = below(4); packets > 0; packets--) terminal.speak(nonsense(below(1_473)), { ms: below(200) });
    }
    for (let gateway = 0; gateway < 30; gateway++) {
      const packet = nonsense(rtpHeaderLength + below(300));
      if (random() < 0.9)
        writeRtpHeader(packet, {
          ...{ payloadType: [111, 9, 0, 8, 77][below(5)] ?? 0, marker: random() < 0.1 },
          ...{ sequence: below(65_536), timestamp: below(2 ** 32), ssrc: below(3) },
        });
      const from = `gateway${gateway}`;
      site.conference.receive({ type: "trunk-media", from, talkgroup: "ops", packet });
    }
    await site.clock.advance(20);
    most = Math.max(most, count.open);
  }
  // Sixteen speakers, an encoder for each that is a leg, one for those who listen, and one that opens while another closes.
  assert.ok(most <= 2 * 16 + 2, `${most} codecs of Opus at once`);
  assert.is(await site.close(), 0);
  assert.is(count.open, 0);
});

test("thousands of packets at once cost a look each, and what follows is heard", async () => {
  const { site, all, count } = await crowd();
  const [flooder, talker] = [all[3], all[0]];
  if (!flooder || !talker) throw new Error("nobody there");
  await sing(site, all, [], 100);
  const decoded = count.decoded;
  for (let index = 0; index < 5_000; index++) flooder.terminal.speak(flooder.next(true));
  await site.clock.advance(20);
  assert.is(count.decoded, decoded);
  const before = all[5]?.terminal.heard.length ?? 0;
  await sing(site, all, [talker], 1_500);
  assert.ok((all[5]?.terminal.heard.length ?? 0) - before > 50);
  assert.is(await site.close(), 0);
});

test.run();
