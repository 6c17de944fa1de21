import { test } from "uvu";
import * as assert from "uvu/assert";
import { heard, list, opus, rights, shown, stop, talk } from "./scanner.ts";
import { openSite } from "./site.ts";
import { mouth } from "./voiced.ts";

test("a talkgroup where everybody talks at once is heard as any other", async () => {
  const site = openSite({ opus });
  site.talkgroup({ name: "fire", mixing: true });
  const ops = await site.member("ops1");
  const fire = await site.member("fire1", { talkgroup: "fire", floor: false, codec: "PCMU" });
  const sam = await site.member("sam", { scan: list({ groups: [{ talkgroup: "fire", ...rights }] }) });
  const story = { site, clock: site.clock, ops, fire, sea: fire, sam };
  const speaker = await mouth(site.clock, fire, "PCMU");
  await speaker.hush(500);
  shown(sam);
  await speaker.speak(1_000);
  assert.ok(sam.heard.length > 40, `${sam.heard.length} packets`);
  assert.equal(shown(sam), ["fire1;group=fire"]);
  heard(sam);
  await talk(story, ops, 1, 2);
  assert.equal(heard(sam), [1, 2], "and left as any other");
  await stop(story, ops);
  await speaker.hush(5_000);
  await speaker.speak(500);
  assert.ok(sam.heard.length > 15, "and heard again");
  assert.is(await site.close(), 0);
});

test("whose home is such a talkgroup is heard there, whatever is heard meanwhile", async () => {
  const site = openSite({ opus });
  site.talkgroup({ name: "all", mixing: true });
  site.talkgroup({ name: "fire" });
  const anna = await site.member("anna", { talkgroup: "all" });
  const fire = await site.member("fire1", { talkgroup: "fire" });
  const scan = list({ groups: [{ talkgroup: "fire", ...rights }], priority: "fire" });
  const sam = await site.member("sam", { talkgroup: "all", floor: false, codec: "PCMU", scan });
  const story = { site, clock: site.clock, ops: anna, fire, sea: fire, sam };
  await (await mouth(site.clock, sam, "PCMU")).hush(500);
  await talk(story, fire);
  const speaker = await mouth(site.clock, fire, "opus");
  // It may even change its codec meanwhile.
  site.reoffer("sam", sam, { codec: "PCMA" });
  const user = await mouth(site.clock, sam, "PCMA");
  await user.hush(300);
  await speaker.speak(200);
  const before = sam.heard.length;
  assert.ok(before >= 9, `${before} packets of fire`);
  await user.speak(1_000);
  assert.ok(anna.heard.length > 35, `${anna.heard.length} packets at home`);
  const other = await mouth(site.clock, anna, "opus");
  anna.press();
  await other.speak(500);
  anna.release();
  assert.is(sam.heard.length, before, "nothing of home is heard");
  await stop(story, fire);
  await site.clock.advance(3_100);
  anna.press();
  await other.speak(500);
  assert.ok(sam.heard.length > before + 15, "home again");
  assert.is(await site.close(), 0);
});

test.run();
