import { test } from "uvu";
import * as assert from "uvu/assert";
import { cryptoRandom } from "../../hal/random/node.ts";

test("random bytes have the length asked for, are given once, and stay as they were given", () => {
  const random = cryptoRandom();
  const given = Array.from({ length: 2_000 }, (_, index) => random.bytes(8 + (index % 5)));
  const text = given.map((bytes) => Buffer.from(bytes).toString("hex"));
  assert.equal(
    given.map(({ length }) => length),
    given.map((_, index) => 8 + (index % 5)),
  );
  for (let more = 0; more < 2_000; more++) random.token(8);
  assert.equal(
    given.map((bytes) => Buffer.from(bytes).toString("hex")),
    text,
  );
  assert.is(new Set(text.map((hex) => hex.slice(0, 16))).size, given.length, "none was given twice");
});

test("random bytes may be more than are kept in store, and tokens are of their bytes in hex", () => {
  const random = cryptoRandom();
  const many = random.bytes(10_000);
  assert.is(many.length, 10_000);
  assert.ok(new Set(many).size === 256, "every value comes in so many");
  assert.match(random.token(12), /^[0-9a-f]{24}$/);
  const fraction = random.fraction();
  assert.ok(fraction >= 0 && fraction < 1);
});

test.run();
