import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadOpus } from "../../hal/opus/wasm.ts";
import { type Baseline, baselineFile, faultsOf, listenIn, situations } from "../support/quality.ts";

const opus = await loadOpus();
/** Renewed by `scripts/bench audio --renew`. */
const baselines: Readonly<Record<string, Baseline>> = JSON.parse(readFileSync(baselineFile, "utf8"));

for (const situation of situations)
  for (const seed of situation.certain ? [1] : [1, 2])
    test(`${situation.name}: speech comes through in time, whole and like itself (seed ${seed})`, async () => {
      const heard = await listenIn(opus, situation, seed);
      assert.equal(faultsOf(situation, heard, baselines[situation.name]), [], JSON.stringify(heard));
    });

test("what the encoder repeats is heard: losses do less harm with it than without", async () => {
  const distance = (name: string): number => baselines[name]?.p95 ?? Number.NaN;
  assert.ok(distance("loss 5 %, with FEC") < 0.7 * distance("loss 5 %, without FEC"));
});

test.run();
