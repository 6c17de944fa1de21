import { test } from "uvu";
import * as assert from "uvu/assert";
import { control } from "../../../firmware/conference/control.ts";
import {
  type Burst,
  type ControlEffect,
  type ControlEvent,
  type ControlState,
  type ControlTimer,
  initialControl,
} from "../../../firmware/conference/control-state.ts";
import type { FloorRole } from "../../../firmware/conference/protocol.ts";
import type { Expiry } from "../../../firmware/machine.ts";

const machine = control("north", { answerMs: 500, endOfMediaMs: 4000, hangMs: 5000 });
const controlling = (...peers: string[]): FloorRole => ({ in: "controlling", peers });
const participating = (controller: string, ...peers: string[]): FloorRole => ({
  in: "participating",
  controller,
  peers: [controller, ...peers],
});

/** Feeds events; gives the last state and every effect of the last event in a short form. */
function feed(state: ControlState, ...events: (ControlEvent | Expiry<ControlTimer>)[]) {
  let effects: readonly string[] = [];
  let now = state;
  for (const event of events) {
    const [next, done] = machine(now, event);
    now = next;
    effects = done.map((effect) =>
      "do" in effect ? brief(effect) : "start" in effect ? `start ${effect.start}` : `stop ${effect.stop}`,
    );
  }
  return { state: now, effects };
}

function brief(effect: ControlEffect): string {
  switch (effect.do) {
    case "arbitrate":
      return `arbitrate ${effect.event.type}`;
    case "tell":
      return `tell ${effect.participant} ${effect.message.type}`;
    case "tell-all":
      return `tell all${effect.except ? ` but ${effect.except}` : ""} ${effect.message.type}`;
    case "send":
      return `send ${effect.to} ${effect.message.type}`;
    case "open":
      return `open ${effect.talker}`;
    default:
      return effect.do;
  }
}

const request = (from: string): ControlEvent => ({
  type: "request",
  request: { from, party: `sip:${from}`, priority: 0, mayTalk: true, mayPreempt: true, mayQueue: true },
});
const trunk = (
  from: string,
  participant: string,
  message: "taken" | "idle" | "granted" | "deny" | "revoke",
  epoch = 1,
): ControlEvent => ({
  type: "trunk",
  trunk: {
    from,
    participant,
    ...(participant.startsWith("north/") && participant !== "north/gone" && { party: `sip:${participant}` }),
    epoch,
    priority: 0,
    message:
      message === "taken"
        ? { type: "taken", party: `sip:${participant}`, mayRequest: true, sequence: 1 }
        : message === "granted"
          ? { type: "granted", durationS: 30, priority: 0 }
          : message === "deny" || message === "revoke"
            ? { type: message, cause: 1 }
            : { type: "idle", sequence: 1 },
  },
});
const alone = initialControl("north");
const under = (controller: string): ControlState =>
  feed(alone, { type: "role", role: participating(controller) }).state;
const burstOf = (talker: string, authority: string): Burst => ({
  talker,
  party: `sip:${talker}`,
  priority: 0,
  authority,
  epoch: 1,
  released: false,
});

test("the controlling gateway asks its own arbiter", () => {
  assert.equal(feed(alone, request("north/1")).effects, ["arbitrate request"]);
});

test("a ruling opens the gate, tells the legs here and announces the burst to the other gateways", () => {
  const { state, effects } = feed(alone, {
    type: "ruled",
    ruling: { do: "taken", talker: "north/1", party: "sip:a", priority: 0 },
  });
  assert.equal(effects, ["stop hang", "bridge", "open north/1", "tell all but north/1 taken", "send all taken"]);
  assert.equal(state.burst?.authority, "north");
});

test("a participating gateway passes a request on, and stands in when the controller does not answer", () => {
  const asked = feed(under("south"), request("north/1"));
  assert.equal(asked.effects, ["send south request", "start answer"]);
  const late = feed(asked.state, { type: "expiry", timer: "answer" });
  assert.equal(late.effects, ["arbitrate request"]);
  assert.is(late.state.controller, "north");
  const burst = feed(late.state, {
    type: "ruled",
    ruling: { do: "taken", talker: "north/1", party: "a", priority: 0 },
  });
  const after = feed(burst.state, { type: "ruled", ruling: { do: "idle" } });
  assert.is(after.state.controller, "south", "control goes back when the burst is over");
});

test("a listen-only user of a participating gateway is denied there: the controller knows its users not", () => {
  const { effects } = feed(under("south"), {
    type: "request",
    request: { from: "north/1", party: "sip:a", priority: 0, mayTalk: false, mayPreempt: true, mayQueue: true },
  });
  assert.equal(effects, ["tell north/1 deny"]);
});

