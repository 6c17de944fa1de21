import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  acknowledgeBit,
  denyCause,
  type FloorMessage,
  floorIndicator,
  floorSubtype,
  queuePosition,
  revokeCause,
} from "../../../firmware/floor/message.ts";
import { participant } from "../../../firmware/floor/participant.ts";
import {
  type ParticipantEffect,
  participantDefaults,
  participantInitial,
} from "../../../firmware/floor/participant-state.ts";
import type { Urgency } from "../../../firmware/floor/urgency.ts";
import { run } from "../../../firmware/machine.ts";
import { virtualClock } from "../../../hal/clock/virtual.ts";

function openTerminal() {
  const clock = virtualClock();
  const start = clock.now();
  const effects: ParticipantEffect[] = [];
  const sent: [number, FloorMessage["type"]][] = [];
  const machine = run(participant(participantDefaults), participantInitial, clock, (effect) => {
    effects.push(effect);
    if (effect.do === "send") sent.push([clock.now() - start, effect.message.type]);
  });
  return {
    clock,
    sent,
    effects,
    press: (urgency?: Urgency) => machine.send({ type: "press", priority: 5, ...(urgency && { urgency }) }),
    calm: () => machine.send({ type: "calm" }),
    unpress: () => machine.send({ type: "unpress" }),
    media: () => machine.send({ type: "media" }),
    receive: (message: FloorMessage, acknowledge = false) => machine.send({ type: "message", message, acknowledge }),
    /** What the user notices, in order. */
    noticed: () => effects.filter((effect) => effect.do !== "send").map((effect) => effect.do),
    state: () => machine.state().in,
  };
}

const granted: FloorMessage = { type: "granted", durationS: 30, priority: 5 };
const denied: FloorMessage = { type: "deny", cause: denyCause.taken };
const idle: FloorMessage = { type: "idle", sequence: 1 };
const taken: FloorMessage = { type: "taken", party: "sip:x", mayRequest: true, sequence: 1 };

test("a press keeps what is said from the press on, and the grant sends it", () => {
  const terminal = openTerminal();
  terminal.press();
  terminal.receive(granted);
  terminal.unpress();
  terminal.receive(idle);
  assert.equal(terminal.noticed(), ["capture", "talk", "mute"]);
  assert.equal(terminal.effects[0], { do: "send", message: { type: "request", priority: 5 } });
  assert.is(terminal.state(), "no-permission");
});

test("a request that nobody answers is repeated, given up, and taken back", async () => {
  const terminal = openTerminal();
  terminal.press();
  await terminal.clock.advance(60_000);
  assert.equal(terminal.sent, [
    [0, "request"],
    [500, "request"],
    [1000, "request"],
    [1500, "request"],
    [2000, "release"],
    [2500, "release"],
    [3000, "release"],
  ]);
  assert.equal(terminal.noticed(), ["capture", "failed"]);
});

test("after a denial the button does nothing until it was let go", () => {
  const terminal = openTerminal();
  terminal.press();
  terminal.receive(denied);
  terminal.press();
  assert.is(terminal.sent.length, 1);
  terminal.unpress();
  terminal.press();
  assert.is(terminal.sent.length, 2);
});

test("after a revoke the talker is muted, says that it let go, and is blocked until the button is up", () => {
  const terminal = openTerminal();
  terminal.press();
  terminal.receive(granted);
  terminal.receive({ type: "revoke", cause: revokeCause.tooLong });
  assert.equal(terminal.effects.at(-2), { do: "revoked", cause: revokeCause.tooLong });
  assert.equal(terminal.effects.at(-1), { do: "send", message: { type: "release" }, acknowledge: true });
  terminal.receive(idle);
  terminal.press();
  assert.is(terminal.state(), "no-permission");
  terminal.unpress();
  terminal.press();
  assert.is(terminal.state(), "pending-request");
});

test("a grant that comes after the button was let go is given back", () => {
  const terminal = openTerminal();
  terminal.press();
  terminal.unpress();
  terminal.receive(idle);
  terminal.receive(granted);
  assert.equal(
    terminal.sent.map(([, type]) => type),
    ["request", "release", "release"],
  );
  assert.equal(terminal.noticed(), ["capture", "mute"]);
});

test("a press just after an unpress does not wait for the release to be confirmed", () => {
  const terminal = openTerminal();
  terminal.press();
  terminal.receive(granted);
  terminal.unpress();
  terminal.press();
  terminal.receive(granted);
  assert.equal(terminal.noticed(), ["capture", "talk", "mute", "capture", "talk"]);
});

test("an urgent press while someone talks waits for the server's word, not for the talker's", () => {
  const terminal = openTerminal();
  terminal.receive(taken);
  terminal.press();
  terminal.receive(taken);
  terminal.receive(granted);
  assert.equal(terminal.noticed(), ["listening", "capture", "silence", "talk"]);
});

test("a talker that hears of an idle floor asks again, and talks on when it is granted", async () => {
  const terminal = openTerminal();
  terminal.press();
  terminal.receive(granted);
  terminal.receive(idle);
  terminal.receive(granted);
  await terminal.clock.advance(10_000);
  assert.is(terminal.sent.length, 2);
  assert.equal(terminal.noticed(), ["capture", "talk"]);
});

test("a talker that hears of another talker asks again, and listens to it when it is denied", () => {
  const terminal = openTerminal();
  terminal.press();
  terminal.receive(granted);
  terminal.receive(taken);
  terminal.receive(denied);
  assert.equal(terminal.noticed(), ["capture", "talk", "revoked", "listening"]);
});

