import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ConferenceEvent } from "../../../firmware/conference/protocol.ts";
import { floorIndicator } from "../../../firmware/floor/message.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import type { Terminal } from "../../support/terminal.ts";
import { realm } from "./realm.ts";
import { openSite, payloads, type Site, say } from "./site.ts";

const opus = await loadOpus();

const cry = (terminal: Terminal): void =>
  terminal.request({ type: "request", indicator: floorIndicator.emergency }, false);
const calm = (terminal: Terminal): void => terminal.request({ type: "release", indicator: floorIndicator.normal });

/** The last that a terminal was told of the urgency: "emergency", "peril" or "normal". */
function told(terminal: Terminal): string {
  const last = terminal.told.findLast((message) => "indicator" in message && message.indicator !== undefined);
  const bits = (last && "indicator" in last && last.indicator) || 0;
  if (bits & floorIndicator.emergency) return "emergency";
  return bits & floorIndicator.imminentPeril ? "peril" : "normal";
}

const posted = (events: readonly ConferenceEvent[]): string[] =>
  events.flatMap((event) => (event.type === "urgency" ? [event.urgency] : []));

async function crew(site: Site) {
  const alice = await site.member("alice", { mayRaise: true });
  const bob = await site.member("bob", { priority: 255 });
  const chief = await site.member("chief", { mayCalm: true });
  return { alice, bob, chief };
}

test("an emergency takes the floor from the highest priority, and everybody is told of it until it is over", async () => {
  const site = openSite({ opus });
  const { alice, bob, chief } = await crew(site);
  bob.press();
  await site.clock.advance(500);
  cry(alice);
  await site.clock.advance(0);
  assert.equal([told(bob), told(chief)], ["emergency", "emergency"]);
  assert.is(bob.told.at(-1)?.type, "revoke");
  bob.release();
  await site.clock.advance(0);
  assert.equal([alice.told.at(-1)?.type, told(alice)], ["granted", "emergency"]);
  alice.release();
  await site.clock.advance(0);
  bob.press();
  await site.clock.advance(0);
  assert.equal([bob.told.at(-1)?.type, told(bob)], ["granted", "emergency"]);
  alice.press();
  await site.clock.advance(0);
  assert.is(bob.told.at(-1)?.type, "revoke", "who called it talks with it, by whatever button");
  bob.release();
  alice.release();
  calm(alice);
  await site.clock.advance(0);
  assert.equal([alice, bob, chief].map(told), ["normal", "normal", "normal"]);
  assert.equal(posted(site.events), ["emergency", "normal"]);
  assert.is(await site.close(), 0);
});

test("who may not call an emergency talks like anybody, and nobody is told of one", async () => {
  const site = openSite({ opus });
  const { alice, bob } = await crew(site);
  alice.press();
  await site.clock.advance(0);
  const liar = await site.member("liar");
  cry(liar);
  await site.clock.advance(0);
  assert.is(liar.told.at(-1)?.type, "deny");
  assert.equal([told(bob), posted(site.events)], ["normal", []]);
  assert.is(await site.close(), 0);
});

test("an emergency is ended by who called it, or by a dispatcher, and by nobody else", async () => {
  const site = openSite({ opus });
  const { alice, bob, chief } = await crew(site);
  const second = await site.member("second", { mayRaise: true });
  for (const each of [alice, second]) {
    cry(each);
    await site.clock.advance(0);
    each.release();
    await site.clock.advance(0);
  }
  calm(bob);
  await site.clock.advance(0);
  assert.is(told(chief), "emergency");
  calm(alice);
  await site.clock.advance(0);
  assert.is(told(chief), "emergency", "the other's is not over");
  calm(chief);
  await site.clock.advance(0);
  assert.is(told(bob), "normal");
  assert.is(await site.close(), 0);
});

test("an emergency of which nobody says a word any more is over after its time", async () => {
  const site = openSite({ opus, settings: { emergencyMs: 60_000 } });
  const { alice, bob } = await crew(site);
  cry(alice);
  await say(site.clock, alice, payloads(10));
  alice.release();
  await site.clock.advance(50_000);
  assert.is(told(bob), "emergency");
  await site.clock.advance(11_000);
  assert.is(told(bob), "normal");
  assert.is(await site.close(), 0);
});

