import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Place, type Presence, roster } from "../../../firmware/presence/roster.ts";

function open() {
  const told: string[] = [];
  const changed: string[] = [];
  const members = roster({
    place: (user, place?: Place) => void told.push(`${user}: ${place ? place.talkgroups.join(" ") : "gone"}`),
    members: (talkgroup) => void changed.push(talkgroup),
  });
  return { members, told, changed };
}

const there = (...talkgroups: readonly string[]): Presence => ({ status: "available", talkgroups });

test("a user is there while a terminal is registered or a session stands", () => {
  const { members, told } = open();
  members.registered("alice", 1);
  members.session("alice", "ops", 1);
  members.session("alice", "ops", 1);
  members.registered("alice", -1);
  members.session("alice", "ops", -1);
  assert.equal(members.members("ops"), ["alice"]);
  members.session("alice", "ops", -1);
  assert.equal(told, ["alice: ", "alice: ops", "alice: ops", "alice: ops", "alice: ops", "alice: gone"]);
  assert.equal(members.members("ops"), []);
});

test("a user of another gateway is in the talkgroups that it told last, and only a change of them is one", () => {
  const { members, told, changed } = open();
  members.remote("east", "zoe", there("ops", "fire"));
  members.remote("east", "zoe", there("fire", "ops"));
  members.remote("east", "zoe", there("fire", "fire"));
  assert.equal(changed, ["ops", "fire", "ops"]);
  assert.equal([members.members("ops"), members.members("fire")], [[], ["zoe"]]);
  members.remote("east", "zoe", undefined);
  members.remote("east", "zoe", undefined);
  assert.equal(changed, ["ops", "fire", "ops", "fire"]);
  assert.equal(members.members("fire"), []);
  assert.equal(told, [], "that is not this gateway's to tell");
});

test("a user at several places is a member once, until the last place is left", () => {
  const { members } = open();
  members.session("alice", "ops", 1);
  members.remote("east", "alice", there("ops"));
  members.remote("west", "alice", there("ops"));
  assert.equal(members.members("ops"), ["alice"]);
  members.session("alice", "ops", -1);
  members.remote("east", "alice", there());
  assert.equal(members.members("ops"), ["alice"]);
  members.remote("west", "alice", undefined);
  assert.equal(members.members("ops"), []);
});

test.run();
