import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Answer, Question } from "../../../firmware/recorder/protocol.ts";
import { replays } from "../../../firmware/recorder/replays.ts";

const entry = {
  ...{ id: 7, talkgroup: "ops", talker: "sip:alice@x", startedAt: 0, lengthMs: 20, bytes: 1 },
  ...{ end: "complete" as const, file: "/log/7.opus" },
};
const speech = Uint8Array.of(0, 0, 0, 0, 0, 1, 0x48);

/** A log with one burst in it, which answers when it is told to. */
function rig(found: readonly (typeof entry)[] = [entry], content: Uint8Array | undefined = speech) {
  const questions: Question[] = [];
  const waiting: (() => void)[] = [];
  const sent: string[] = [];
  const over: string[] = [];
  const again = replays(
    {
      ask: (question) =>
        new Promise<Answer>((resolve) => {
          questions.push(question);
          const answer =
            question.ask === "speech" && content ? { entries: [...found], speech: content } : { entries: found };
          waiting.push(() => resolve(answer));
        }),
    },
    { send: ({ leg }) => void sent.push(leg) },
  );
  return {
    again,
    questions,
    sent,
    over,
    told: (name: string) => (played: boolean) => void over.push(`${name} ${played}`),
    async answer(): Promise<void> {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        next();
        await new Promise<void>((done) => setImmediate(done));
      }
    },
  };
}

test("the last burst of the asker's talkgroups is looked for, and played to them", async () => {
  const { again, questions, sent, over, told, answer } = rig();
  again.last("1-alice", ["ops", "sea"], told("alice"));
  await answer();
  assert.equal(questions, [
    { ask: "list", selection: { talkgroups: ["ops", "sea"] }, most: 1 },
    { ask: "speech", id: 7, mostMs: 300_000 },
  ]);
  assert.equal([sent, over], [["1-alice"], []]);
  again.over("1-alice");
  again.over("1-alice");
  assert.equal(over, ["alice true"]);
});

test("where there is nothing, or nothing that can be read, nothing is played", async () => {
  for (const { again, sent, over, told, answer } of [rig([]), rig([entry], new Uint8Array(0))]) {
    again.last("1-alice", ["ops"], told("alice"));
    await answer();
    assert.equal([sent, over], [[], ["alice false"]]);
  }
});

test("who presses again while it is looked for, or played, asks once; afterwards anew", async () => {
  const { again, sent, over, told, answer } = rig();
  again.last("1-alice", ["ops"], told("first"));
  again.last("1-alice", ["ops"], told("second"));
  await answer();
  again.play("1-alice", entry, told("third"));
  assert.equal([sent, over], [["1-alice"], ["second false", "third false"]]);
  again.over("1-alice");
  again.play("1-alice", entry);
  await answer();
  assert.equal(sent, ["1-alice", "1-alice"]);
});

test("a leg that is gone before the disk has answered hears nothing", async () => {
  const { again, sent, over, told, answer } = rig();
  again.last("1-alice", ["ops"], told("alice"));
  again.over("1-alice");
  await answer();
  assert.equal([sent, over], [[], ["alice true"]]);
});

test.run();
