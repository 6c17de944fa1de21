import { test } from "uvu";
import * as assert from "uvu/assert";
import { denyCause, revokeCause } from "../../../firmware/floor/message.ts";
import { weigh } from "../../../firmware/floor/urgency.ts";
import { limits, openCall } from "./arbiter-call.ts";

test("of two that press at once one is granted, and the other is denied because someone talks", () => {
  const call = openCall();
  call.request("a");
  call.request("b");
  assert.equal(
    call.effects.map(({ at: _, ...effect }) => effect),
    [
      { do: "bridge" },
      { do: "grant", to: "a", durationMs: 30_000, priority: 1, waiting: 0 },
      { do: "taken", talker: "a", party: "sip:a", priority: 1 },
      { do: "deny", to: "b", cause: denyCause.taken },
    ],
  );
});

test("a talk burst longer than T2 is revoked, and the floor is idle after T3", async () => {
  const call = openCall();
  call.request("a");
  await call.talk("a", 32_900);
  assert.equal(call.moments("idle"), []);
  await call.talk("a", 200);
  assert.is(call.moments("revoke")[0], 30_000);
  assert.ok(call.effects.some((effect) => effect.do === "revoke" && effect.cause === revokeCause.tooLong));
  assert.equal(call.moments("idle").slice(0, 1), [33_000]);
  assert.equal(call.moments("close-gate"), [33_000]);
});

test("a revoked talker does not get the floor by asking, and does by pressing again after its release", async () => {
  const call = openCall();
  call.request("a");
  await call.talk("a", 30_000);
  call.request("a");
  assert.is(call.moments("grant").length, 1);
  assert.is(call.moments("revoke").length, 2);

  call.send({ type: "release", from: "a" });
  await call.clock.advance(400);
  call.request("a");
  assert.equal(call.moments("grant"), [0, 30_400]);
});

test("a talker that falls silent has lost the floor after T1", async () => {
  const call = openCall();
  call.request("a");
  await call.talk("a", 5000);
  await call.clock.advance(3799);
  assert.equal(call.moments("idle"), []);
  await call.clock.advance(1);
  assert.equal(call.moments("idle"), [8800]);
});

test("a talker that leaves frees the floor at once", () => {
  const call = openCall();
  call.request("a");
  call.send({ type: "leave", participant: "b" });
  assert.is(call.state().in, "taken");
  call.send({ type: "leave", participant: "a" });
  assert.equal(call.moments("idle"), [0]);
});

test("a higher priority gets the floor as soon as the talker has let go, and at the latest after the grace", async () => {
  const polite = openCall();
  polite.request("a", 1);
  polite.request("b", 2);
  assert.equal(polite.last("revoke"), { do: "revoke", to: "a", cause: revokeCause.preempted, at: 0 });
  await polite.clock.advance(30);
  polite.send({ type: "release", from: "a" });
  assert.equal(polite.moments("grant"), [0, 30]);

  const deaf = openCall();
  deaf.request("a", 1);
  deaf.request("b", 2);
  await deaf.clock.advance(1500);
  assert.equal(deaf.moments("grant"), [0, limits.preemptMs]);
});

test("a higher priority that may not pre-empt waits for an idle floor like any other, and then has its priority", () => {
  const call = openCall();
  const meek = {
    type: "request",
    from: "m",
    party: "sip:m",
    priority: 9,
    mayTalk: true,
    mayPreempt: false,
    mayQueue: false,
  } as const;
  call.request("a", 1);
  call.send(meek);
  assert.equal(call.effects.slice(3), [{ do: "deny", to: "m", cause: denyCause.taken, at: 0 }]);
  call.request("b", 2);
  call.send(meek);
  assert.equal(call.last("deny"), { do: "deny", to: "m", cause: denyCause.taken, at: 0 });
  for (const talker of ["a", "b"]) call.send({ type: "release", from: talker });
  call.send(meek);
  const granted = call.last("grant");
  assert.equal(granted?.do === "grant" && [granted.to, granted.priority], ["m", 9]);
  call.request("b", 8);
  assert.equal(call.last("deny")?.do, "deny");
  assert.is(call.state().in, "taken");
});

