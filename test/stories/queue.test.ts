import { test } from "uvu";
import * as assert from "uvu/assert";
import { likeness } from "../../scripts/demonstration/likeness.ts";
import { openRealm, type SiteOptions, type StorySite, settleMs, speech } from "../support/realm.ts";

/** Sites of a talkgroup that has queueing, each of which has its session and sees the others. */
async function queueing(...names: readonly string[]) {
  const realm = await openRealm();
  const sites = new Map<string, StorySite>();
  const options: SiteOptions = { opsOptions: "queueing: true" };
  for (const name of names) sites.set(name, await realm.site(name, options));
  await realm.clock.advance(settleMs);
  const site = (name: string): StorySite => {
    const found = sites.get(name);
    if (!found) throw new Error(`no site ${name}`);
    return found;
  };
  return { ...realm, options, sites: [...sites.values()], named: site };
}

const talking = (sites: readonly StorySite[]): string[] =>
  sites.filter((site) => site.lamp("transmit")).map(({ name }) => name);
const places = (site: StorySite) => site.told("waiting for the floor").map(({ fields }) => fields["position"]);

test("buttons that are held at three sites talk one after the other, in the order of their presses, and each is heard", async () => {
  const { clock, sites, named, close } = await queueing("north", "south", "west");
  const [north, south, west] = [named("north"), named("south"), named("west")];
  for (const site of [north, south, west]) {
    site.press();
    await clock.advance(300);
  }
  assert.equal(talking(sites), ["north"]);
  assert.equal([south, west].map(places), [[1], [2]]);
  north.release();
  await clock.advance(300);
  assert.equal(talking(sites), ["south"]);
  assert.equal(places(west), [2, 1]);
  const said = await speech("south", 2_000);
  const ears = west.listen();
  south.say(said);
  await clock.advance(2_500);
  const heard = likeness(said, ears.take());
  assert.ok(heard.correlation > 0.9, JSON.stringify(heard));
  south.release();
  await clock.advance(300);
  assert.equal(talking(sites), ["west"]);
  west.release();
  await clock.advance(300);
  assert.equal(talking(sites), []);
  await close();
});

test("a button that is let go while it waits is passed over", async () => {
  const { clock, sites, named, close } = await queueing("north", "south", "west");
  for (const name of ["north", "south", "west"]) {
    named(name).press();
    await clock.advance(300);
  }
  named("south").release();
  await clock.advance(300);
  named("north").release();
  await clock.advance(300);
  assert.equal(talking(sites), ["west"]);
  named("west").release();
  await clock.advance(500);
  await close();
});

test("a gateway that dies while its button waits holds nobody up, whichever of the others controls the floor", async () => {
  for (const [talker, victim, next] of [
    ["north", "south", "west"],
    ["west", "north", "south"],
    ["south", "west", "north"],
  ] as const) {
    const { clock, sites, named, close } = await queueing("north", "south", "west");
    for (const name of [talker, victim, next]) {
      named(name).press();
      await clock.advance(300);
    }
    named(victim).vanish();
    // Its silence is noticed, and control of the floor moves if it was its.
    await clock.advance(5_000);
    named(talker).release();
    await clock.advance(6_000);
    const alive = sites.filter(({ name }) => name !== victim);
    assert.equal(talking(alive), [next], `${victim} died`);
    named(next).release();
    await clock.advance(500);
    await close();
  }
});

test("a button that waits when the broker is lost talks to its own site once that floor is free, without being pressed again", async () => {
  for (const [talker, waiter] of [
    ["north", "south"],
    ["south", "north"],
  ] as const) {
    const { clock, broker, named, close } = await queueing("north", "south");
    named(talker).press();
    await clock.advance(300);
    named(waiter).press();
    await clock.advance(300);
    assert.equal(places(named(waiter)), [1]);
    broker.stop();
    await clock.advance(12_000);
    assert.ok(named(talker).lamp("transmit"), `${talker} talks on at its site`);
    assert.ok(named(waiter).lamp("transmit"), `${waiter} is not left waiting for nobody`);
    for (const name of [talker, waiter]) named(name).release();
    await clock.advance(500);
    await close();
  }
});

test.run();
