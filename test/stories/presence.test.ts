import { test } from "uvu";
import * as assert from "uvu/assert";
import { openPresencePhone, pidfOf } from "../support/presence-phone.ts";
import { openRealm, type StoryRealm, type StorySite } from "../support/realm.ts";

/** What a change may take from one site's phone to another's, ms. */
const soon = 1_000;
/** How long the broker waits for a word of a gateway before it says that it is gone: 1.5 times the keep-alive. */
const brokerMs = 7_500;
const talking = "open other: talking in a talkgroup, on-the-phone";

const account = (user: string, more = ""): string =>
  `  - { user: ${user}, password: "story only", talkgroups: [ops]${more} }\n`;

/** North and south, and at each a phone. */
async function open(options: { readonly north?: string; readonly south?: string } = {}) {
  const realm = await openRealm();
  const north = await realm.site("north", { accounts: options.north ?? account("anna") });
  const south = await realm.site("south", { accounts: options.south ?? account("sven") });
  await realm.clock.advance(8_000);
  const anna = await phoneAt(realm, north, "anna", "10.0.9.1");
  const sven = await phoneAt(realm, south, "sven", "10.0.9.2");
  return { realm, north, south, anna, sven, clock: realm.clock };
}

const phoneAt = (realm: StoryRealm, site: StorySite, user: string, host: string) =>
  openPresencePhone(realm, {
    ...{ user, host, password: "story only", realm: "crew.example" },
    server: { host: site.address, port: 5060 },
  });

test("a phone at north comes, says what it does, and goes, before the eyes of a watcher at south", async () => {
  const { realm, anna, sven, clock } = await open();
  const seen = sven.watch("anna");
  await clock.advance(soon);
  assert.is(seen.last(), "closed");
  const registration = anna.register();
  await clock.advance(soon);
  assert.is(seen.last(), "open");
  await anna.publish(pidfOf("open", "<rpid:away/>", "at the pump"));
  await clock.advance(soon);
  assert.is(seen.last(), "open away: at the pump");
  void registration.close();
  await clock.advance(soon);
  assert.is(seen.last(), "closed");
  await realm.close();
});

test("a phone that dies is offline at the other site when its registration has run out", async () => {
  const { realm, anna, sven, clock } = await open();
  const seen = sven.watch("anna");
  anna.register(60);
  await clock.advance(soon);
  realm.network.kill("10.0.9.1");
  await clock.advance(50_000);
  assert.is(seen.last(), "open");
  await clock.advance(12_000);
  assert.is(seen.last(), "closed");
  await realm.close();
});

test("a talker is busy while holding the floor, here and at the other site, alone and in the list", async () => {
  const { realm, north, anna, sven, clock } = await open();
  anna.register();
  sven.register();
  await clock.advance(soon);
  const watching = [anna.watch("north-panel"), sven.watch("north-panel")];
  const lists = [anna.buddies(), sven.buddies()];
  await clock.advance(soon);
  const buddiesOf = (list: ReturnType<typeof sven.buddies>) => list.last().split(", ").toSorted();
  assert.equal(lists.map(buddiesOf), [
    ["north-panel open", "south-panel open", "sven open"],
    ["anna open", "north-panel open", "south-panel open"],
  ]);
  for (let burst = 0; burst < 2; burst++) {
    north.press();
    await clock.advance(soon);
    for (const seen of watching) assert.is(seen.last(), talking);
    for (const list of lists) assert.ok(list.last().includes(`north-panel ${talking}`), list.last());
    north.release();
    await clock.advance(soon);
    for (const seen of watching) assert.is(seen.last(), "open");
    for (const list of lists) assert.ok(list.last().includes("north-panel open"), list.last());
  }
  await realm.close();
});

test("a gateway that vanishes in mid-burst takes its users offline, and nobody stays busy", async () => {
  const { realm, north, south, anna, sven, clock } = await open();
  anna.register();
  const list = sven.buddies();
  const seen = sven.watch("north-panel");
  north.press();
  await clock.advance(soon);
  assert.is(seen.last(), talking);
  assert.match(list.last(), /anna open/);
  north.vanish();
  await clock.advance(brokerMs + soon);
  assert.equal([seen.last(), list.last()], ["closed", "south-panel open"]);
  const panel = sven.watch("south-panel");
  south.press();
  await clock.advance(soon);
  assert.is(panel.last(), talking);
  south.release();
  await clock.advance(soon);
  assert.equal([panel.last(), list.last()], ["open", "south-panel open"]);
  await realm.close();
});