test("a talker that cannot learn whether it still has the floor stops", async () => {
  const terminal = openTerminal();
  terminal.press();
  terminal.receive(granted);
  terminal.receive(taken);
  await terminal.clock.advance(2000);
  assert.equal(terminal.noticed(), ["capture", "talk", "revoked", "listening"]);
});

test("a burst whose end is never told is over when its media has been silent for T103", async () => {
  const terminal = openTerminal();
  terminal.receive(taken);
  await terminal.clock.advance(3000);
  terminal.media();
  await terminal.clock.advance(3999);
  assert.equal(terminal.noticed(), ["listening"]);
  await terminal.clock.advance(1);
  assert.equal(terminal.noticed(), ["listening", "silence"]);
});

const placed = (position: number): FloorMessage => ({ type: "queue-info", position, priority: 5 });

test("who is queued hears of each other place, keeps asking for it, and talks as soon as it is granted with the button down", async () => {
  const terminal = openTerminal();
  terminal.press();
  terminal.receive(placed(2));
  for (let round = 0; round < 20; round++) {
    await terminal.clock.advance(2000);
    terminal.receive(placed(round < 10 ? 2 : 1));
  }
  assert.equal(terminal.noticed(), ["capture", "queued", "queued"]);
  assert.is(terminal.sent.filter(([, type]) => type === "queue-request").length, 20);
  terminal.receive(granted);
  terminal.unpress();
  assert.equal(terminal.noticed().slice(3), ["talk", "mute"]);
});

test("who is queued and lets go says so, and a grant that crossed with it is given back", () => {
  const terminal = openTerminal();
  terminal.press();
  terminal.receive(placed(1));
  terminal.unpress();
  terminal.receive(granted);
  assert.equal(
    terminal.sent.map(([, type]) => type),
    ["request", "release", "release"],
  );
  assert.equal(terminal.noticed(), ["capture", "queued", "mute"]);
});

test("where the server of the queue is gone the floor is asked for anew, and at last given up", async () => {
  const terminal = openTerminal();
  terminal.press();
  terminal.receive(placed(1));
  await terminal.clock.advance(20_000);
  assert.equal(
    terminal.sent.map(([, type]) => type),
    [...["request", "queue-request", "queue-request"], ...Array(4).fill("request"), ...Array(3).fill("release")],
  );
  assert.equal(terminal.noticed(), ["capture", "queued", "failed"]);
});

test("a server that knows nothing of the queue is asked anew at once", () => {
  const terminal = openTerminal();
  terminal.press();
  terminal.receive(placed(1));
  terminal.receive(placed(queuePosition.none));
  terminal.receive(granted);
  assert.equal(terminal.noticed(), ["capture", "queued", "talk"]);
});

test("a talker is warned once, 5 s before the end of what was granted, or when the server says that so much is left", async () => {
  const terminal = openTerminal();
  terminal.press();
  terminal.receive(granted);
  await terminal.clock.advance(24_999);
  assert.equal(terminal.noticed(), ["capture", "talk"]);
  await terminal.clock.advance(1);
  assert.equal(terminal.noticed(), ["capture", "talk", "warn"]);
  const early = openTerminal();
  early.press();
  early.receive(granted);
  early.receive({ ...granted, durationS: 5 });
  await early.clock.advance(30_000);
  assert.equal(early.noticed(), ["capture", "talk", "warn"]);
});

test("a Release is repeated until it is acknowledged", async () => {
  const terminal = openTerminal();
  terminal.press();
  terminal.receive(granted);
  terminal.unpress();
  await terminal.clock.advance(600);
  terminal.receive({ type: "ack", of: floorSubtype.release | acknowledgeBit, source: 2 });
  await terminal.clock.advance(10_000);
  assert.is(terminal.sent.filter(([, type]) => type === "release").length, 2);
});

test("an emergency is told and asked for by its bit, raised in mid-burst too, and over by a Release that says so", async () => {
  const terminal = openTerminal();
  terminal.press();
  terminal.receive(granted);
  terminal.press("emergency");
  terminal.receive({ ...granted, indicator: floorIndicator.emergency });
  terminal.unpress();
  terminal.receive({ ...idle, indicator: floorIndicator.emergency });
  terminal.calm();
  await terminal.clock.advance(600);
  terminal.receive({ type: "ack", of: floorSubtype.release | acknowledgeBit, source: 2 });
  terminal.receive({ ...idle, indicator: floorIndicator.normal });
  const said = terminal.effects.flatMap((effect) =>
    effect.do === "send" && "indicator" in effect.message
      ? [`${effect.message.type} ${effect.message.indicator}`]
      : effect.do === "urgency"
        ? [effect.urgency]
        : [],
  );
  assert.equal(said, ["request 4096", "emergency", "release 32768", "release 32768", "normal"]);
});

test("a message that asks for an Ack gets one that names it, whatever else it does", () => {
  const terminal = openTerminal();
  terminal.press();
  terminal.receive(granted, true);
  assert.equal(terminal.effects.slice(-2), [
    { do: "send", message: { type: "ack", of: 17, source: 0 } },
    { do: "talk" },
  ]);
});

test("a session that goes away ends a burst and leaves no timer behind", () => {
  const clock = virtualClock();
  const effects: string[] = [];
  const machine = run(participant(participantDefaults), participantInitial, clock, (effect) => effects.push(effect.do));
  machine.send({ type: "message", message: taken, acknowledge: false });
  machine.send({ type: "press", priority: 1 });
  machine.send({ type: "disconnected" });
  assert.equal(effects.slice(-2), ["failed", "silence"]);
  assert.is(clock.pending(), 0);
});

test.run();
