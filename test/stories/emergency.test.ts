import { test } from "uvu";
import * as assert from "uvu/assert";
import { likeness } from "../../scripts/demonstration/likeness.ts";
import { openRealm, type StorySite, settleMs, speech } from "../support/realm.ts";

const dispatcher = `  - { user: chief, password: "story only", talkgroups: [ops], dispatcher: [ops] }`;

async function twoSites() {
  const realm = await openRealm();
  const north = await realm.site("north", { mayRaise: true, accounts: dispatcher });
  const south = await realm.site("south", { priority: 255, mayRaise: true });
  await realm.clock.advance(settleMs);
  return { ...realm, north, south };
}

const lit = (...sites: readonly StorySite[]): boolean[] => sites.map((site) => site.lamp("emergency"));

test("the emergency button takes the floor from the highest priority at another site, and lamps show it until it is over", async () => {
  const { clock, north, south, close } = await twoSites();
  south.press();
  await clock.advance(1_000);
  assert.ok(south.lamp("transmit"));
  const ears = south.listen();
  const said = await speech("north", 4_000);
  north.press("emergency");
  north.say(said);
  await clock.advance(5_000);
  assert.ok(north.lamp("transmit") && !south.lamp("transmit"));
  // The tone of the cut sounds over the first words.
  const heard = likeness(said.slice(1_000 * 48), ears.take());
  assert.ok(heard.heard >= 0.95 && heard.correlation > 0.9, JSON.stringify(heard));
  assert.equal(lit(north, south), [true, true]);
  north.release("emergency");
  south.release();
  await clock.advance(1_000);
  assert.equal(lit(north, south), [true, true], "it is over when somebody says so");
  south.press("emergency-over");
  south.release("emergency-over");
  await clock.advance(1_000);
  assert.equal(lit(north, south), [true, true], "it is none of south's");
  north.press("emergency-over");
  north.release("emergency-over");
  await clock.advance(5_000);
  assert.equal(lit(north, south), [false, false]);
  await close();
});

test("an emergency that is called while the broker is away is known everywhere when it is back, and it has the floor", async () => {
  const { clock, broker, north, south, close } = await twoSites();
  broker.stop();
  await clock.advance(5_000);
  north.press("emergency");
  await clock.advance(1_000);
  south.press();
  await clock.advance(1_000);
  assert.equal(lit(north, south), [true, false]);
  assert.ok(north.lamp("transmit") && south.lamp("transmit"), "each site has a floor of its own");
  broker.start();
  await clock.advance(10_000);
  assert.equal(lit(north, south), [true, true]);
  assert.ok(north.lamp("transmit") && !south.lamp("transmit"), "the emergency stays");
  north.release("emergency");
  south.release();
  await clock.advance(1_000);
  await close();
});

test("a talker who presses the emergency button too goes on talking, more urgently, until both are let go", async () => {
  const { clock, north, south, close } = await twoSites();
  north.press();
  await clock.advance(1_000);
  north.press("emergency");
  await clock.advance(500);
  assert.equal(lit(north, south), [true, true]);
  south.press();
  await clock.advance(1_500);
  assert.ok(north.lamp("transmit") && !south.lamp("transmit"));
  north.release();
  await clock.advance(500);
  assert.ok(north.lamp("transmit"));
  north.release("emergency");
  await clock.advance(500);
  assert.not.ok(north.lamp("transmit"));
  south.release();
  await clock.advance(500);
  await close();
});

test("who may not call an emergency talks by that button as by the other", async () => {
  const realm = await openRealm();
  const [north, south] = await realm.sites("north", "south");
  north?.press("emergency");
  await realm.clock.advance(500);
  assert.ok(north?.lamp("transmit"));
  assert.not.ok(north?.lamp("emergency") || south?.lamp("emergency"));
  north?.release("emergency");
  await realm.clock.advance(500);
  await realm.close();
});

test("a talker hears that the burst will soon be cut", async () => {
  const realm = await openRealm();
  const north = await realm.site("north", { talkSeconds: 8, opsOptions: "talkWarningSeconds: 3" });
  await realm.clock.advance(settleMs);
  north.press();
  const pressedAt = realm.clock.now();
  await realm.clock.advance(9_000);
  const [warned] = north.told("the burst will soon be cut");
  assert.ok(Math.abs((warned?.at ?? 0) - pressedAt - 5_000) < 50, `${(warned?.at ?? 0) - pressedAt} ms`);
  assert.is(north.told("floor revoked").length, 1);
  north.release();
  await realm.clock.advance(500);
  await realm.close();
});

test.run();
