import { test } from "uvu";
import * as assert from "uvu/assert";
import { openRealm, type Realm, type Site } from "./sites.ts";

interface Pair extends Realm {
  readonly north: Site;
  readonly south: Site;
}

async function pair(): Promise<Pair> {
  const realm = openRealm();
  const sites = { north: realm.site("north"), south: realm.site("south") };
  await realm.clock.advance(1_000);
  sites.north.told.length = 0;
  sites.south.told.length = 0;
  return { ...realm, ...sites };
}

const together = ({ north, south }: Pair): string[] =>
  [north, south].map(({ roles }) => roles.get("alpha")?.split(" ")[0] ?? "").sort();

for (const retained of ["kept", "dropped"] as const) {
  test(`a broker that restarts, what it retained ${retained}: alone at once, then one realm again, and no lamp flaps`, async () => {
    const realm = await pair();
    const { clock, wire, north, south } = realm;
    wire.stop({ retained });
    await clock.advance(1);
    for (const site of [north, south]) {
      assert.equal(
        site.told.filter((line) => line !== "role alpha controls"),
        ["island"],
      );
      assert.is(site.roles.get("alpha"), "controls");
    }

    await clock.advance(1_000);
    wire.start();
    await clock.advance(7_000);
    assert.equal(together(realm), ["controls", "follows"]);
    for (const site of [north, south]) {
      assert.ok(site.told.includes("online"));
      assert.not.ok(
        site.told.some((line) => line.startsWith("presence") || line.startsWith("gateway")),
        "users stayed",
      );
      assert.is(site.users.size, 1);
    }
    assert.is(wire.retained().length, 4, "status and one user of each");
  });
}

test("a role is told again when the realm is reached again, changed or not", async () => {
  const { clock, wire, site } = openRealm();
  const north = site("north");
  await clock.advance(1_000);
  north.told.length = 0;
  wire.stop();
  await clock.advance(100);
  wire.start();
  await clock.advance(2_000);
  assert.equal(north.told, ["island", "online", "role alpha controls"]);
});

test("when the broker stays away, users of other gateways are gone after the grace, and come back with it", async () => {
  const { clock, wire, north } = await pair();
  wire.stop({ retained: "kept" });
  await clock.advance(4_900);
  assert.is(north.users.size, 1);
  await clock.advance(200);
  assert.is(north.users.size, 0);
  assert.ok(north.told.includes("gateway south down"));
  wire.start();
  await clock.advance(2_000);
  assert.is(north.users.size, 1);
});

test("who left while a gateway was cut off is gone for it when it is back", async () => {
  const { clock, wire, north, south } = await pair();
  south.realm.setPresence("bob", { status: "available", talkgroups: ["alpha"] });
  await clock.advance(100);
  wire.stop({ retained: "kept" });
  await clock.advance(100);
  south.realm.setPresence("bob", undefined);
  wire.start();
  await clock.advance(1_000);
  assert.equal([...north.users.keys()], ["south/south-user"], "its owner found bob retained, and withdrew him");
  assert.not.ok(wire.retained().some((topic) => topic.endsWith("bob")));
});

test("who left while the broker lost everything is gone after the grace", async () => {
  const { clock, wire, north, south } = await pair();
  south.realm.setPresence("bob", { status: "available", talkgroups: ["alpha"] });
  await clock.advance(100);
  wire.stop({ retained: "dropped" });
  await clock.advance(100);
  south.realm.setPresence("bob", undefined);
  wire.start();
  await clock.advance(1_000);
  assert.ok(north.users.has("south/bob"));
  await clock.advance(6_000);
  assert.equal([...north.users.keys()], ["south/south-user"]);
});

test("a gateway that ended together with the broker does not control from the grave", async () => {
  const { clock, wire, north, south } = await pair();
  wire.stop({ retained: "kept" });
  // No goodbye and no will: the broker that held them is gone.
  await south.realm.close();
  wire.start();
  await clock.advance(2_000);
  assert.ok(north.users.has("south/south-user"), "its status lies there retained");
  await clock.advance(36_000);
  assert.is(north.users.size, 0);
  assert.is(north.roles.get("alpha"), "controls");
});

test("two live gateways stay together though nothing happens", async () => {
  const realm = await pair();
  await realm.clock.advance(300_000);
  assert.equal(together(realm), ["controls", "follows"]);
  assert.equal([...realm.north.told, ...realm.south.told], []);
});

test.run();
