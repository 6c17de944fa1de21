import { test } from "uvu";
import * as assert from "uvu/assert";
import { likeness } from "../../scripts/demonstration/likeness.ts";
import { openRealm, speech } from "../support/realm.ts";

test("a broker that restarts in mid-burst ends no burst, and the far site hears what comes after", async () => {
  const realm = await openRealm();
  const [north, south] = await realm.sites("north", "south");
  if (!north || !south) throw new Error("two sites");
  const said = await speech("north", 5_000);
  const ears = south.listen();
  north.press();
  north.say(said);
  await realm.clock.advance(1_000);
  realm.broker.stop();
  await realm.clock.advance(300);
  realm.broker.start();
  await realm.clock.advance(2_000);
  assert.ok(north.lamp("transmit"), "the talker keeps the floor");
  await realm.clock.advance(1_700);
  north.release();
  await realm.clock.advance(1_000);
  const before = likeness(said.slice(0, 900 * 48), ears.take());
  assert.ok(before.heard >= 0.99 && before.missingAtStartMs === 0, JSON.stringify(before));
  assert.not.ok(north.lamp("transmit"));
  assert.not.ok(south.lamp("receive"), "and the floor is free at both afterwards");

  const again = north.listen();
  south.press();
  const answer = await speech("south", 2_000);
  south.say(answer);
  await realm.clock.advance(2_000);
  south.release();
  await realm.clock.advance(1_000);
  const after = likeness(answer, again.take());
  assert.ok(after.correlation > 0.9 && after.heard >= 0.99, `the next burst is whole: ${JSON.stringify(after)}`);
  await realm.close();
});

test("a site without the broker talks among its own, says so, and is back in the realm when the broker is", async () => {
  const realm = await openRealm();
  const [north, south] = await realm.sites("north", "south");
  if (!north || !south) throw new Error("two sites");
  realm.broker.stop();
  await realm.clock.advance(10_000);
  assert.is(north.told("link").at(-1)?.fields["state"], "island");
  for (const site of [north, south]) {
    site.press();
    await realm.clock.advance(100);
    assert.ok(site.lamp("transmit"), `${site.name} arbitrates its own site`);
    site.release();
    await realm.clock.advance(300);
  }
  realm.broker.start();
  await realm.clock.advance(10_000);
  assert.is(north.told("link").at(-1)?.fields["state"], "online");
  north.press();
  await realm.clock.advance(200);
  assert.ok(south.lamp("receive"));
  north.release();
  await realm.clock.advance(500);
  await realm.close();
});

test.run();
