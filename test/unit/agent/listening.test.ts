import { test } from "uvu";
import * as assert from "uvu/assert";
import { listening, talkers } from "../../../firmware/agent/listening.ts";

/** A line that says `level` at every sample of each frame, or nothing. */
function speaker() {
  const line = { level: 0, fill: (frame: Int16Array) => frame.fill(line.level).some((sample) => sample !== 0) };
  return line;
}

function open() {
  const [talkgroup, direct] = [speaker(), speaker()];
  const listen = listening(talkgroup.fill, direct.fill);
  const frame = new Int16Array(960);
  return {
    talkgroup,
    direct,
    /** The first and the last sample of the next frame. */
    hear(): readonly [number, number] {
      listen(frame);
      return [frame[0] ?? 0, frame[959] ?? 0];
    },
  };
}

test("each line alone is heard as it comes", () => {
  const { talkgroup, direct, hear } = open();
  assert.equal(hear(), [0, 0]);
  direct.level = 8_000;
  assert.equal(hear(), [8_000, 8_000]);
  [talkgroup.level, direct.level] = [4_000, 0];
  assert.equal(hear(), [4_000, 4_000]);
});

test("a private call steps back over one frame, stays behind while the talkgroup talks, and comes forward over one frame", () => {
  const { talkgroup, direct, hear } = open();
  direct.level = 8_000;
  hear();
  talkgroup.level = 100;
  const [from, to] = hear();
  assert.ok(from > 8_050 && from <= 8_100, `${from}`);
  assert.is(to, 2_100);
  assert.equal(hear(), [2_100, 2_100]);
  talkgroup.level = 0;
  const [back, forward] = hear();
  assert.ok(back >= 2_000 && back < 2_050, `${back}`);
  assert.is(forward, 8_000);
});

test("a private call that begins while the talkgroup talks is behind from its first sample", () => {
  const { talkgroup, direct, hear } = open();
  talkgroup.level = 100;
  hear();
  direct.level = 8_000;
  assert.equal(hear(), [2_100, 2_100]);
});

test("what is louder than 16 bits is clipped", () => {
  for (const [level, limit] of [
    [32_000, 32_767],
    [-32_000, -32_768],
  ] as const) {
    const { talkgroup, direct, hear } = open();
    [talkgroup.level, direct.level] = [level, level];
    assert.equal(hear(), [limit, limit]);
  }
});

test("each line is behind all that have precedence and speak, and only once", () => {
  const lines = [speaker(), speaker(), speaker(), speaker()];
  const [first = speaker(), ...rest] = lines;
  const listen = listening(first.fill, ...rest.map(({ fill }) => fill));
  const frame = new Int16Array(960);
  const hear = (...levels: readonly number[]): number => {
    for (const [index, line] of lines.entries()) line.level = levels[index] ?? 0;
    listen(frame);
    listen(frame);
    return frame[959] ?? 0;
  };
  assert.is(hear(0, 0, 400, 4_000), 1_400);
  assert.is(hear(0, 40, 400, 4_000), 1_140);
  assert.is(hear(4, 0, 400, 4_000), 1_104);
  assert.is(hear(0, 0, 0, 4_000), 4_000);
});

test("the talker who is told is the talkgroup's first; the other's is told again when that is silent", () => {
  const told: (string | undefined)[] = [];
  const [talkgroup, direct] = talkers(2, (party) => told.push(party));
  direct?.("bob");
  talkgroup?.("");
  direct?.("eve");
  talkgroup?.(undefined);
  talkgroup?.("eve");
  talkgroup?.(undefined);
  direct?.(undefined);
  direct?.(undefined);
  assert.equal(told, ["bob", "", "eve", undefined]);
});

test.run();
