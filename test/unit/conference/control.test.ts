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
  request: { from, party: `sip:${from}`, priority: 0, mayTalk: true },
});
const trunk = (
  from: string,
  participant: string,
  message: "taken" | "idle" | "granted" | "deny",
  epoch = 1,
): ControlEvent => ({
  type: "trunk",
  trunk: {
    from,
    participant,
    epoch,
    priority: 0,
    message:
      message === "taken"
        ? { type: "taken", party: `sip:${participant}`, mayRequest: true, sequence: 1 }
        : message === "granted"
          ? { type: "granted", durationS: 30, priority: 0 }
          : message === "deny"
            ? { type: "deny", cause: 1 }
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
    request: { from: "north/1", party: "sip:a", priority: 0, mayTalk: false },
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

test("two sites that both ruled agree on one burst: the higher epoch stays, the other is revoked", () => {
  const ours: ControlState = { ...alone, epoch: 3, burst: burstOf("north/1", "north") };
  const stays = feed(ours, trunk("south", "south/1", "taken", 2));
  assert.equal(stays.effects, ["send all taken"]);
  const yields = feed(ours, trunk("south", "south/1", "taken", 4));
  assert.ok(yields.effects.includes("tell north/1 revoke"));
  assert.is(yields.state.burst?.talker, "south/1");
});

test("a talker's release that the controller never confirms frees the floor here all the same", () => {
  const talking = feed(under("south"), request("north/1"), trunk("south", "north/1", "granted"));
  const released = feed(talking.state, { type: "release", from: "north/1" });
  assert.equal(released.effects, ["send south release", "close", "start silence"]);
  const freed = feed(released.state, { type: "expiry", timer: "silence" });
  assert.is(freed.state.burst, undefined);
});

test("whoever appears is told the state of the floor", () => {
  const talking: ControlState = { ...alone, burst: burstOf("north/1", "north") };
  assert.equal(feed(talking, { type: "role", role: controlling("south") }).effects, ["send all taken"]);
  assert.equal(feed(alone, { type: "role", role: controlling("south") }).effects, ["send all idle"]);
});

test.run();
