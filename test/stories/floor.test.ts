import { test } from "uvu";
import * as assert from "uvu/assert";
import { likeness } from "../../scripts/demonstration/likeness.ts";
import { openRealm, type StorySite, speech } from "../support/realm.ts";

/** T1 of the default talkgroup, ms. */
const endOfMediaMs = 4_000;

function two(sites: readonly StorySite[]): [StorySite, StorySite] {
  const [a, b] = sites;
  if (!a || !b) throw new Error("two sites were asked for");
  return [a, b];
}

const transmitting = (sites: readonly StorySite[]): string[] =>
  sites.filter((site) => site.lamp("transmit")).map(({ name }) => name);

test("two press at once at two sites: exactly one is granted, the other is denied with the reason", async () => {
  const realm = await openRealm();
  const sites = await realm.sites("north", "south");
  for (const site of sites) site.press();
  await realm.clock.advance(200);
  const winners = transmitting(sites);
  assert.is(winners.length, 1);
  const loser = sites.find(({ name }) => name !== winners[0]);
  assert.equal(
    loser?.told("floor denied").map(({ fields }) => fields["reason"]),
    ["someone else is talking"],
  );
  // The denied button does nothing until it is let go; then it works again.
  for (const site of sites) site.release();
  await realm.clock.advance(500);
  assert.equal(transmitting(sites), []);
  loser?.press();
  await realm.clock.advance(100);
  assert.equal(transmitting(sites), [loser?.name]);
  loser?.release();
  await realm.clock.advance(500);
  await realm.close();
});

test("presses that nearly coincide never give two talkers, whoever is a few ms ahead", async () => {
  const realm = await openRealm({ latencyMs: 7 });
  const sites = await realm.sites("north", "south", "west");
  for (const gap of [0, 1, 3, 7, 14, 15, 30]) {
    for (const site of sites) {
      site.press();
      await realm.clock.advance(gap);
    }
    for (let step = 0; step < 20; step++) {
      await realm.clock.advance(10);
      assert.ok(transmitting(sites).length <= 1, `${transmitting(sites)} talk at once, gap ${gap}`);
    }
    assert.is(transmitting(sites).length, 1, `nobody talks, gap ${gap}`);
    for (const site of sites) site.release();
    await realm.clock.advance(1_000);
  }
  await realm.close();
});

test("a talker whose gateway vanishes in mid-burst has lost the floor after T1, and the next press is granted", async () => {
  const realm = await openRealm();
  const [north, south] = two(await realm.sites("north", "south"));
  const said = await speech("north", 2_000);
  for (const [talker, listener] of [[north, south]] as const) {
    talker.press();
    talker.say(said);
    await realm.clock.advance(1_000);
    assert.ok(listener.lamp("receive"));
    talker.vanish();
    await realm.clock.advance(endOfMediaMs - 500);
    assert.ok(listener.lamp("receive"), "a pause of less than T1 ends nothing");
    await realm.clock.advance(1_200);
    assert.not.ok(listener.lamp("receive"), "the floor is free after T1");
    listener.press();
    await realm.clock.advance(1_000);
    assert.ok(listener.lamp("transmit"), "and is granted to the next");
    listener.release();
    await realm.clock.advance(500);
  }
  await realm.close();
});

test("so does the next press when it was the vanished gateway that controlled the floor", async () => {
  for (const victim of ["north", "south"]) {
    const realm = await openRealm();
    const sites = await realm.sites("north", "south");
    const talker = sites.find(({ name }) => name === victim);
    const other = sites.find(({ name }) => name !== victim);
    talker?.press();
    await realm.clock.advance(500);
    talker?.vanish();
    await realm.clock.advance(endOfMediaMs + 1_000);
    assert.not.ok(other?.lamp("receive"), `${victim} vanished: the floor is free`);
    other?.press();
    await realm.clock.advance(1_000);
    assert.ok(other?.lamp("transmit"), `${victim} vanished: the other talks`);
    other?.release();
    await realm.clock.advance(500);
    await realm.close();
  }
});

test("a gateway that is shut down in mid-burst gives the floor back at once", async () => {
  for (const victim of ["north", "south"]) {
    const realm = await openRealm();
    const sites = await realm.sites("north", "south");
    const talker = sites.find(({ name }) => name === victim);
    const other = sites.find(({ name }) => name !== victim);
    talker?.press();
    await realm.clock.advance(500);
    assert.ok(other?.lamp("receive"));
    await talker?.close();
    assert.not.ok(other?.lamp("receive"), `${victim} was shut down`);
    await realm.close();
  }
});