test("a telephone hears that there is an emergency, and who comes later is told", async () => {
  const site = openSite({ opus });
  const { alice } = await crew(site);
  const phone = await site.member("phone", { floor: false });
  cry(alice);
  await site.clock.advance(1_000);
  assert.ok(phone.heard.length > 20, "the tone");
  const late = await site.member("late");
  assert.is(told(late), "emergency");
  for (const [name, after] of [
    ["phone", "emergency"],
    ["desk", "normal"],
  ] as const) {
    if (name === "desk") await site.member(name, { floor: false, mayCalm: true });
    site.key(name, "0");
    await site.clock.advance(0);
    assert.is(told(late), after, `ended by a key of ${name}`);
  }
  assert.is(await site.close(), 0);
});

test("a talker who calls an emergency goes on talking, and others hear of it", async () => {
  const site = openSite({ opus });
  const { alice, bob } = await crew(site);
  alice.press();
  await site.clock.advance(0);
  cry(alice);
  await site.clock.advance(0);
  assert.equal([alice.told.at(-1)?.type, told(alice), told(bob)], ["granted", "emergency", "emergency"]);
  bob.press();
  await site.clock.advance(0);
  assert.is(bob.told.at(-1)?.type, "deny");
  assert.is(await site.close(), 0);
});

/** South controls. */
async function twoSites() {
  const sites = await realm("south", "north");
  const nora = await sites.site("north").member("nora", { mayRaise: true });
  const ned = await sites.site("north").member("ned", { mayCalm: true });
  const sam = await sites.site("south").member("sam", { priority: 255, mayRaise: true });
  return { ...sites, nora, ned, sam };
}

test("an emergency takes the floor at another site, is told there, and is ended from either", async () => {
  const { clock, nora, ned, sam, close } = await twoSites();
  sam.press();
  await clock.advance(500);
  cry(nora);
  await clock.advance(40);
  assert.is(sam.told.at(-1)?.type, "revoke");
  assert.equal([told(sam), told(ned)], ["emergency", "emergency"]);
  sam.release();
  await clock.advance(40);
  assert.is(nora.told.at(-1)?.type, "granted");
  nora.release();
  await clock.advance(40);
  calm(nora);
  await clock.advance(40);
  assert.equal([nora, ned, sam].map(told), ["normal", "normal", "normal"]);

  cry(sam);
  await clock.advance(40);
  assert.is(told(ned), "emergency");
  sam.release();
  calm(ned);
  await clock.advance(40);
  assert.equal([nora, ned, sam].map(told), ["normal", "normal", "normal"]);
  await clock.advance(5_000);
  assert.equal([nora, ned, sam].map(told), ["normal", "normal", "normal"], "nobody calls it back");
  assert.is(await close(), 0);
});

for (const where of ["north", "south"])
  test(`sites that were apart keep the burst of the emergency, which is ${where}'s, whatever the priorities, and all are told of it`, async () => {
    const { clock, trunk, site, roles, nora, ned, sam, close } = await twoSites();
    trunk.lost = () => true;
    site("north").role({ in: "controlling", peers: [] });
    site("south").role({ in: "controlling", peers: [] });
    const [caller, other] = where === "north" ? [nora, sam] : [sam, nora];
    other.press();
    cry(caller);
    const stop = clock.every(20, () => {
      for (const each of [nora, sam]) each.speak(Uint8Array.of(0xf8, 1));
    });
    await clock.advance(1_000);
    assert.equal([told(other), told(caller)], ["normal", "emergency"]);
    trunk.lost = () => false;
    roles("south", "north");
    await clock.advance(100);
    const cut = (terminal: Terminal): boolean => terminal.told.some(({ type }) => type === "revoke");
    assert.equal([cut(other), cut(caller)], [true, false], "the emergency stays");
    assert.equal([other, ned].map(told), ["emergency", "emergency"]);
    stop();
    assert.is(await close(), 0);
  });

test("a site that was cut off when the emergency was called hears of it as soon as it is back, also where nobody talks", async () => {
  const { clock, trunk, site, roles, nora, sam, close } = await twoSites();
  trunk.lost = () => true;
  site("north").role({ in: "controlling", peers: [] });
  site("south").role({ in: "controlling", peers: [] });
  cry(nora);
  await clock.advance(500);
  nora.release();
  await clock.advance(500);
  assert.is(told(sam), "normal");
  trunk.lost = () => false;
  roles("south", "north");
  await clock.advance(100);
  assert.equal([told(sam), told(nora)], ["emergency", "emergency"]);
  assert.is(await close(), 0);
});

test.run();
