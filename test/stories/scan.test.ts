/** A crew that listens to more than its own talkgroup, across sites. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { likeness } from "../../scripts/demonstration/likeness.ts";
import { openRealm, type StorySite, settleMs, speech } from "../support/realm.ts";

const scan = "{ groups: [fire, sea] }";

/** North is in ops and scans; south is in fire, west in sea, and each has a panel. */
async function threeSites(list = scan) {
  const realm = await openRealm();
  const north = await realm.site("north", { scan: list });
  const south = await realm.site("south", { talkgroup: "fire" });
  const west = await realm.site("west", { talkgroup: "sea" });
  await realm.clock.advance(settleMs);

  /** Says it, from the press to the last word; what is heard at the other site meanwhile. */
  async function says(talker: StorySite, samples: Int16Array, listener: StorySite): Promise<Int16Array> {
    const ear = listener.listen();
    talker.press();
    talker.say(samples);
    await realm.clock.advance(samples.length / 48 + 60);
    talker.release();
    await realm.clock.advance(400);
    return ear.take();
  }
  return { realm, north, south, west, says };
}

test("a panel hears the bursts of two more talkgroups at two more sites whole, and shows that somebody talks", async () => {
  const { realm, north, south, west, says } = await threeSites();
  const said = await speech("north", 2_000);
  for (const talker of [south, west]) {
    const heard = likeness(said, await says(talker, said, north));
    assert.ok(heard.correlation > 0.9, `${talker.name}: ${heard.correlation}`);
    assert.equal([heard.missingAtStartMs, heard.missingAtEndMs], [0, 0], talker.name);
    await realm.clock.advance(5_000);
  }
  south.press();
  await realm.clock.advance(200);
  assert.equal(
    [north, south, west].map((site) => site.lamp("receive")),
    [true, false, false],
  );
  south.release();
  await realm.clock.advance(200);
  assert.not(north.lamp("receive"));
  await realm.close();
});

test("it is in neither of them: a press of its own goes to its own talkgroup, and nobody is told that it is there", async () => {
  const { realm, north, south, west, says } = await threeSites();
  const east = await realm.site("east");
  await realm.clock.advance(settleMs);
  const said = await speech("south", 1_500);
  await says(south, said, north);
  const ears = [south, west].map((site) => site.listen());
  const heard = likeness(said, await says(north, said, east));
  assert.ok(heard.correlation > 0.9, `${heard.correlation}`);
  for (const ear of ears) assert.ok(ear.take().every((sample) => sample === 0));
  const controls = [north, south, west].map((site) =>
    site
      .told("role")
      .filter(({ fields }) => fields["talkgroup"] === "fire")
      .at(-1),
  );
  assert.equal(
    controls.map((line) => line?.fields["in"]),
    ["participating", "controlling", undefined],
  );
  await realm.close();
});

test("its own talkgroup cuts in on what it scans", async () => {
  const { realm, north, south, says } = await threeSites();
  const east = await realm.site("east");
  await realm.clock.advance(settleMs);
  const said = await speech("south", 1_500);
  south.press();
  south.say(await speech("north", 3_000));
  await realm.clock.advance(500);
  const heard = likeness(said, await says(east, said, north));
  assert.ok(heard.correlation > 0.9, `${heard.correlation}`);
  assert.equal([heard.missingAtStartMs, heard.missingAtEndMs], [0, 0]);
  south.release();
  await realm.clock.advance(1_000);
  await realm.close();
});

test("with answerBack it answers the site whose talkgroup it has just heard", async () => {
  const { realm, north, south, says } = await threeSites("{ groups: [fire, sea], answerBack: true }");
  const said = await speech("south", 1_500);
  await says(south, said, north);
  const answer = likeness(said, await says(north, said, south));
  assert.ok(answer.correlation > 0.9, `${answer.correlation}`);
  assert.equal([answer.missingAtStartMs, answer.missingAtEndMs], [0, 0]);
  await realm.clock.advance(4_000);
  const ear = south.listen();
  north.press();
  north.say(said);
  await realm.clock.advance(1_000);
  north.release();
  assert.ok(
    ear.take().every((sample) => sample === 0),
    "later, it speaks at home",
  );
  await realm.clock.advance(1_000);
  await realm.close();
});

test.run();
