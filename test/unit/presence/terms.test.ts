import { test } from "uvu";
import * as assert from "uvu/assert";
import { gather, paced } from "../../../firmware/presence/pace.ts";
import { subscriptionTerms } from "../../../firmware/presence/terms.ts";
import { virtualClock } from "../../../hal/clock/virtual.ts";

/** What a user is granted, or the status of the refusal. */
function asker(most: Parameters<typeof subscriptionTerms>[0]) {
  const terms = subscriptionTerms(most);
  const ask = (user: string, expires?: number): string => {
    let refused = 0;
    const respond = (status: number): void => {
      refused = status;
    };
    const granted = terms.grant({ expires, respond }, user);
    return granted === undefined ? `refused: ${refused}` : `${granted} s`;
  };
  return { ask, over: terms.over };
}

test("a subscription lasts as long as was asked for, within reason", () => {
  const { ask } = asker({ ofAccount: 10, inAll: 10 });
  const rows = [undefined, 0, 29, 30, 3_600, 100_000].map((expires) => ask("alice", expires));
  assert.equal(rows, ["600 s", "0 s", "refused: 423", "30 s", "3600 s", "3600 s"]);
});

test("an account has so many, all have so many, and there is room again when one is over", () => {
  const { ask, over } = asker({ ofAccount: 2, inAll: 3 });
  assert.equal(
    ["alice", "alice", "alice", "bob", "bob", "carol"].map((user) => ask(user)),
    ["600 s", "600 s", "refused: 503", "600 s", "refused: 503", "refused: 503"],
  );
  over("alice");
  assert.equal([ask("carol"), ask("alice")], ["600 s", "refused: 503"]);
});

test("changes within a while are told once, at its end", async () => {
  const clock = virtualClock();
  const told: string[] = [];
  const gathering = gather(clock, 100, (key) => void told.push(`${key} ${clock.now() - 1_000}`));
  for (const at of [0, 60, 40, 30]) {
    await clock.advance(at);
    gathering.changed("a");
    if (at === 60) gathering.changed("b");
  }
  await clock.advance(500);
  assert.equal(told, ["a 100", "b 160", "a 200"]);
});

test("a crowd is dealt with in portions, each once, and without those who left", async () => {
  const clock = virtualClock();
  const dealt: string[] = [];
  const queue = paced(clock, { portion: 2, everyMs: 10 }, (item: string) => {
    dealt.push(`${item} ${clock.now() - 1_000}`);
    if (item === "a") queue.add("again");
  });
  for (const item of ["a", "b", "a", "c", "d", "e"]) queue.add(item);
  queue.remove("c");
  await clock.advance(100);
  assert.equal(dealt, ["a 10", "b 10", "d 20", "e 20", "again 30"]);
  queue.add("late");
  queue.close();
  queue.add("later");
  assert.is(clock.pending(), 0);
});

test.run();
