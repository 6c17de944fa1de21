import { test } from "uvu";
import * as assert from "uvu/assert";
import { controllerAmong } from "../../../firmware/federation/rendezvous.ts";
import { floorOf, openRealm, packetOf, type Site } from "./sites.ts";

/** Asserts that all agree on who controls alpha, and returns its name. */
function agreed(sites: Readonly<Record<string, Site>>): string {
  const ids = Object.keys(sites).sort();
  const controller = controllerAmong("alpha", ids) ?? "";
  for (const [id, { roles }] of Object.entries(sites)) {
    const others = ids.filter((other) => other !== id);
    const expected = id === controller ? `controls with ${others.join(" ")}` : `follows ${controller}`;
    assert.is(roles.get("alpha"), expected, id);
  }
  return controller;
}

test("a site controls its own talkgroups from the first moment, link or no link", () => {
  const { wire, site } = openRealm();
  wire.stop();
  const north = site("north");
  assert.equal(north.told, ["role alpha controls"]);
});

test("two gateways that meet show each other's users and agree on who controls; a third joins", async () => {
  const { clock, site } = openRealm();
  const north = site("north");
  const south = site("south");
  await clock.advance(1_000);
  agreed({ north, south });
  assert.equal([...north.users], [["south/south-user", "available alpha"]]);
  assert.equal(south.told.slice(0, 3), [
    "role alpha controls",
    "gateway north up",
    "presence north/north-user available",
  ]);
  assert.ok(south.told.includes("online"));

  const west = site("west");
  await clock.advance(1_000);
  agreed({ north, south, west });
  assert.equal([...west.users.keys()].sort(), ["north/north-user", "south/south-user"]);
});

test("a newcomer never claims a talkgroup that another controls, and is not told online before it knows the realm", async () => {
  const { clock, site } = openRealm();
  const controller = controllerAmong("alpha", ["north", "south"]) ?? "";
  site(controller);
  await clock.advance(1_000);
  const late = site(controller === "north" ? "south" : "north");
  await clock.advance(1_000);
  assert.equal(late.told, [
    "role alpha controls",
    `gateway ${controller} up`,
    `presence ${controller}/${controller}-user available`,
    "online",
    `role alpha follows ${controller}`,
  ]);
});

test("what else presence servers tell each other of a user crosses as it is, and a change of it alone is told", async () => {
  const { clock, site } = openRealm();
  const north = site("north");
  const south = site("south");
  await clock.advance(1_000);
  const state = { status: "busy", talkgroups: ["alpha"] };
  for (const detail of ['{"note":"é"}', '{"note":"f"}', '{"note":"f"}', "x".repeat(2_561)]) {
    south.realm.setPresence("south-user", { ...state, detail });
    await clock.advance(100);
  }
  assert.equal(
    north.told.filter((word) => word.startsWith("presence south/south-user busy")),
    ['presence south/south-user busy {"note":"é"}', 'presence south/south-user busy {"note":"f"}'],
  );
  assert.is(south.realm.dropped["own-presence-refused"], 1, "more than a peer would take");
});

test("a gateway where somebody only hears a talkgroup gets what is said there, and is no candidate to control it", async () => {
  const { clock, site } = openRealm();
  const controller = controllerAmong("alpha", ["north", "south"]) ?? "";
  const other = controller === "north" ? "south" : "north";
  // The one that would control it if it had members.
  const listener = site(controller, { talkgroups: ["bravo"] });
  const member = site(other);
  const state = { status: "available", talkgroups: ["bravo"] };
  listener.realm.setPresence(`${controller}-user`, { ...state, listens: ["alpha"] });
  await clock.advance(1_000);
  assert.equal(
    [listener.roles.get("alpha"), member.roles.get("alpha")],
    [`follows ${other}`, `controls with ${controller}`],
  );
  assert.is(
    member.users.get(`${controller}/${controller}-user`),
    "available bravo",
    "it is shown in no talkgroup of those",
  );
  member.realm.sendFloor("all", floorOf("taken"));
  member.realm.sendMedia("alpha", packetOf("word"));
  await clock.advance(100);
  assert.ok(listener.told.includes(`floor alpha ${other} taken`));
  assert.ok(listener.told.includes(`media alpha ${other} word........`));
  listener.realm.setPresence(`${controller}-user`, { ...state, talkgroups: ["bravo", "alpha"], listens: ["alpha"] });
  await clock.advance(100);
  agreed({ [controller]: listener, [other]: member });
  listener.realm.setPresence(`${controller}-user`, { ...state, listens: ["alpha"] });
  await clock.advance(100);
  assert.equal(
    [listener.roles.get("alpha"), member.roles.get("alpha")],
    [`follows ${other}`, `controls with ${controller}`],
  );
  listener.realm.setPresence(`${controller}-user`, state);
  await clock.advance(100);
  assert.is(member.roles.get("alpha"), "controls");
  assert.not(
    [...listener.filters].some((filter) => filter.includes("alpha")),
    "subscribed to no more",
  );
});

test("a gateway counts for a talkgroup while it has members there", async () => {
  const { clock, site } = openRealm();
  const north = site("north");
  const south = site("south", { talkgroups: ["bravo"] });
  await clock.advance(1_000);
  assert.is(north.roles.get("alpha"), "controls");
  south.realm.setPresence("south-user", { status: "busy", talkgroups: ["alpha", "bravo"] });
  await clock.advance(100);
  agreed({ north, south });
  assert.is(north.users.get("south/south-user"), "busy alpha bravo");
  south.realm.setPresence("south-user", undefined);
  await clock.advance(100);
  assert.is(north.roles.get("alpha"), "controls");
  assert.is(north.users.size, 0);
});

