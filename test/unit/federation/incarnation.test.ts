import { test } from "uvu";
import * as assert from "uvu/assert";
import { latestStart } from "../../../firmware/federation/boot.ts";
import { envelopeWriter } from "../../../firmware/federation/envelope.ts";
import { encodeTrunkFloor } from "../../../firmware/federation/trunk-floor.ts";
import { floorOf, openRealm, packetOf } from "./sites.ts";

const wallMs = Date.UTC(2025, 5, 1);
const statusTopic = "roger/1/test/gateway/south/status";

test("a restarted gateway's old users are gone, and its old messages lose", async () => {
  const { clock, wire, site, outsider } = openRealm();
  const north = site("north");
  const watcher = outsider();
  const before = site("south", { wallMs });
  await clock.advance(1_000);
  before.realm.setPresence("bob", { status: "available", talkgroups: ["alpha"] });
  before.realm.sendFloor("all", floorOf("taken"));
  await clock.advance(100);
  const old = [...watcher.heard];

  // The same client id takes the broker's session over; the old process is no more.
  void before.realm.close();
  site("south", { wallMs: wallMs + 60_000 });
  await clock.advance(1_000);
  assert.equal([...north.users.keys()], ["south/south-user"]);
  assert.not.ok(
    wire.retained().some((topic) => topic.endsWith("bob")),
    "what the old boot left retained is cleared",
  );

  north.told.length = 0;
  for (const { topic, payload } of old) if (!topic.includes("north")) watcher.publish(topic, payload);
  await clock.advance(200);
  assert.equal(north.told, []);
  assert.ok((north.realm.dropped["old-boot"] ?? 0) >= 4);
});

test("a killed gateway that starts again at once is known by its new boot, without waiting for the old will", async () => {
  const { clock, wire, site } = openRealm();
  const north = site("north");
  const before = site("south", { wallMs });
  await clock.advance(1_000);
  before.realm.setPresence("bob", { status: "available", talkgroups: ["alpha"] });
  await clock.advance(100);
  wire.cut("south");
  await clock.advance(100);
  wire.mend("south");
  site("south", { wallMs: wallMs + 5_000 });
  await clock.advance(300);
  assert.ok(north.users.has("south/south-user"));
  assert.not.ok(north.users.has("south/bob"));
});

for (const retained of ["kept", "dropped"] as const) {
  test(`a gateway that starts with its clock set back is heard all the same (what was retained: ${retained})`, async () => {
    const { clock, wire, site } = openRealm();
    const north = site("north");
    const before = site("south", { wallMs });
    await clock.advance(1_000);
    wire.stop({ retained });
    await clock.advance(10);
    void before.realm.close();
    wire.start();
    const after = site("south", { wallMs: wallMs - 86_400_000 });
    await clock.advance(4_000);
    assert.ok(after.told.includes("online"));
    assert.ok(north.users.has("south/south-user"));
    north.realm.sendFloor("south", floorOf("hello"));
    after.realm.sendFloor("all", floorOf("hello"));
    await clock.advance(100);
    assert.ok(north.told.includes("floor alpha south hello"));
    assert.ok(after.told.includes("floor alpha north hello"));
    wire.cut("south");
    await clock.advance(8_000);
    assert.is(north.users.size, 0, "its will is of its present boot");
  });
}

test("a gateway whose status was overwritten by a will come late says again that it is there", async () => {
  const { clock, site, outsider } = openRealm();
  const north = site("north");
  const watcher = outsider();
  const south = site("south", { wallMs });
  await clock.advance(1_000);
  void south.realm.close();
  await clock.advance(100);
  const will = watcher.heard.findLast(({ topic }) => topic === statusTopic);
  assert.ok(will);
  site("south", { wallMs: wallMs + 60_000 });
  await clock.advance(1_000);
  watcher.publish(statusTopic, will.payload, true);
  watcher.heard.length = 0;
  await clock.advance(2_000);
  assert.ok(north.users.has("south/south-user"));
  const renewed = watcher.heard.findLast(({ topic }) => topic === statusTopic);
  assert.ok(renewed && renewed.payload[1] === 1, "a status is retained, for who comes later");
});