test("a site without the broker shows its own users, and the others again when the broker is back", async () => {
  const { realm, anna, sven, clock } = await open();
  const list = sven.buddies();
  anna.register();
  await clock.advance(soon);
  assert.match(list.last(), /anna open/);
  realm.broker.stop();
  await clock.advance(15_000);
  assert.is(list.last(), "south-panel open");
  realm.broker.start();
  await clock.advance(15_000);
  assert.match(list.last(), /anna open/);
  await realm.close();
});

test("the rules of a user at north are kept at south, and a blocked user learns nothing", async () => {
  const rules = `, rules: [{ action: block, users: [sven] }, { action: polite-block, users: [stina] }]`;
  const { realm, south, anna, sven, clock } = await open({
    north: account("anna", rules),
    south: account("sven") + account("stina") + account("sara"),
  });
  const stina = await phoneAt(realm, south, "stina", "10.0.9.3");
  const sara = await phoneAt(realm, south, "sara", "10.0.9.4");
  anna.register();
  for (const phone of [sven, stina, sara]) phone.register();
  await clock.advance(soon);
  const [blocked, polite, friend] = [sven, stina, sara].map((phone) => phone.watch("anna"));
  const lists = [anna, sven, stina, sara].map((phone) => phone.buddies());
  await clock.advance(soon);
  assert.equal([blocked?.states, blocked?.all()], [["403"], []]);
  assert.equal([polite?.states, polite?.all()], [["active"], ["closed"]]);
  assert.is(friend?.last(), "open");
  const names = lists.map((list) => [...list.last().matchAll(/(\S+) open/g)].map(([, name]) => name).toSorted());
  const panels = ["north-panel", "south-panel"];
  assert.equal(names, [
    [...panels, "sara"].toSorted(),
    [...panels, "sara", "stina"].toSorted(),
    [...panels, "sara", "sven"].toSorted(),
    ["anna", ...panels, "stina", "sven"].toSorted(),
  ]);
  await realm.close();
});

test("a user with phones at two sites is shown where they can be reached", async () => {
  const { realm, south, anna, sven, clock } = await open({
    north: account("anna"),
    south: account("anna") + account("sven"),
  });
  const seen = sven.watch("anna");
  const other = await phoneAt(realm, south, "anna", "10.0.9.3");
  anna.register();
  const registration = other.register();
  await clock.advance(soon);
  await anna.publish(pidfOf("open", "<rpid:busy/>"));
  await clock.advance(soon);
  assert.is(seen.last(), "open");
  void registration.close();
  await clock.advance(soon);
  assert.is(seen.last(), "open busy");
  await realm.close();
});

const undisturbed = "open other: do not disturb, busy";

test("who switches the panel to do not disturb is shown so at both sites within a second, and hears the talkgroup all the same", async () => {
  const { realm, north, south, anna, sven, clock } = await open();
  const watching = [anna.watch("north-panel"), sven.watch("north-panel")];
  await clock.advance(soon);
  for (let time = 0; time < 2; time++) {
    north.outside.press("do-not-disturb", { bounce: true });
    await clock.advance(soon);
    assert.equal(
      [...watching.map((seen) => seen.last()), north.lamp("do-not-disturb")],
      [undisturbed, undisturbed, true],
    );
    south.press();
    await clock.advance(soon);
    assert.ok(north.lamp("receive"), "speech is heard");
    south.release();
    await clock.advance(soon);
    north.outside.release("do-not-disturb", { bounce: true });
    await clock.advance(soon);
    assert.equal([...watching.map((seen) => seen.last()), north.lamp("do-not-disturb")], ["open", "open", false]);
  }
  assert.is(north.log.filter(({ level }) => level === "warn").length, 0);
  await realm.close();
});

test("a panel that is switched to do not disturb stays so, and is so again after a restart", async () => {
  const { realm, north, south, sven, clock } = await open();
  const seen = sven.watch("north-panel");
  north.outside.press("do-not-disturb");
  await clock.advance(soon);
  const told = seen.notified.length;
  await clock.advance(900_000);
  assert.is(seen.last(), undisturbed);
  assert.ok(
    seen
      .all()
      .slice(told)
      .every((words) => words === undisturbed),
    seen.all().join(),
  );
  await north.close();
  assert.is(seen.last(), "closed");
  const again = await realm.site("north", { address: north.address, switchedOn: true });
  await clock.advance(8_000);
  assert.equal([seen.last(), again.lamp("do-not-disturb")], [undisturbed, true]);
  again.outside.release("do-not-disturb");
  await clock.advance(soon);
  assert.is(seen.last(), "open");
  assert.is(south.lamp("do-not-disturb"), false);
  await realm.close();
});

test.run();