test("of two that pre-empt the higher gets the floor, and the other is denied", async () => {
  const call = openCall();
  call.request("a", 1);
  call.request("b", 2);
  call.request("c", 3);
  assert.equal(call.last("deny"), { do: "deny", to: "b", cause: denyCause.taken, at: 0 });
  call.send({ type: "release", from: "a" });
  const granted = call.last("grant");
  assert.is(granted?.do === "grant" && granted.to, "c");
});

test("who pre-empts and lets go before the talker does leaves the floor idle", () => {
  const call = openCall();
  call.request("a", 1);
  call.request("b", 2);
  call.send({ type: "release", from: "b" });
  call.send({ type: "release", from: "a" });
  assert.is(call.moments("grant").length, 1);
  assert.equal(call.moments("idle"), [0]);
});

test("a listener's request is denied, whoever talks", () => {
  const call = openCall();
  call.send({
    type: "request",
    from: "l",
    party: "sip:l",
    priority: 255,
    mayTalk: false,
    mayPreempt: true,
    mayQueue: true,
  });
  call.request("a");
  call.send({
    type: "request",
    from: "l",
    party: "sip:l",
    priority: 255,
    mayTalk: false,
    mayPreempt: true,
    mayQueue: true,
  });
  const denied = { do: "deny", to: "l", cause: denyCause.receiveOnly, at: 0 };
  assert.equal(
    call.effects.filter((effect) => effect.do === "deny"),
    [denied, denied],
  );
});

test("a grant is repeated until the talker is heard or acknowledges, and not for ever", async () => {
  const silent = openCall();
  silent.request("a");
  await silent.clock.advance(3900);
  assert.equal(silent.moments("grant"), [0, 1000, 2000]);

  const heard = openCall();
  heard.request("a");
  await heard.talk("a", 3000);
  assert.equal(heard.moments("grant"), [0]);

  const acknowledged = openCall();
  acknowledged.request("a");
  acknowledged.send({ type: "acknowledge", from: "a" });
  await acknowledged.clock.advance(3000);
  assert.equal(acknowledged.moments("grant"), [0]);
});

test("an idle floor is told a few times, and the call is un-bridged after the hang time", async () => {
  const call = openCall();
  call.request("a");
  call.send({ type: "release", from: "a" });
  await call.clock.advance(60_000);
  assert.equal(call.moments("idle"), [0, 1000, 2000]);
  assert.equal(call.moments("unbridge"), [limits.hangMs]);

  call.request("a");
  assert.is(call.moments("bridge").length, 2);
});

test("a talk burst within the hang time keeps the call bridged", async () => {
  const call = openCall();
  call.request("a");
  call.send({ type: "release", from: "a" });
  await call.clock.advance(19_000);
  call.request("b");
  await call.talk("b", 5000);
  assert.is(call.moments("bridge").length, 1);
  assert.is(call.moments("unbridge").length, 0);
});

test("an unkey shorter than 300 ms does not reset the time-out timer, a longer one does", async () => {
  const flutter = openCall();
  flutter.request("a");
  await flutter.talk("a", 29_000);
  flutter.send({ type: "release", from: "a" });
  await flutter.clock.advance(200);
  flutter.request("a");
  await flutter.talk("a", 1000);
  assert.equal(flutter.moments("revoke"), [30_000]);

  const rest = openCall();
  rest.request("a");
  await rest.talk("a", 29_000);
  rest.send({ type: "release", from: "a" });
  await rest.clock.advance(400);
  rest.request("a");
  await rest.talk("a", 29_800);
  assert.equal(rest.moments("revoke"), []);
});

test("a burst that ran out is not prolonged by an unkey shorter than 300 ms", async () => {
  const call = openCall();
  call.request("a");
  await call.talk("a", 30_000);
  call.send({ type: "release", from: "a" });
  await call.clock.advance(100);
  call.request("a");
  assert.equal(call.last("deny"), { do: "deny", to: "a", cause: denyCause.retryAfter, at: 30_100 });
  // Someone else is not held up by it.
  call.request("b");
  assert.is(call.moments("grant").length, 2);
});

