import { test } from "uvu";
import * as assert from "uvu/assert";
import { terminalFrom, terminalText } from "../../../firmware/store/terminals.ts";

test("what an account says of its terminals is kept as it is, in one order, and nothing else is", () => {
  const telephone = { inbandKeys: true, voice: { thresholdDb: 12, hangMs: 800 } } as const;
  const scan = { groups: ["fire", "sea"], priority: "sea", hangMs: 3_000, answerBack: true };
  for (const stored of [{}, { telephone }, { scan }, { telephone, scan }, { telephone: { inbandKeys: true } as const }])
    assert.equal(terminalFrom(terminalText(stored)), stored);
  const { priority: _, ...plain } = scan;
  assert.equal(terminalFrom(terminalText({ scan: plain })), { scan: plain });
  assert.is(terminalText(Object.assign({ user: "x", scan }, { telephone })), terminalText({ telephone, scan }));
});

test("what is malformed, or of a later version, is left out", () => {
  for (const text of [
    "null",
    "[]",
    "1",
    '{"telephone":1,"scan":[]}',
    '{"telephone":{"voice":{"thresholdDb":"12","hangMs":800}}}',
    '{"telephone":{"inbandKeys":1}}',
    '{"scan":{"groups":"fire","hangMs":1}}',
    '{"scan":{"groups":[],"hangMs":1}}',
    '{"scan":{"groups":[1],"hangMs":1}}',
    '{"scan":{"groups":["fire"]}}',
    '{"later":true}',
  ])
    assert.equal(terminalFrom(text), {}, text);
});

test.run();