test("forged boots make a gateway succeed itself now and then, and the last of all boots nowhere", async () => {
  const { clock, site, outsider } = openRealm();
  const north = site("north");
  const intruder = outsider();
  const south = site("south", { wallMs });
  const forge = (start: number): void =>
    intruder.publish(statusTopic, envelopeWriter("south")("status", { start, random: 0 }, 1, Buffer.from("{}")));
  await clock.advance(2_000);
  for (let step = 1; step <= 200; step++) {
    forge(wallMs + 1_000 * step);
    await clock.advance(10);
  }
  await clock.advance(20_000);
  assert.ok(north.users.has("south/south-user"), "it is heard again");
  assert.is(south.told.filter((what) => what === "island").length, 3, "each second, and with its next beat");

  forge(latestStart);
  await clock.advance(20_000);
  assert.is(south.realm.view().link, "online", "there is no way on from it");
  assert.ok((south.realm.dropped["last-boot"] ?? 0) >= 3, "the forged one, and the answers to two beats");
});

for (const kind of ["status", "presence", "floor", "media", "in"] as const)
  test(`a forged ${kind} that runs ahead of its gateway's own count does not silence it for long`, async () => {
    const { clock, site, outsider } = openRealm();
    const north = site("north");
    const south = site("south", { wallMs });
    const intruder = outsider();
    await clock.advance(1_000);
    south.realm.sendFloor("all", floorOf("taken"));
    south.realm.sendFloor("north", floorOf("granted"));
    south.realm.sendMedia("alpha", packetOf("voice"));
    await clock.advance(100);
    const own = intruder.heard.find(
      ({ topic, payload }) => topic.split("/").includes(kind) && Buffer.from(payload).includes("south", 22),
    );
    assert.ok(own);
    const forged = Buffer.from(own.payload);
    forged.writeUIntBE(2 ** 40, 16, 6);
    intruder.publish(own.topic, kind === "presence" ? forged.subarray(0, 22 + 5) : forged);
    // Its next status is behind that, and it is told so.
    await clock.advance(15_000);
    north.told.length = 0;
    south.realm.sendFloor("all", floorOf("hello"));
    south.realm.sendMedia("alpha", packetOf("hello"));
    await clock.advance(40_000);
    assert.equal(north.told, ["floor alpha south hello", "media alpha south hello......."]);
    assert.ok(north.users.has("south/south-user"));
  });

test("two gateways that each take the other for outdated hear of it all the same", async () => {
  const { clock, site, outsider } = openRealm();
  const north = site("north");
  const south = site("south", { wallMs });
  const intruder = outsider();
  await clock.advance(1_000);
  for (const [from, to] of [
    ["north", "south"],
    ["south", "north"],
  ] as const) {
    const body = encodeTrunkFloor(floorOf("forged"));
    assert.ok(body);
    const later = { start: wallMs + 86_400_000, random: 1 };
    intruder.publish(`roger/1/test/gateway/${to}/in`, envelopeWriter(from)("floor", later, 1, body).slice());
  }
  await clock.advance(30_000);
  assert.ok(north.users.has("south/south-user") && south.users.has("north/north-user"));
});

test("a user's forged presence is contradicted", async () => {
  const { clock, site, outsider } = openRealm();
  const north = site("north");
  const south = site("south", { wallMs });
  const intruder = outsider();
  await clock.advance(1_000);
  // So that a number is free that is higher than what was last said of the user.
  south.realm.sendFloor("all", floorOf("taken"));
  await clock.advance(100);
  const taken = intruder.heard.find(({ topic }) => topic.endsWith("alpha/floor"));
  assert.ok(taken);
  const withdrawal = Buffer.from(taken.payload.subarray(0, 22 + 5));
  withdrawal[1] = 3;
  intruder.publish("roger/1/test/presence/south/south-user", withdrawal, true);
  north.told.length = 0;
  await clock.advance(1_000);
  assert.equal(
    north.told.filter((what) => what.startsWith("presence")),
    ["presence south/south-user gone", "presence south/south-user available"],
  );
});

