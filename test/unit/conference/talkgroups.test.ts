import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { openSite, payloads, say, settings } from "./site.ts";

const opus = await loadOpus();

test("a talkgroup that is no more gives up its legs in mid-burst, and nothing is left of it", async () => {
  const site = openSite({ opus });
  const [alice] = [await site.member("alice"), await site.member("bob")];
  alice.press();
  await site.clock.advance(20);
  await say(site.clock, alice, payloads(5));
  site.events.splice(0);
  site.conference.receive({ type: "no-talkgroup", talkgroup: "ops" });
  const lost = site.events.flatMap((event) => (event.type === "lost" ? [event.leg] : []));
  assert.equal(lost, ["alice", "bob"]);
  site.conference.receive({ type: "provision", options: site.legOptions("carol") });
  await site.clock.advance(0);
  const last = site.events.at(-1);
  assert.equal(last?.type === "refused" && last.status, 404);
  site.conference.receive({ type: "no-talkgroup", talkgroup: "ops" });
  assert.is(await site.close(), 0);
});

test("a leg whose sockets are being opened when its talkgroup goes is refused", async () => {
  const site = openSite({ opus });
  site.conference.receive({ type: "provision", options: site.legOptions("alice") });
  site.conference.receive({ type: "no-talkgroup", talkgroup: "ops" });
  // It is there again at once, and is another call.
  site.conference.receive({ type: "talkgroup", settings });
  await site.clock.advance(0);
  const [event] = site.events;
  assert.equal(event?.type === "refused" && event.status, 404);
  assert.is(await site.close(), 0);
});

test("a talkgroup that comes back with another limit on a talk burst has that limit", async () => {
  const site = openSite({ opus });
  site.conference.receive({ type: "no-talkgroup", talkgroup: "ops" });
  site.conference.receive({ type: "talkgroup", settings: { ...settings, talkMs: 2_000 } });
  const alice = await site.member("alice");
  alice.press();
  await site.clock.advance(20);
  await say(site.clock, alice, payloads(110));
  assert.ok(alice.news().includes("revoke"));
  assert.is(await site.close(), 0);
});

test("a talkgroup that comes back has the role that its gateway was told, and is heard at other sites", async () => {
  const site = openSite({ opus });
  site.role({ in: "controlling", peers: ["south"] });
  site.conference.receive({ type: "no-talkgroup", talkgroup: "ops" });
  site.talkgroup({});
  const alice = await site.member("alice");
  alice.press();
  await site.clock.advance(20);
  await say(site.clock, alice, payloads(3));
  assert.is(site.events.filter(({ type }) => type === "trunk-media").length, 3);
  assert.is(await site.close(), 0);
});

test.run();
