import { test } from "uvu";
import * as assert from "uvu/assert";
import type { FloorMessage } from "../../../firmware/floor/message.ts";
import { floorIndicator } from "../../../firmware/floor/message.ts";
import { voice } from "../media/signals.ts";
import { open } from "./bench.ts";
import { granted } from "./far-end.ts";

const placed = (position: number): FloorMessage => ({ type: "queue-info", position, priority: 5 });

test("whoever waits hears of the place, and what is said is sent from the grant on, not from the press", async () => {
  const { clock, far, microphone, press, release, told } = await open("silence");
  microphone.hear(voice(48_000, 48 * 6_000));
  press();
  await clock.advance(100);
  far.sendFloor(placed(2));
  await clock.advance(900);
  far.sendFloor(placed(1));
  await clock.advance(1_000);
  assert.is(far.packets.length, 0);
  far.sendFloor(granted);
  await clock.advance(1_000);
  release();
  await clock.advance(100);
  assert.equal(told, ["queued 2", "queued 1", "permit", "unkeyed"]);
  assert.ok(far.packets.length >= 49 && far.packets.length <= 52, `${far.packets.length} packets of a second`);
});

test("whoever lets go while waiting sends nothing, and keys up anew at the next press", async () => {
  const { clock, far, press, release, told } = await open("silence");
  press();
  await clock.advance(100);
  far.sendFloor(placed(1));
  await clock.advance(100);
  release();
  await clock.advance(100);
  press();
  await clock.advance(50);
  far.sendFloor(granted);
  await clock.advance(500);
  assert.equal(told, ["queued 1", "unkeyed", "permit"]);
  assert.ok(far.packets.length >= 25);
});

test("the urgency of the talkgroup is told as it changes, and a press of the emergency button asks by its bit", async () => {
  const { clock, agent, far, told } = await open(granted);
  const asked: (number | undefined)[] = [];
  const { answer } = far;
  far.answer = (message) => {
    if (message.type === "request" || message.type === "release") asked.push(message.indicator);
    return answer?.(message);
  };
  agent.press(clock.now(), "emergency");
  await clock.advance(300);
  far.sendFloor({ type: "granted", durationS: 30, priority: 5, indicator: floorIndicator.emergency });
  await clock.advance(100);
  agent.release(clock.now());
  await clock.advance(200);
  agent.calm();
  await clock.advance(100);
  far.sendFloor({ type: "idle", sequence: 9, indicator: floorIndicator.normal });
  await clock.advance(100);
  assert.equal(told, ["permit", "emergency", "unkeyed", "normal"]);
  assert.equal(asked, [floorIndicator.emergency, undefined, floorIndicator.normal]);
});

test.run();
