import { test } from "uvu";
import * as assert from "uvu/assert";
import { controllerAmong } from "../../../firmware/federation/rendezvous.ts";
import { roleOf } from "../../../firmware/federation/role.ts";

const gateways = ["north", "south", "east", "west", "centre"];
const talkgroups = Array.from({ length: 1_000 }, (_, index) => `talkgroup-${index}`);

test("1,000 talkgroups spread evenly over five gateways", () => {
  const load = new Map<string | undefined, number>();
  for (const talkgroup of talkgroups) {
    const controller = controllerAmong(talkgroup, gateways);
    load.set(controller, (load.get(controller) ?? 0) + 1);
  }
  // 200 each; four standard deviations of a fair draw are 51.
  for (const gateway of gateways)
    assert.ok(Math.abs((load.get(gateway) ?? 0) - 200) < 51, `${gateway}: ${load.get(gateway)}`);
});

test("only the talkgroups of a gateway that leaves change hands", () => {
  const remaining = gateways.filter((gateway) => gateway !== "east");
  for (const talkgroup of talkgroups) {
    const before = controllerAmong(talkgroup, gateways);
    if (before !== "east") assert.is(controllerAmong(talkgroup, remaining), before);
  }
});

test("every gateway names the same controller, in whatever order it knows the others", () => {
  for (const talkgroup of talkgroups.slice(0, 100)) {
    assert.is(controllerAmong(talkgroup, gateways), controllerAmong(talkgroup, gateways.toReversed()));
  }
});

test("the choice is the same in every version of this program", () => {
  // The highest of printf 'alpha\0north' | sha256sum and so on.
  assert.is(controllerAmong("alpha", gateways), "east");
  assert.is(controllerAmong("alpha", []), undefined);
});

test("of the gateways with members in a talkgroup one controls and the others follow it", () => {
  const roles = gateways.map((self) => {
    const others = gateways.filter((other) => other !== self);
    return roleOf(self, "alpha", true, { members: others, needing: others });
  });
  const controller = controllerAmong("alpha", gateways);
  roles.forEach((role, index) => {
    if (gateways[index] === controller) assert.is(role.in, "controlling");
    else assert.is(role.in === "participating" && role.controller, controller);
    assert.is(role.peers.length, 4);
  });
});

test("who only hears a talkgroup never controls it while others are in it, and is a peer of those", () => {
  const rest = gateways.filter((gateway) => gateway !== "east");
  const follows = { in: "participating", controller: controllerAmong("alpha", rest), peers: rest.toSorted() };
  assert.equal(roleOf("east", "alpha", false, { members: rest, needing: rest }), follows);
  const controller = controllerAmong("alpha", rest) ?? "";
  const others = rest.filter((gateway) => gateway !== controller);
  assert.equal(roleOf(controller, "alpha", true, { members: others, needing: [...others, "east"] }), {
    in: "controlling",
    peers: [...others, "east"].toSorted(),
  });
  assert.equal(roleOf("east", "alpha", false, { members: [], needing: ["west"] }), {
    in: "controlling",
    peers: ["west"],
  });
  assert.equal(roleOf("west", "alpha", true, { members: [], needing: ["east"] }), {
    in: "controlling",
    peers: ["east"],
  });
});

test.run();
