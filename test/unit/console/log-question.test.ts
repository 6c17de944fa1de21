import { test } from "uvu";
import * as assert from "uvu/assert";
import { openAdmin } from "../../../firmware/console/admin.ts";
import { askLog } from "../../../firmware/console/ask-log.ts";
import type { LoggedBurst, LogQuestion, VoiceLog } from "../../../firmware/console/log-question.ts";
import { silent } from "../../../firmware/log.ts";
import { virtualClock } from "../../../hal/clock/virtual.ts";
import type { Local, LocalConnection } from "../../../hal/local/port.ts";

const burst = (id: number): LoggedBurst => ({
  ...{ id, talkgroup: "ops", talker: "sip:alice@crew.example", startedAt: 1_000 * id, lengthMs: 500 },
  ...{ end: "complete", file: `/log/${id}.opus`, bytes: 1_000 },
});

/** A socket within this process; `room`: how many lines the asker takes before it is behind. */
function rig(room = 1_000): Local {
  let accept: (connection: LocalConnection) => void = () => {};
  return {
    async listen(_path, given) {
      accept = given;
      return { close: async () => {} };
    },
    async connect() {
      let left = room;
      const end = (to: () => LocalConnection): LocalConnection => ({
        onLine() {},
        onClose() {},
        send(line) {
          if (left === 0) return false;
          left -= 1;
          setImmediate(() => to().onLine(line));
          return true;
        },
        close: () => to().onClose(),
      });
      const near: LocalConnection = end(() => far);
      const far: LocalConnection = end(() => near);
      accept(far);
      return near;
    },
  };
}

function unasked(): never {
  throw new Error("the log was asked");
}

async function ask(question: LogQuestion, voiceLog: Partial<VoiceLog> | undefined, room?: number) {
  const local = rig(room);
  const none: VoiceLog = { list: unasked, find: unasked, play: unasked };
  await openAdmin(
    { clock: virtualClock(), local, log: silent, voiceLog: () => voiceLog && { ...none, ...voiceLog } },
    "/admin.sock",
  );
  return askLog(local, "/admin.sock", question);
}

test("what is in the log comes a burst a line, as it was selected", async () => {
  const asked: unknown[] = [];
  const list: VoiceLog["list"] = async (...given) => {
    asked.push(given);
    return { entries: [burst(2), burst(1)] };
  };
  const question = { list: { talkgroup: "ops", talker: "sip:alice@crew.example", from: 5, before: 9, most: 3 } };
  assert.equal(await ask(question, { list }), { bursts: [burst(2), burst(1)] });
  assert.equal(asked, [[{ talkgroups: ["ops"], talker: "sip:alice@crew.example", from: 5, before: 9 }, 3]]);
});

test("a burst is found, or it is said that there is none, or why nothing can be said", async () => {
  assert.equal(await ask({ find: 4 }, { find: async (id) => ({ entries: [burst(id)] }) }), { bursts: [burst(4)] });
  const none = await ask({ find: 4 }, { find: async () => ({ entries: [] }) });
  assert.match(none.error ?? "", "there is no burst 4 in the log");
  const slow = await ask({ find: 4 }, { find: async () => ({ entries: [], trouble: "the disk is too slow" }) });
  assert.is(slow.error, "the disk is too slow");
  assert.match((await ask({ find: 4 }, undefined)).error ?? "", /nothing is recorded here/);
});

test("a burst is played to who is named, and it is told to whom, or why not", async () => {
  const find: VoiceLog["find"] = async (id) => ({ entries: [burst(id)] });
  const play: VoiceLog["play"] = ({ id }, to = "panel") => (id === 4 ? { to } : { trouble: "not there" });
  assert.equal(await ask({ play: 4 }, { find, play }), { bursts: [], to: "panel" });
  assert.equal(await ask({ play: 4, to: "bob" }, { find, play }), { bursts: [], to: "bob" });
  assert.equal(await ask({ play: 5 }, { find, play }), { bursts: [], error: "not there" });
});

test("whatever else is asked is refused", async () => {
  for (const question of [{ find: 0 }, { find: "4" }, { list: { most: 0 } }, { list: { most: 1, x: 1 } }, {}])
    assert.match((await ask(question as LogQuestion, {})).error ?? "", /^expected/);
});

test.run();