test("who joins learns who talks, or that nobody does", () => {
  const call = openCall();
  call.send({ type: "join", participant: "a" });
  assert.equal(call.effects, [{ do: "idle-to", to: "a", at: 0 }]);
  call.request("a", 7);
  call.send({ type: "join", participant: "b" });
  assert.equal(call.last("taken-to"), { do: "taken-to", to: "b", talker: "a", party: "sip:a", priority: 7, at: 0 });
});

test("an adopted burst is neither granted nor announced again, and lives by the same timers", async () => {
  const call = openCall();
  call.send({ type: "adopt", talker: "z", party: "sip:z", priority: 4 });
  assert.equal(call.effects, [{ do: "bridge", at: 0 }]);
  call.request("a", 4);
  assert.equal(call.last("deny"), { do: "deny", to: "a", cause: denyCause.taken, at: 0 });
  await call.clock.advance(4000);
  assert.equal(call.moments("idle"), [4000]);
});

test("who talks on without the floor is told to stop", async () => {
  const call = openCall();
  call.request("a");
  await call.clock.advance(4000);
  call.send({ type: "media", from: "a" });
  assert.equal(call.last("revoke"), { do: "revoke", to: "a", cause: revokeCause.noPermission, at: 4000 });
});

test("a microphone that is dead holds the floor for T1 and not again, however often its terminal asks, until it lets go", async () => {
  const call = openCall();
  call.request("a");
  await call.clock.advance(4000);
  assert.equal(call.moments("idle").slice(0, 1), [4000]);
  for (let second = 0; second < 60; second++) {
    call.request("a");
    await call.clock.advance(1000);
  }
  assert.equal(call.moments("grant"), [0, 1000, 2000]);
  call.request("b");
  assert.is(call.state().in, "taken");
  call.send({ type: "release", from: "a" });
  call.send({ type: "release", from: "b" });
  call.request("a");
  assert.is(call.moments("grant").length, 5);
});

test("so does a talker whose burst was cut for its length, and who never lets go", async () => {
  const call = openCall();
  call.request("a");
  await call.talk("a", 33_000);
  call.request("a");
  assert.equal(call.last("deny"), { do: "deny", to: "a", cause: denyCause.retryAfter, at: 33_000 });
  call.send({ type: "release", from: "a" });
  call.request("a");
  assert.is(call.state().in, "taken");
});

test("who was cut off and then says nothing for a while is taken to have let go: the Release may be lost", async () => {
  const call = openCall();
  call.request("a");
  await call.clock.advance(4000 + limits.blockMs);
  call.request("a");
  assert.is(call.state().in, "taken");
});

test("a talker is warned before the cut, once a burst, and an unkey shorter than 300 ms does not put it off", async () => {
  const call = openCall({ talkWarningMs: 5000 });
  call.request("a");
  await call.talk("a", 20_000);
  call.send({ type: "release", from: "a" });
  await call.clock.advance(200);
  call.request("a");
  await call.talk("a", 9000);
  assert.equal(call.moments("warn"), [25_000]);
  const warned = call.last("warn");
  assert.is(warned?.do === "warn" && warned.durationMs, 5000);
});

test("a broadcast is its originator's alone until it is un-bridged; an emergency breaks in", async () => {
  const call = openCall({ broadcast: true });
  call.request("a");
  call.request("b", 9);
  assert.equal(call.last("deny"), { do: "deny", to: "b", cause: denyCause.receiveOnly, at: 0 });
  call.send({ type: "release", from: "a" });
  await call.clock.advance(1000);
  call.request("b", 9);
  assert.is(call.state().in, "idle", "it goes on");
  call.request("b", weigh("emergency", 0));
  assert.is(call.state().in, "taken");
  call.send({ type: "release", from: "b" });
  await call.clock.advance(limits.hangMs);
  call.request("b");
  assert.is(call.state().in, "taken", "it was over");
});

test("a broadcast whose originator leaves is over", () => {
  const call = openCall({ broadcast: true });
  call.request("a");
  call.send({ type: "leave", participant: "a" });
  call.request("b");
  const granted = call.last("grant");
  assert.is(granted?.do === "grant" && granted.to, "b");
});

test.run();
