import { test } from "uvu";
import * as assert from "uvu/assert";
import { envelopeWriter } from "../../../firmware/federation/envelope.ts";
import { realm } from "../../../firmware/federation/realm.ts";
import { virtualClock } from "../../../hal/clock/virtual.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";
import { floorOf, openRealm, packetOf } from "./sites.ts";

const boot = { start: Date.UTC(2025, 0, 1), random: 1 };
const text = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

test("3,000 mutated payloads on each topic: nothing throws, tables stay bounded, and the realm goes on", async () => {
  const { clock, site, outsider } = openRealm();
  const north = site("north");
  const south = site("south");
  const intruder = outsider();
  const random = seededRandom(2);
  const below = (bound: number): number => Math.floor(random.fraction() * bound);
  await clock.advance(1_000);
  north.realm.sendFloor("south", floorOf("request"));
  north.realm.sendFloor("all", floorOf("taken"));
  north.realm.sendMedia("alpha", packetOf("voice"));
  await clock.advance(100);
  const seeds = new Map(
    intruder.heard.filter(({ payload }) => payload.length > 0).map((each) => [each.topic, each.payload]),
  );
  assert.is(seeds.size, 7, "status and presence of two, one inbox, floor, media");

  function mutate(payload: Uint8Array): Uint8Array {
    const bytes = Uint8Array.from(payload);
    for (let times = 1 + below(4); times > 0; times--) bytes[below(bytes.length)] = below(256);
    switch (below(4)) {
      case 0:
        return bytes.subarray(0, below(bytes.length + 1));
      case 1:
        return Buffer.concat([bytes, random.bytes(below(5_000))]);
      default:
        return bytes;
    }
  }

  for (let round = 0; round < 3_000; round++) {
    for (const [topic, payload] of seeds) intruder.publish(topic, mutate(payload), round % 7 === 0);
    if (round % 100 === 99) {
      intruder.heard.length = 0;
      await clock.advance(20);
    }
  }
  await clock.advance(60_000);
  for (const { realm } of [north, south]) {
    assert.ok((realm.dropped["malformed"] ?? 0) > 1_000);
    assert.ok(realm.view().gateways.length < 256);
  }
  assert.ok(north.users.has("south/south-user") && south.users.has("north/north-user"));
  assert.equal([north, south].map(({ roles }) => roles.get("alpha")?.split(" ")[0]).sort(), ["controls", "follows"]);
  south.told.length = 0;
  north.realm.sendFloor("all", floorOf("after all that"));
  await clock.advance(100);
  assert.equal(south.told, ["floor alpha north after all that"]);
});

test("a thousand made-up gateways take no more room than the realm has, and cost no real one its place", async () => {
  const { clock, site, outsider } = openRealm();
  const north = site("north");
  const south = site("south");
  const intruder = outsider();
  await clock.advance(1_000);
  for (let index = 0; index < 1_000; index++) {
    const id = `ghost-${index}`;
    const write = envelopeWriter(id);
    intruder.publish(`roger/1/test/gateway/${id}/status`, write("status", boot, 1, text({ site: "nowhere" })).slice());
    intruder.publish(
      `roger/1/test/presence/${id}/user`,
      write("presence", boot, 2, text({ status: "a", talkgroups: [] })).slice(),
    );
  }
  await clock.advance(100);
  assert.is(north.realm.view().gateways.length, 256);
  assert.is(north.realm.dropped["too-many-gateways"], 2 * (1_000 - 255));
  assert.ok(north.users.has("south/south-user"));

  // Ghosts fall silent, and who comes then finds room.
  await clock.advance(40_000);
  site("west");
  await clock.advance(1_000);
  assert.ok(north.users.has("west/west-user") && south.users.has("west/west-user"));
  assert.is(north.realm.view().gateways.length, 256);
});

test("no gateway brings more users or talkgroups than a realm may hold, and who leaves makes room", () => {
  const limits = { gateways: 2, usersPerGateway: 3, usersPerRealm: 4, talkgroups: 2 };
  const shown: string[] = [];
  const view = realm(virtualClock(), limits, {
    presence: (_gateway, user, state) => shown.push(`${user} ${state ? "there" : "gone"}`),
    gateway() {},
    recount() {},
  });
  const say = (gateway: string, user: string, counter: number, talkgroups: readonly string[] = []) =>
    view.presence(gateway, user, counter, { status: "available", talkgroups });

  assert.equal(
    ["a", "b", "c", "d"].map((user, index) => say("south", user, index)),
    ["taken", "taken", "taken", "too-many-users"],
  );
  assert.equal(
    ["e", "f"].map((user, index) => say("west", user, index)),
    ["taken", "too-many-users"],
  );
  assert.is(say("south", "a", 10, ["alpha", "bravo"]), "taken");
  assert.is(say("south", "b", 11, ["alpha", "charlie"]), "too-many-talkgroups");
  view.presence("south", "a", 12, undefined);
  assert.is(say("south", "b", 13, ["alpha", "charlie"]), "taken");
  assert.is(say("west", "f", 14), "taken");
  assert.is(say("south", "a", 11), "stale", "an older word does not bring a user back");
  view.gone("south");
  view.gone("west");
  assert.is(say("west", "g", 20), "taken");
  assert.equal(shown, [], "nobody is shown of a gateway whose status was never seen");
});

test.run();