test("the controller's grant reaches the leg and opens its gate", () => {
  const { state, effects } = feed(under("south"), request("north/1"), trunk("south", "north/1", "granted"));
  assert.ok(
    effects.includes("open north/1") && effects.includes("tell north/1 granted") && effects.includes("stop answer"),
  );
  assert.is(state.burst?.authority, "south");
});

test("a grant from a gateway that does not control is not believed", () => {
  const { state, effects } = feed(under("south"), request("north/1"), trunk("west", "north/1", "granted"));
  assert.equal(effects, []);
  assert.is(state.burst, undefined);
});

test("a burst survives the loss of its controller: the successor adopts it and says so", () => {
  const talking = feed(under("south"), trunk("south", "west/9", "taken"));
  const { state, effects } = feed(talking.state, { type: "role", role: controlling("west") });
  assert.equal(effects, ["stop silence", "arbitrate adopt", "send all taken"]);
  assert.is(state.controller, "north");
  assert.is(state.epoch, 2);
});

test("control waits for the end of a burst while its controller lives", () => {
  const talking: ControlState = { ...alone, burst: burstOf("north/1", "north") };
  const { state } = feed(talking, { type: "role", role: participating("south") });
  assert.is(state.controller, "north");
  assert.is(feed(state, { type: "ruled", ruling: { do: "idle" } }).state.controller, "south");
});

test("an arbiter that controls no more is not listened to, though its Idle is still repeated", () => {
  const listening = feed(under("south"), trunk("south", "south/1", "taken"));
  const { state, effects } = feed(listening.state, { type: "ruled", ruling: { do: "idle" } });
  assert.equal(effects, []);
  assert.is(state.burst?.talker, "south/1");
});

test("two sites that both ruled agree on one burst: the higher epoch stays, the other is revoked", () => {
  const ours: ControlState = { ...alone, epoch: 3, burst: { ...burstOf("north/1", "north"), epoch: 3 } };
  const stays = feed(ours, trunk("south", "south/1", "taken", 2));
  assert.equal(stays.effects, ["send all taken"]);
  const yields = feed(ours, trunk("south", "south/1", "taken", 4));
  assert.ok(yields.effects.includes("tell north/1 revoke"));
  assert.is(yields.state.burst?.talker, "south/1");
});

test("every gateway is told of a revoke, and believes the one that controls", () => {
  const ruled: ControlEvent = { type: "ruled", ruling: { do: "revoke", to: "south/1", cause: 4 } };
  assert.equal(feed(alone, ruled).effects, ["send all revoke"]);
  const own: ControlEvent = { type: "ruled", ruling: { do: "revoke", to: "north/1", cause: 4 } };
  assert.equal(feed(alone, own).effects, ["tell north/1 revoke", "send all revoke"]);
  const listening = feed(under("south"), trunk("south", "west/1", "taken")).state;
  assert.equal(feed(listening, trunk("south", "west/1", "revoke")).effects, ["tell west/1 revoke"]);
  assert.equal(feed(listening, trunk("west", "west/1", "revoke")).effects, []);
});

test("who has let go is not told of a revoke when somebody who waited is heard", () => {
  const talking = feed(under("south"), request("north/1"), trunk("south", "north/1", "granted"));
  const released = feed(talking.state, { type: "release", from: "north/1" }).state;
  assert.not(feed(released, trunk("south", "south/1", "taken")).effects.includes("tell north/1 revoke"));
  assert.ok(feed(talking.state, trunk("south", "south/1", "taken")).effects.includes("tell north/1 revoke"));
});

test("a talker's release that the controller never confirms frees the floor here all the same", () => {
  const talking = feed(under("south"), request("north/1"), trunk("south", "north/1", "granted"));
  const released = feed(talking.state, { type: "release", from: "north/1" });
  assert.equal(released.effects, ["send south release", "close", "start silence"]);
  const freed = feed(released.state, { type: "expiry", timer: "silence" });
  assert.is(freed.state.burst, undefined);
});

test("a higher priority stays, whoever ruled it", () => {
  const ours: ControlState = { ...alone, epoch: 3, burst: { ...burstOf("north/1", "north"), epoch: 3, priority: 9 } };
  assert.is(feed(ours, trunk("south", "south/1", "taken", 4)).state.burst?.talker, "north/1");
});

test("a gateway's later word replaces its earlier one, and the controller's any other's", () => {
  const first = feed(under("west"), trunk("south", "south/1", "taken"));
  assert.is(feed(first.state, trunk("south", "south/2", "taken")).state.burst?.talker, "south/2");
  assert.is(feed(first.state, trunk("west", "west/1", "taken", 0)).state.burst?.talker, "west/1");
  assert.is(feed(first.state, trunk("east", "east/1", "taken")).state.burst?.talker, "south/1");
});

