import { test } from "uvu";
import * as assert from "uvu/assert";
import { header } from "../../../firmware/sip/message.ts";
import { insideSession } from "../../support/sip-session.ts";
import { sipWire } from "../../support/sip-wire.ts";

const cases: readonly (readonly [type: string, body: string, key: string | undefined])[] = [
  ["application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "5"],
  ["application/dtmf-relay", "Signal= #\nDuration= 250", "#"],
  ["Application/DTMF-Relay; charset=utf-8", "duration=160\r\nsignal = d\r\n", "D"],
  ["application/dtmf-relay", "Signal=10", "*"],
  ["application/dtmf", "7", "7"],
  ["application/dtmf", "11\r\n", "#"],
  ["application/dtmf", "16", undefined],
  ["application/dtmf-relay", "Duration=160", undefined],
  ["application/dtmf-relay", "Signal=55", undefined],
  ["application/dtmf", "", undefined],
];

for (const [type, body, key] of cases)
  test(`${type}: ${JSON.stringify(body)} is ${key ? `the key ${key}` : "no key"}`, async () => {
    const keys: string[] = [];
    const { ask } = await insideSession(sipWire(), { onKey: (pressed) => keys.push(pressed) });
    const answer = await ask("INFO", { body, headers: [`Content-Type: ${type}`] });
    assert.equal([answer?.status, keys], [key || body === "" ? 200 : 400, key ? [key] : []]);
  });

test("a key told twice by the network is pressed once", async () => {
  const wire = sipWire({ duplicate: 1 });
  const keys: string[] = [];
  const { ask } = await insideSession(wire, { onKey: (pressed) => keys.push(pressed) });
  await ask("INFO", { body: "1", headers: ["Content-Type: application/dtmf"] });
  assert.equal(keys, ["1"]);
});

test("what else INFO brings is refused, with what would do", async () => {
  const { ask } = await insideSession(sipWire(), { onKey() {} });
  const other = await ask("INFO", { body: "x", headers: ["Content-Type: text/plain"] });
  assert.equal(
    [other?.status, header(other ?? { headers: [] }, "accept")],
    [415, "application/dtmf-relay, application/dtmf"],
  );
  const deaf = await (await insideSession(sipWire())).ask("INFO", {
    body: "1",
    headers: ["Content-Type: application/dtmf"],
  });
  assert.equal([deaf?.status, header(deaf ?? { headers: [] }, "accept")], [415, ""]);
});

test.run();
