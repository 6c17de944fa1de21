import { test } from "uvu";
import * as assert from "uvu/assert";
import { lossSurvey } from "../../../firmware/conference/loss-survey.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { openTalk } from "../../support/talk.ts";
import { voice } from "../media/signals.ts";

const opus = await loadOpus();
const terminals = (count: number): { readonly name: number }[] =>
  Array.from({ length: count }, (_, name) => ({ name }));

test("the worst of a few listeners counts; of ten and more, one in ten is left out", () => {
  const few = terminals(9);
  const many = terminals(25);
  const survey = lossSurvey<object>();
  for (const [index, listener] of [...few, ...many].entries()) survey.report(listener, index === 3 ? 30 : 2, 0);
  assert.is(survey.worst(few, 1_000), 30);
  for (const listener of many.slice(0, 2)) survey.report(listener, 80, 0);
  assert.is(survey.worst(many, 1_000), 2);
  survey.report(many[2] ?? {}, 7, 0);
  assert.is(survey.worst(many, 1_000), 7);
});

test("who has not reported says nothing, nor does who reported long ago", () => {
  const [one = {}, other = {}] = terminals(2);
  const survey = lossSurvey<object>();
  assert.is(survey.worst([one, other], 0), 0);
  survey.report(one, 5, 0);
  assert.is(survey.worst([one, other], 60_000), 5);
  assert.is(survey.worst([one, other], 180_000), 0);
});

test("a talker learns what its listeners lose, wherever on the way that is", async () => {
  const speech = voice(48_000, 21 * 48_000);
  const told = async (options: Partial<Parameters<typeof openTalk>[0]>): Promise<number> => {
    const talk = await openTalk({ opus, ...options });
    await talk.burst(speech);
    talk.close();
    return talk.expected.slice(1).reduce((sum, percent) => sum + percent, 0) / (talk.expected.length - 1);
  };
  assert.is(await told({}), 0);
  const near = (percent: number, wanted: number): void =>
    assert.ok(Math.abs(percent - wanted) < 0.4 * wanted, `${percent} % of ${wanted} %`);
  near(await told({ up: { loss: 0.1 } }), 10);
  near(await told({ listeners: [{}, { down: { loss: 0.1 } }, {}] }), 10);
  near(await told({ up: { loss: 0.05 }, down: { loss: 0.1 } }), 14.5);
});

test.run();
