import { test } from "uvu";
import * as assert from "uvu/assert";
import { latest } from "../../../firmware/sip/latest.ts";
import { heapInUse } from "../../fuzz/heap.ts";

test("a full table lets the oldest go for a new one, whatever was taken out before", () => {
  const table = latest<number>(3);
  const gone = ["a", "b", "c", "d"].map((key, index) => table.add(key, index));
  assert.equal(gone, [undefined, undefined, undefined, 0]);
  table.delete("b");
  assert.is(table.add("e", 4), undefined);
  assert.equal(table.oldest(), ["c", 2]);
  assert.is(table.add("f", 5), 2);
  assert.equal([...table.values()], [3, 4, 5]);
  assert.equal([table.get("c"), table.get("f"), table.size()], [undefined, 5, 3]);
});

test("a table that is full costs the same for each new entry, however many went before", () => {
  const table = latest<number>(1_000);
  for (let index = 0; index < 100_000; index++) table.add(`${index}`, index);
  assert.is(table.size(), 1_000);
  assert.is([...table.values()][0], 99_000);
  table.clear();
  for (let index = 0; index < 2_000; index++) table.add(`again ${index}`, index);
  assert.is([...table.values()][0], 1_000);
});

test("what was taken out is kept by nothing, however much came and went", async () => {
  const table = latest<readonly number[]>(1_000);
  const pass = (): void => {
    for (let index = 0; index < 50_000; index++) {
      table.add(
        `${index}`,
        Array.from({ length: 50 }, () => index),
      );
      table.delete(`${index}`);
    }
  };
  pass();
  const before = await heapInUse();
  pass();
  const more = (await heapInUse()) - before;
  assert.ok(more < 2 ** 20, `${more} bytes more`);
  assert.is(table.oldest(), undefined);
});

test.run();
