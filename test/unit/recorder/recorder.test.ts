import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Log } from "../../../firmware/log.ts";
import type { DiskHandlers } from "../../../firmware/recorder/keeping.ts";
import type { Outcome, Piece } from "../../../firmware/recorder/protocol.ts";
import { openRecorder } from "../../../firmware/recorder/recorder.ts";
import { piece, spoken } from "./bench.ts";

/** A recorder whose disk does what the test says. */
function rig() {
  const batches: (readonly Piece[])[] = [];
  const questions: number[] = [];
  const events: unknown[] = [];
  const note = (fields: object): void => void ("event" in fields && events.push(fields.event));
  const log: Log = { debug() {}, info: note, warn: note, error: note };
  let handlers: DiskHandlers | undefined;
  let closed = false;
  const recorder = openRecorder(
    {
      log,
      onCrash: assert.unreachable,
      disk(_limits, given) {
        handlers = given;
        return {
          write: (pieces) => void batches.push(pieces),
          ask: (number) => void questions.push(number),
          async close() {
            closed = true;
          },
        };
      },
    },
    { folder: "/nowhere", mostAgeMs: 1, mostBytes: 1, leastFreeBytes: 1 },
  );
  const well: Outcome = { recorded: 0, dropped: 0, heldBytes: 7, freeBytes: 9 };
  return {
    recorder,
    batches,
    questions,
    events,
    isClosed: () => closed,
    written: (change: Partial<Outcome> = {}) => handlers?.onOutcome({ ...well, ...change }),
    answered: (number: number) => handlers?.onAnswer(number, { entries: [], trouble: `${number}` }),
  };
}

test("a slow disk makes larger batches, and never two at a time", () => {
  const { recorder, batches, written } = rig();
  assert.equal(batches, [[]], "it is opened at once");
  for (let number = 0; number < 5; number++) recorder.take(piece(number));
  assert.is(batches.length, 1);
  written();
  assert.equal([batches.length, batches[1]?.length], [2, 5]);
  written();
  recorder.take(piece(9));
  assert.equal([batches.length, batches[2]?.length], [3, 1]);
});

test("a disk that has stopped costs what does not fit, by the packet, and the burst is told to be cut", () => {
  const { recorder, batches, written } = rig();
  const speech = spoken(25);
  const fitting = Math.floor(4_000_000 / speech.length);
  for (let count = 0; count < fitting + 3; count++) recorder.take(piece(1, { speech }));
  assert.is(recorder.counts().dropped, 3 * 25);
  recorder.take(piece(1, { speech, end: "complete" }));
  written();
  const last = batches[1]?.at(-1);
  assert.equal([batches[1]?.length, last?.end, last?.speech.length], [fitting + 1, "lost", 0]);
  written();
  recorder.take(piece(2, { end: "complete" }));
  assert.is(batches[2]?.[0]?.end, "complete");
});

test("trouble is told once, and that it is over", () => {
  const { recorder, events, written } = rig();
  written({ found: { mended: 1, adopted: 0, missing: 0, unreadable: 0 } });
  for (const trouble of ["full", "full", undefined, undefined]) {
    recorder.take(piece(1));
    written({ dropped: 2, ...(trouble !== undefined && { trouble }) });
  }
  assert.equal(events, ["voice-log", "voice-log-trouble", "voice-log-well"]);
  assert.equal(recorder.counts(), { recorded: 0, dropped: 8, heldBytes: 7, freeBytes: 9, recording: true });
});

test("answers find who asked, and a disk that does not answer is not asked for ever", async () => {
  const { recorder, questions, answered } = rig();
  const asked = Array.from({ length: 33 }, (_, id) => recorder.ask({ ask: "find", id }));
  assert.is(questions.length, 32);
  assert.match((await asked[32])?.trouble ?? "", /too slow/);
  answered(2);
  answered(1);
  assert.equal([(await asked[0])?.trouble, (await asked[1])?.trouble], ["1", "2"]);
});

test("what was taken is written before the end", async () => {
  const { recorder, batches, written, isClosed } = rig();
  recorder.take(piece(1));
  const closing = recorder.close();
  written();
  await Promise.resolve();
  assert.equal([batches.length, isClosed()], [2, false]);
  written();
  await closing;
  assert.ok(isClosed());
});

test.run();
