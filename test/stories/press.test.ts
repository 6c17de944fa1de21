import { test } from "uvu";
import * as assert from "uvu/assert";
import { likeness } from "../../scripts/demonstration/likeness.ts";
import { openRealm, speech } from "../support/realm.ts";

test("a press at one site is heard at another, whole, from the first word to the last", async () => {
  const realm = await openRealm();
  const [north, south] = await realm.sites("north", "south");
  const said = await speech("north", 3_000);
  assert.ok(north?.lamp("ready") && south?.lamp("ready"));

  for (const [from, to] of [
    [north, south],
    [south, north],
  ]) {
    if (!from || !to) throw new Error("two sites");
    const ears = to.listen();
    from.press();
    from.say(said);
    await realm.clock.advance(50);
    assert.ok(from.lamp("transmit"), `${from.name} has the floor`);
    assert.ok(to.lamp("receive"), `${to.name} sees that somebody talks`);
    await realm.clock.advance(2_950);
    from.release();
    await realm.clock.advance(1_000);
    assert.not.ok(from.lamp("transmit"));
    assert.not.ok(to.lamp("receive"));
    const { correlation, heard, missingAtStartMs, missingAtEndMs } = likeness(said, ears.take());
    assert.ok(correlation > 0.9, `correlation ${correlation}`);
    assert.ok(heard >= 0.99, `heard ${heard}`);
    assert.equal([missingAtStartMs, missingAtEndMs], [0, 0]);
  }
  await realm.close();
  assert.is(realm.clock.pending(), 0, "nothing is left running");
});

test.run();