test("when the last member at the controlling gateway leaves, it hands over and hears nothing more of the talkgroup", async () => {
  const { clock, site } = openRealm();
  const sites: Record<string, Site> = { north: site("north"), south: site("south") };
  await clock.advance(1_000);
  const controller = agreed(sites);
  const follower = controller === "north" ? "south" : "north";
  const left = sites[controller];
  const stayed = sites[follower];
  assert.ok(left && stayed);
  assert.ok([...left.filters].some((filter) => filter.endsWith("/alpha/media")));

  stayed.realm.sendMedia("alpha", packetOf("voice"));
  stayed.realm.sendFloor("all", floorOf("taken"));
  // The broker has passed them on; they are still under way.
  await clock.advance(7);
  left.told.length = 0;
  left.realm.setPresence(`${controller}-user`, { status: "away", talkgroups: [] });
  await clock.advance(100);
  assert.equal(left.told, [`role alpha follows ${follower}`]);
  assert.equal(left.realm.view().talkgroups, []);
  assert.not.ok([...left.filters].some((filter) => filter.includes("talkgroup")));
  assert.is(stayed.roles.get("alpha"), "controls");
});

test("a presence that is set again as it was is not sent again", async () => {
  const { clock, site, outsider } = openRealm();
  const watcher = outsider();
  const { realm } = site("north");
  await clock.advance(1_000);
  watcher.heard.length = 0;
  realm.setPresence("north-user", { status: "available", talkgroups: ["alpha"] });
  await clock.advance(100);
  assert.is(watcher.heard.length, 0);
});

test("floor messages reach one gateway or all with members, media all with members, and nobody else", async () => {
  const { clock, site } = openRealm();
  const north = site("north");
  const south = site("south");
  const west = site("west", { talkgroups: ["bravo"] });
  await clock.advance(1_000);
  for (const each of [north, south, west]) each.told.length = 0;

  north.realm.sendFloor("south", floorOf("request"));
  north.realm.sendFloor("all", floorOf("taken"));
  const packet = packetOf("voice");
  north.realm.sendMedia("alpha", packet);
  packet.fill(0);
  await clock.advance(50);
  assert.equal(south.told, ["floor alpha north request", "floor alpha north taken", "media alpha north voice......."]);
  assert.equal(north.told, [], "nothing of one's own comes back");
  assert.equal(west.told, []);
});

test("what cannot be addressed or does not fit is dropped here", async () => {
  const { clock, site } = openRealm();
  const { realm } = site("north");
  await clock.advance(1_000);
  realm.sendFloor("a/#", floorOf("x"));
  realm.sendFloor("south", floorOf("x".repeat(2_000)));
  realm.sendFloor("all", floorOf("x", ""));
  realm.sendMedia("bravo", packetOf("x"));
  realm.sendMedia("alpha", new Uint8Array(5_000));
  realm.setPresence("alice", { status: "x".repeat(1_000), talkgroups: [] });
  assert.equal(realm.dropped, { "own-floor-refused": 3, "own-media-refused": 2, "own-presence-refused": 1 });
});

test("a gateway that vanishes takes its users along at once, and what it controlled moves", async () => {
  const { clock, wire, site } = openRealm();
  const sites = { north: site("north"), south: site("south"), west: site("west") };
  await clock.advance(1_000);
  const lost = agreed(sites);
  wire.cut(lost);
  // 1.5 times the keep-alive of 5 s
  await clock.advance(7_400);
  agreed(sites);
  await clock.advance(200);
  const { [lost]: _, ...left } = sites as Record<string, Site>;
  agreed(left);
  for (const each of Object.values(left)) {
    assert.ok(each.told.includes(`gateway ${lost} down`));
    assert.is(each.users.has(`${lost}/${lost}-user`), false);
  }

  wire.mend(lost);
  await clock.advance(2_000);
  agreed(sites);
  for (const each of Object.values(left)) assert.is(each.users.size, 2);
});

test("a gateway that closes says so, and leaves nothing retained but that", async () => {
  const { clock, wire, site } = openRealm();
  const north = site("north");
  const south = site("south");
  await clock.advance(1_000);
  const closing = south.realm.close();
  await clock.advance(50);
  await closing;
  assert.is(north.users.size, 0);
  assert.is(north.roles.get("alpha"), "controls");
  assert.equal(
    wire.retained().filter((topic) => topic.includes("south")),
    ["roger/1/test/gateway/south/status"],
  );
  const before = south.told.length;
  north.realm.sendFloor("all", floorOf("x"));
  await clock.advance(20_000);
  assert.is(south.told.length, before);
});

test("a thousand users are announced in portions, and all arrive", async () => {
  const { clock, site } = openRealm();
  const north = site("north");
  for (let index = 0; index < 1_000; index++) {
    north.realm.setPresence(`user-${index}`, { status: "available", talkgroups: ["alpha"] });
  }
  const south = site("south");
  await clock.advance(2_000);
  assert.is(south.users.size, 1_001);
  assert.is(south.realm.view().gateways.find(({ id }) => id === "north")?.users.length, 1_001);
});

test.run();