test("a site that comes in mid-burst hears the rest of it, and sees that somebody talks", async () => {
  const realm = await openRealm();
  const [north] = two(await realm.sites("north", "south"));
  const said = await speech("north", 5_000);
  north.press();
  north.say(said);
  await realm.clock.advance(500);
  const late = await realm.site("west");
  const ears = late.listen();
  await realm.clock.advance(2_500);
  assert.ok(late.lamp("receive"));
  await realm.clock.advance(2_000);
  north.release();
  await realm.clock.advance(1_000);
  assert.not.ok(late.lamp("receive"));
  const rest = likeness(said.slice(3_500 * 48), ears.take());
  // 68 frames are loud enough to count; a codec keeps little of one or two that are all hiss.
  assert.ok(rest.correlation > 0.9 && rest.heard >= 0.95, `the rest is heard: ${JSON.stringify(rest)}`);
  await realm.close();
});

test("after the hang time the sessions are un-bridged, and stay; the next press costs no SIP", async () => {
  const realm = await openRealm();
  const [north, south] = two(await realm.sites("north", "south"));
  let sip = 0;
  north.press();
  await realm.clock.advance(300);
  north.release();
  await realm.clock.advance(300);
  assert.is(north.told("bridged").length, 1);
  assert.is(north.told("unbridged").length, 0, "hang time");
  await realm.clock.advance(5_100);
  assert.is(north.told("unbridged").length, 1);
  assert.is(south.told("unbridged").length, 1);
  assert.ok(north.lamp("ready") && south.lamp("ready"), "the sessions stay");

  const cancel = realm.network.onDatagram(({ to }) => {
    if (to.port === 5060) sip += 1;
  });
  south.press();
  await realm.clock.advance(50);
  assert.ok(south.lamp("transmit") && north.lamp("receive"));
  assert.is(sip, 0);
  cancel();
  south.release();
  await realm.clock.advance(500);
  await realm.close();
});

test("a burst longer than T2 is revoked, the floor is free after the grace, and the held button does nothing", async () => {
  const realm = await openRealm();
  const north = await realm.site("north", { talkSeconds: 5 });
  const south = await realm.site("south", { talkSeconds: 5 });
  await realm.clock.advance(8_000);
  north.press();
  await realm.clock.advance(5_500);
  assert.not.ok(north.lamp("transmit"), "cut after T2");
  assert.equal(
    north.told("floor revoked").map(({ fields }) => fields["reason"]),
    ["talked too long"],
  );
  await realm.clock.advance(3_500);
  assert.not.ok(south.lamp("receive"));
  assert.not.ok(north.lamp("transmit"), "a button that is still held keys nothing");
  south.press();
  await realm.clock.advance(100);
  assert.ok(south.lamp("transmit"));
  south.release();
  north.release();
  await realm.clock.advance(500);
  await realm.close();
});

test("a listen-only user is denied, wherever the floor is controlled", async () => {
  const realm = await openRealm();
  const sites = [await realm.site("north", { listenOnly: true }), await realm.site("south", { listenOnly: true })];
  await realm.clock.advance(8_000);
  for (const site of sites) {
    site.press();
    await realm.clock.advance(300);
    assert.not.ok(site.lamp("transmit"));
    assert.equal(
      site.told("floor denied").map(({ fields }) => fields["reason"]),
      ["listen only"],
    );
    site.release();
    await realm.clock.advance(300);
  }
  await realm.close();
});

test("a higher priority takes the floor from a lower one, whose button is told so", async () => {
  const realm = await openRealm();
  const north = await realm.site("north");
  const south = await realm.site("south", { priority: 9 });
  await realm.clock.advance(8_000);
  north.press();
  await realm.clock.advance(1_000);
  assert.ok(north.lamp("transmit"));
  south.press();
  await realm.clock.advance(1_500);
  assert.not.ok(north.lamp("transmit"));
  assert.ok(south.lamp("transmit") && north.lamp("receive"));
  assert.equal(
    north.told("floor revoked").map(({ fields }) => fields["reason"]),
    ["pre-empted by a higher priority"],
  );
  for (const site of [north, south]) site.release();
  await realm.clock.advance(500);
  await realm.close();
});

test("a button that is held at start-up does nothing until it is let go", async () => {
  const realm = await openRealm();
  const stuck = await realm.site("north", { held: true });
  const south = await realm.site("south");
  await realm.clock.advance(8_000);
  assert.ok(stuck.lamp("ready"));
  assert.not.ok(stuck.lamp("transmit") || south.lamp("receive"));
  stuck.release();
  await realm.clock.advance(500);
  assert.not.ok(stuck.lamp("transmit"));
  stuck.press();
  await realm.clock.advance(100);
  assert.ok(stuck.lamp("transmit") && south.lamp("receive"));
  stuck.release();
  await realm.clock.advance(500);
  await realm.close();
});

test.run();
