import { test } from "uvu";
import * as assert from "uvu/assert";
import { withoutKeys } from "../../../firmware/media/without-keys.ts";

/** "v3": voice with the number 3; "k4": a packet of a key. What voice is passed on with. */
function passed(packets: string, first = 0): number[] {
  const numbers = withoutKeys();
  const out: number[] = [];
  for (const packet of packets.split(" ")) {
    const sequence = (first + Number(packet.slice(1))) & 0xffff;
    if (packet.startsWith("k")) numbers.key(sequence);
    else out.push((numbers.voice(sequence) - first) & 0xffff);
  }
  return out;
}

test("voice between the packets of a key is passed on without a gap, also where the numbers wrap", () => {
  for (const first of [0, 65_533]) {
    assert.equal(passed("v1 k2 v3 k4 v5 k6 k7 k8 v9 v10", first), [1, 2, 3, 4, 5]);
    assert.equal(passed("k1 k2 k3 v4 v5", first), [1, 2]);
  }
});

test("what is lost leaves its gap", () => {
  assert.equal(passed("v1 k2 v3 v5 k6 v8"), [1, 2, 4, 6]);
});

test("voice that a key has overtaken keeps its place", () => {
  assert.equal(passed("v1 v2 k4 v3 v5 v6"), [1, 2, 3, 4, 5]);
});

test("a key that voice has overtaken is a gap that was told, and nothing comes twice", () => {
  assert.equal(passed("v1 v3 k2 v4 k5 v6"), [1, 3, 4, 5]);
  assert.equal(passed("v1 k2 k2 v3 k2 v4"), [1, 2, 3]);
});

test("a source that starts afresh goes on from its own numbers", () => {
  assert.equal(passed("v1 k2 v3 v20000 v20001 k20002 v20003"), [1, 2, 19_999, 20_000, 20_001]);
});

test.run();
