import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadNative } from "../../hal/native/load.ts";
import { testUnless } from "../support/skip.ts";

const { native, reason } = loadNative();
const testNative = testUnless(reason);

test("an addon that was not built, is damaged or is of another version is a reason, not a fault", () => {
  const folder = mkdtempSync(join(tmpdir(), "roger-native-"));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  assert.match(loadNative(join(folder, "none.node")).reason ?? "", /no native addon was built/);
  assert.match(loadNative(file("torn.node", "\x7fELF and no more")).reason ?? "", /does not load/);
  assert.match(loadNative(file("old.cjs", "exports.interface = 0;")).reason ?? "", /another version \(0, not \d+\)/);
  assert.match(loadNative(file("other.cjs", "module.exports = null;")).reason ?? "", /does not load/);
  rmSync(folder, { recursive: true });
});

testNative("threads load it side by side, and take what they left open with them", async () => {
  const thread = async (): Promise<void> => {
    const worker = new Worker(new URL("./native-thread.ts", import.meta.url));
    const [samples] = await once(worker, "message");
    assert.is(samples, 960);
    await worker.terminate();
  };
  for (let round = 0; round < 3; round++) await Promise.all([thread(), thread(), thread(), thread()]);
});

testNative("what is no argument of it throws, and nothing is taken for a handle that is none", () => {
  assert.ok(native);
  const { opus } = native;
  const frame = new Int16Array(960);
  const packet = new Uint8Array(1275);
  const encoder = opus.openEncoder(24_000);
  const wrong = (call: (...given: never[]) => unknown, ...given: readonly unknown[]) =>
    assert.throws(
      () => Reflect.apply(call, undefined, given),
      (error: unknown) => error instanceof TypeError || error instanceof RangeError,
    );
  for (const handle of [undefined, null, 1, {}, frame, opus.openDecoder()]) wrong(opus.encode, handle, frame, packet);
  for (const other of [undefined, null, 960, {}, [], new Float32Array(960), frame.buffer, new DataView(frame.buffer)])
    wrong(opus.encode, encoder, other, packet);
  for (const other of [undefined, new Int8Array(9), "packet"]) wrong(opus.encode, encoder, frame, other);
  for (const bitrate of [undefined, "24000", Number.NaN, 24_000.5, -1, 1e12, 2 ** 32 + 24_000])
    wrong(opus.openEncoder, bitrate);
  wrong(opus.encode);
});

test.run();
