import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  type PrivateCallEffect,
  type PrivateCallEvent,
  type PrivateCallState,
  privateCall,
  privateCallInitial,
} from "../../../firmware/agent/private-call.ts";
import type { Expiry, TimerEffect } from "../../../firmware/machine.ts";

type Event = PrivateCallEvent | Expiry<"late">;

const connect = (call = ""): Event => ({ type: "connect", call, kind: 1, party: "sip:bob@example.org" });
const disconnect = (call = ""): Event => ({ type: "disconnect", call, kind: 1 });
const floor: Event = { type: "floor", party: "sip:eve@example.org" };
const late: Event = { type: "expiry", timer: "late" };

function words(effect: PrivateCallEffect | TimerEffect<"late">): string {
  if ("start" in effect) return `start ${effect.start}`;
  if ("stop" in effect) return `stop ${effect.stop}`;
  return effect.do === "connected" ? `connected ${effect.party}` : effect.do;
}

/** Name, the events, and what each brings. */
const stories: readonly (readonly [string, readonly (readonly [Event, string])[]])[] = [
  [
    "a call is connected, and parted again",
    [
      [connect("1"), "acknowledge, stop late, connected sip:bob@example.org"],
      [floor, ""],
      [disconnect("1"), "acknowledge, parted, start late"],
      [late, ""],
      [connect("2"), "acknowledge, stop late, connected sip:bob@example.org"],
    ],
  ],
  [
    "a repeated Connect or Disconnect is answered, and changes nothing",
    [
      [connect("1"), "acknowledge, stop late, connected sip:bob@example.org"],
      [connect("1"), "acknowledge"],
      [disconnect("1"), "acknowledge, parted, start late"],
      [disconnect("1"), "acknowledge"],
    ],
  ],
  [
    "floor control on a parked session says what the lost Connect would have said, and the Connect behind it nothing new",
    [
      [floor, "connected sip:eve@example.org"],
      [connect("1"), "acknowledge"],
      [disconnect("1"), "acknowledge, parted, start late"],
    ],
  ],
  [
    "what is late after a Disconnect connects nothing; after a while it is not late any more",
    [
      [connect("1"), "acknowledge, stop late, connected sip:bob@example.org"],
      [disconnect("1"), "acknowledge, parted, start late"],
      [floor, ""],
      [connect("1"), ""],
      [late, ""],
      [floor, "connected sip:eve@example.org"],
    ],
  ],
  [
    "another call right after a Disconnect is connected",
    [
      [connect("1"), "acknowledge, stop late, connected sip:bob@example.org"],
      [disconnect("1"), "acknowledge, parted, start late"],
      [connect("2"), "acknowledge, stop late, connected sip:bob@example.org"],
    ],
  ],
  [
    "the Connect of another call ends the one before, whose late Disconnect does not end the new one",
    [
      [connect("1"), "acknowledge, stop late, connected sip:bob@example.org"],
      [connect("2"), "acknowledge, stop late, parted, connected sip:bob@example.org"],
      [disconnect("1"), "acknowledge"],
      [disconnect("2"), "acknowledge, parted, start late"],
    ],
  ],
  [
    "calls without an identity are taken at their word",
    [
      [connect(), "acknowledge, stop late, connected sip:bob@example.org"],
      [connect(), "acknowledge"],
      [disconnect(), "acknowledge, parted, start late"],
      [connect(), "acknowledge, stop late, connected sip:bob@example.org"],
    ],
  ],
  [
    "a call in which nobody hears is over, until its floor is heard of again",
    [
      [connect("1"), "acknowledge, stop late, connected sip:bob@example.org"],
      [{ type: "deserted" }, "parted"],
      [{ type: "deserted" }, ""],
      [floor, "connected sip:eve@example.org"],
    ],
  ],
  [
    "a call ends with its session, and nothing of it is late on the next one",
    [
      [connect("1"), "acknowledge, stop late, connected sip:bob@example.org"],
      [{ type: "session-over" }, "stop late, parted"],
      [{ type: "session-over" }, "stop late"],
      [floor, "connected sip:eve@example.org"],
    ],
  ],
];

for (const [name, steps] of stories)
  test(name, () => {
    let state: PrivateCallState = privateCallInitial;
    steps.forEach(([event, expected], index) => {
      const [after, effects] = privateCall(state, event);
      assert.is(effects.map(words).join(", "), expected, `step ${index + 1}`);
      state = after;
    });
  });

test("an Acknowledgement names the call as it was named", () => {
  const [, effects] = privateCall(privateCallInitial, { type: "disconnect", call: "1", kind: 3 });
  assert.equal(effects, [{ do: "acknowledge", call: "1", kind: 3 }]);
});

test.run();
