import { test } from "uvu";
import * as assert from "uvu/assert";
import { type ArbiterLimits, arbiterInitial } from "../../../firmware/floor/arbiter-state.ts";
import { denyCause, queuePosition } from "../../../firmware/floor/message.ts";
import { openCall } from "./arbiter-call.ts";

/** Terminals that know queueing, in a call that has it. */
function openQueueing(more: Partial<ArbiterLimits> = {}) {
  return openCall({ queueLength: 3, ...more });
}

test("who cannot be granted the floor waits by priority and then by time, and is told every other place", () => {
  const call = openQueueing();
  call.request("a", 5);
  for (const [who, priority] of [
    ["b", 1],
    ["c", 2],
    ["d", 2],
  ] as const)
    call.request(who, priority);
  const places = call.effects.flatMap((effect) => (effect.do === "queued" ? [`${effect.to} ${effect.position}`] : []));
  assert.equal(places, ["b 1", "c 1", "b 2", "d 2", "b 3"]);
  call.request("e", 3);
  assert.equal(call.last("deny"), { do: "deny", to: "e", cause: denyCause.queueFull, at: 0 });
  for (const [talker, next] of [
    ["a", "c"],
    ["c", "d"],
    ["d", "b"],
  ] as const) {
    call.send({ type: "release", from: talker });
    const granted = call.last("grant");
    assert.is(granted?.do === "grant" && granted.to, next);
  }
  call.send({ type: "release", from: "b" });
  assert.equal(call.moments("idle"), [0]);
});

test("a granted button of the queue that was let go meanwhile, and says so to nobody, holds the floor no longer than T1", async () => {
  const call = openQueueing();
  call.request("a");
  call.request("b");
  call.request("c");
  call.send({ type: "release", from: "a" });
  await call.clock.advance(4000);
  const granted = call.effects.flatMap((effect) => (effect.do === "grant" ? [`${effect.to} ${effect.at}`] : []));
  assert.equal(granted, ["a 0", "b 0", "b 1000", "b 2000", "c 4000"]);
});

test("who waits and is no more, or lets go, is passed over", () => {
  const call = openQueueing();
  for (const who of ["a", "b", "c", "d"]) call.request(who);
  call.send({ type: "leave", participant: "b" });
  call.send({ type: "release", from: "c" });
  call.send({ type: "release", from: "a" });
  const granted = call.last("grant");
  assert.is(granted?.do === "grant" && granted.to, "d");
});

test("who asks for a place that there is not learns that there is none", () => {
  const call = openQueueing();
  call.request("a");
  call.send({ type: "position", from: "b" });
  const told = { do: "queued", to: "b", position: queuePosition.none, priority: 0, waiting: 0, at: 0 };
  assert.equal(call.last("queued"), told);
});

test("a terminal that knows no queue is denied, and so is everybody where there is none", () => {
  const call = openQueueing();
  call.request("a");
  const phone = { type: "request", from: "p", party: "sip:p", priority: 1, mayTalk: true, mayPreempt: true } as const;
  call.send({ ...phone, mayQueue: false });
  assert.equal(call.last("deny"), { do: "deny", to: "p", cause: denyCause.taken, at: 0 });
});

test("an arbiter that abdicates knows nothing any more, and none of its timers runs", async () => {
  const call = openQueueing();
  for (const who of ["a", "b"]) call.request(who);
  call.send({ type: "abdicate" });
  const before = call.effects.length;
  await call.clock.advance(60_000);
  assert.is(call.effects.length, before);
  assert.equal(call.state(), arbiterInitial);
});

test.run();