test("what somebody else cleared of a gateway's retained topics is there again for who comes later", async () => {
  const { clock, wire, site, outsider } = openRealm();
  const south = site("south", { wallMs });
  const intruder = outsider();
  await clock.advance(1_000);
  const before = wire.retained();
  for (const topic of before) intruder.publish(topic, new Uint8Array(), true);
  await clock.advance(2_000);
  assert.equal(wire.retained(), before);
  void south.realm.close();
  await clock.advance(1_000);
  assert.equal(wire.retained(), [statusTopic], "but what the gateway itself cleared is not");
});

test("a replayed floor message and a replayed packet are dropped", async () => {
  const { clock, site, outsider } = openRealm();
  const north = site("north");
  const south = site("south");
  const watcher = outsider();
  await clock.advance(1_000);
  north.realm.sendFloor("all", floorOf("taken"));
  north.realm.sendFloor("south", floorOf("granted"));
  north.realm.sendMedia("alpha", packetOf("voice"));
  await clock.advance(100);
  const sent = watcher.heard.filter(({ topic }) => !topic.includes("presence") && !topic.includes("status"));
  assert.is(sent.length, 3);
  south.told.length = 0;
  for (const { topic, payload } of sent) watcher.publish(topic, payload);
  await clock.advance(100);
  assert.equal(south.told, []);
  assert.is(south.realm.dropped["replayed"], 3);
});

test("a message of another talkgroup's or another gateway's topic is misplaced", async () => {
  const { clock, site, outsider } = openRealm();
  const north = site("north");
  const south = site("south", { talkgroups: ["alpha", "bravo"] });
  const watcher = outsider();
  await clock.advance(1_000);
  north.realm.sendFloor("all", floorOf("taken"));
  await clock.advance(100);
  const taken = watcher.heard.find(({ topic }) => topic.endsWith("alpha/floor"));
  const status = watcher.heard.find(({ topic }) => topic.endsWith("north/status"));
  assert.ok(taken && status);
  watcher.publish("roger/1/test/talkgroup/bravo/media", taken.payload);
  watcher.publish("roger/1/test/gateway/south/in", status.payload);
  watcher.publish("roger/1/test/gateway/west/status", status.payload);
  await clock.advance(100);
  assert.is(south.realm.dropped["misplaced"], 3);

  south.told.length = 0;
  const body = encodeTrunkFloor(floorOf("of alpha"));
  assert.ok(body);
  const forged = envelopeWriter("west")("floor", { start: wallMs, random: 1 }, 1, body).slice();
  watcher.publish("roger/1/test/talkgroup/bravo/floor", forged);
  await clock.advance(100);
  assert.equal(south.told, []);
  assert.is(south.realm.dropped["malformed"], 1);
});

test("the first syllable of a gateway whose status is still under way is heard", async () => {
  const { clock, site, outsider } = openRealm();
  const far = openRealm();
  const stranger = far.site("west");
  const ear = far.outsider();
  await far.clock.advance(1_000);
  stranger.realm.sendMedia("alpha", packetOf("voice"));
  await far.clock.advance(100);
  const packet = ear.heard.find(({ topic }) => topic.endsWith("/media"));
  assert.ok(packet);

  const north = site("north");
  const watcher = outsider();
  await clock.advance(1_000);
  watcher.publish(packet.topic, packet.payload);
  await clock.advance(100);
  assert.ok(north.told.includes("media alpha west voice......."));
  assert.equal(north.realm.view().gateways, [], "but it is not taken for live by that");
});

test.run();