test("a gateway that stood in and was denied by its own arbiter gives control back", () => {
  const standIn = feed(under("south"), request("north/1"), { type: "expiry", timer: "answer" });
  const denied = feed(standIn.state, { type: "ruled", ruling: { do: "deny", to: "north/1", cause: 4 } });
  assert.equal(denied.effects, ["tell north/1 deny", "arbitrate abdicate"]);
  assert.is(denied.state.controller, "south");
});

test("a gateway that stands in begins no term; one that becomes the controller meanwhile does", () => {
  const standIn = feed(under("south"), request("north/1"), { type: "expiry", timer: "answer" });
  const talking = feed(standIn.state, {
    type: "ruled",
    ruling: { do: "taken", talker: "north/1", party: "a", priority: 0 },
  });
  assert.is(talking.state.burst?.epoch, 0);
  const promoted = feed(
    talking.state,
    { type: "role", role: controlling("west") },
    { type: "ruled", ruling: { do: "idle" } },
  );
  assert.is(promoted.state.epoch, 2);
  const next = feed(promoted.state, {
    type: "ruled",
    ruling: { do: "taken", talker: "north/1", party: "a", priority: 0 },
  });
  assert.is(next.state.burst?.epoch, 2);
});

test("a grant that comes too late for a gateway that stood in is handed back, but for the talker it let talk", () => {
  const standIn = feed(under("south"), request("north/1"), { type: "expiry", timer: "answer" }).state;
  const own = feed(standIn, { type: "ruled", ruling: { do: "taken", talker: "north/1", party: "a", priority: 0 } });
  assert.equal(feed(own.state, trunk("south", "north/1", "granted")).effects, []);
  const other = feed(own.state, trunk("west", "west/1", "taken"));
  assert.is(other.state.burst?.talker, "west/1");
  assert.equal(feed(other.state, trunk("south", "north/1", "granted")).effects, ["send south release"]);
});

test("a burst that was let go and not confirmed ends with the controller that should have", () => {
  const talking = feed(under("south"), request("north/1"), trunk("south", "north/1", "granted"));
  const released = feed(talking.state, { type: "release", from: "north/1" });
  const { effects } = feed(released.state, { type: "role", role: controlling("west") });
  assert.equal(effects, ["stop silence", "arbitrate adopt", "send all taken", "arbitrate release"]);
});

test("a grant to a leg that is gone is handed back at once", () => {
  const { state, effects } = feed(under("south"), trunk("south", "north/gone", "granted"));
  assert.equal(effects, ["send south release"]);
  assert.is(state.burst, undefined);
});

test("only the first question is timed; another's burst answers it", () => {
  const first = feed(under("south"), request("north/1"));
  const second = feed(first.state, request("north/2"));
  assert.equal(second.effects, ["send south request"]);
  const granted = feed(second.state, trunk("south", "north/2", "granted"));
  assert.is(granted.state.burst?.party, "sip:north/2");
  assert.equal(feed(granted.state, { type: "expiry", timer: "answer" }).effects, []);
});

test("a burst of a leg here that was never granted to it is not opened by hearsay", () => {
  const { state, effects } = feed(under("south"), trunk("south", "north/1", "taken"));
  assert.equal(effects, []);
  assert.is(state.burst, undefined);
});

test("a term begins above every one that was heard of", () => {
  const heard = feed(under("south"), trunk("south", "", "idle", 5));
  assert.is(feed(heard.state, { type: "role", role: controlling("west") }).state.epoch, 6);
});

test("the end of a burst that another gateway ruled is that gateway's to announce, or its talker's", () => {
  const adopted = feed(alone, trunk("south", "west/1", "taken"));
  assert.not(feed(adopted.state, { type: "ruled", ruling: { do: "idle" } }).effects.includes("send all idle"));
  assert.equal(feed(adopted.state, trunk("south", "", "idle")).effects, ["arbitrate adopt-idle"]);
  assert.equal(feed(adopted.state, trunk("west", "", "idle")).effects, ["arbitrate adopt-idle"]);
  assert.equal(feed(adopted.state, trunk("east", "", "idle")).effects, []);
});

test("a question that is open when control changes hands is put to the successor", () => {
  const asked = feed(under("south"), request("north/1"));
  const west = feed(asked.state, { type: "role", role: participating("west") });
  assert.equal(west.effects, ["stop answer", "send west request", "start answer"]);
  const own = feed(asked.state, { type: "role", role: controlling("west") });
  assert.equal(own.effects, ["send all idle", "stop answer", "arbitrate request"]);
});

test("whoever appears is told the state of the floor", () => {
  const talking: ControlState = { ...alone, burst: burstOf("north/1", "north") };
  assert.equal(feed(talking, { type: "role", role: controlling("south") }).effects, ["send all taken"]);
  assert.equal(feed(alone, { type: "role", role: controlling("south") }).effects, ["send all idle"]);
});

test.run();
