import { test } from "uvu";
import * as assert from "uvu/assert";
import { type MixerInput, mixer } from "../../../firmware/media/mixer.ts";

/** One who says this level in every frame, until told otherwise. */
function voice(level: number) {
  const frame = new Int16Array(4);
  const self = {
    frame,
    said: "sound" as ReturnType<MixerInput["fill"]>,
    loud: level,
    fill() {
      frame.fill(self.loud);
      return self.said;
    },
    level: () => Math.abs(self.loud),
  };
  return self;
}

const first = (sum: Int32Array | undefined): number | undefined => sum?.[0];
const unexpected = (): void => assert.unreachable("nobody is over");

test("everybody hears all but itself, beyond 16 bits; other gateways hear what is said here", () => {
  const all = mixer<string>(4, 8);
  all.add("ann", voice(30_000), true);
  all.add("ben", voice(20_000), true);
  all.add("south", voice(-7), false);
  all.next(0, unexpected);
  assert.equal([...(all.all() ?? [])], [49_993, 49_993, 49_993, 49_993]);
  assert.equal(
    ["ann", "ben", "south", "listener"].map((key) => first(all.without(key))),
    [19_993, 29_993, 50_000, 49_993],
  );
  assert.is(first(all.spokenHere()), 50_000);
});

test("where nobody sounds, or nobody else, there is nothing", () => {
  const all = mixer<string>(4, 8);
  const ann = voice(100);
  all.add("ann", ann, true);
  assert.is(all.all(), undefined);
  all.next(0, unexpected);
  assert.equal([first(all.all()), all.without("ann"), first(all.without("ben"))], [100, undefined, 100]);
  ann.said = "silence";
  all.next(20, unexpected);
  assert.equal([all.all(), all.spokenHere(), all.size], [undefined, undefined, 1]);
  ann.said = "over";
  const over: string[] = [];
  all.next(40, (key) => over.push(key));
  assert.equal([over, all.size], [["ann"], 0]);
});

test("of too many the loudest are heard; one that is a little louder than those that are does not chase them away, and who gives way fades", () => {
  const all = mixer<string>(4, 2);
  const voices = { ann: voice(400), ben: voice(300), carl: voice(200) };
  for (const [name, each] of Object.entries(voices)) all.add(name, each, true);
  all.next(0, unexpected);
  assert.is(first(all.all()), 700);
  assert.equal(all.quietest(), { key: "carl", level: 200 });
  voices.carl.loud = 500;
  all.next(20, unexpected);
  assert.is(first(all.all()), 700);
  voices.carl.loud = 700;
  all.next(40, unexpected);
  assert.equal([...(all.all() ?? [])], [400 + 225 + 175, 400 + 150 + 350, 400 + 75 + 525, 400 + 700]);
  assert.equal([...(all.without("ben") ?? [])], [575, 750, 925, 1_100]);
  all.next(60, unexpected);
  assert.equal([first(all.all()), first(all.without("ben"))], [1_100, 1_100]);
});

test.run();
