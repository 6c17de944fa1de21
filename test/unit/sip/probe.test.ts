import { test } from "uvu";
import * as assert from "uvu/assert";
import { header, type SipMessage } from "../../../firmware/sip/message.ts";
import { insideSession, text } from "../../support/sip-session.ts";
import { sipWire } from "../../support/sip-wire.ts";

const headerOf = (message: SipMessage | undefined, name: string) => header(message ?? { headers: [] }, name);

/** A session, and the verdicts of its probes. */
async function opened(headers: readonly string[] = []) {
  const wire = sipWire();
  const inside = await insideSession(wire, {}, { headers });
  const verdicts: boolean[] = [];
  return {
    ...inside,
    wire,
    verdicts,
    async probe(): Promise<void> {
      inside.session()?.probe((known) => verdicts.push(known));
      await wire.clock.advance(20);
    },
    async says(status: number, more: readonly string[] = [], body = ""): Promise<void> {
      inside.answer(status, [inside.contact, ...more], body);
      await wire.clock.advance(20);
    },
    async close(): Promise<void> {
      const closing = inside.endpoint.close();
      await wire.clock.advance(40_000);
      await closing;
      assert.is(wire.clock.pending(), 0);
    },
  };
}

const update = "Allow: INVITE, ACK, BYE, UPDATE";

test("the far end is asked by UPDATE if it takes that, otherwise by an INVITE that offers what was agreed on", async () => {
  const modern = await opened([update]);
  await modern.probe();
  assert.equal([modern.requests("UPDATE").length, modern.requests("INVITE").length], [1, 0]);
  assert.is(text(modern.requests("UPDATE")[0]), "");
  await modern.says(200);
  assert.equal(modern.verdicts, [true]);
  await modern.close();

  const plain = await opened();
  await plain.probe();
  assert.equal([plain.requests("UPDATE").length, plain.requests("INVITE").map(text)], [0, ["answer"]]);
  await plain.says(200, ["Content-Type: application/sdp"], "offer");
  assert.is(plain.requests("ACK").length, 1);
  await plain.says(200, ["Content-Type: application/sdp"], "offer");
  assert.equal(plain.verdicts, [true], "a 2xx that comes again is no second verdict");
  assert.equal(plain.told, ["confirmed"]);
  await plain.close();
});

test("who knows the session says so, by a refusal too; every other answer leaves it open", async () => {
  for (const headers of [[], [update]])
    for (const [status, known] of [
      [200, true],
      [491, true],
      [422, true],
      [481, false],
      [408, false],
      [405, false],
      [488, false],
      [500, false],
      [603, false],
    ] as const) {
      const { probe, says, verdicts, told, close } = await opened(headers);
      await probe();
      await says(status);
      assert.equal(verdicts, [known], `${status}`);
      // What follows from it is decided by whoever asked.
      assert.equal(told, ["confirmed"], `${status}`);
      await close();
    }
});

test("nobody at the other end is no answer, in the end", async () => {
  const { probe, verdicts, wire, close } = await opened([update]);
  await probe();
  await wire.clock.advance(33_000);
  assert.equal(verdicts, [false]);
  await close();
});

test("while an INVITE is open, of either side, no other is sent: a probe waits for the one, and leaves it open after the other", async () => {
  const own = await opened();
  await own.probe();
  await own.probe();
  assert.is(own.requests("INVITE").length, 1);
  assert.is((await own.ask("INVITE", { body: "again" }))?.status, 491);
  own.tell("ACK");
  own.answer(200, [own.contact]);
  await own.wire.clock.advance(20);
  assert.equal(own.verdicts.length, 2);
  await own.close();

  const theirs = await opened();
  await theirs.ask("INVITE", { body: "offer" });
  await theirs.probe();
  assert.equal([theirs.verdicts, theirs.requests("INVITE").length], [[false], 0]);
  theirs.tell("ACK");
  await theirs.wire.clock.advance(20);
  await theirs.close();
});

test("a probe keeps the limit that was agreed on", async () => {
  const timed = await opened(["Supported: timer", "Session-Expires: 90", update]);
  const { wire, probe, requests, says, told, close } = timed;
  await wire.clock.advance(50_000);
  await probe();
  assert.match(headerOf(requests("UPDATE")[0], "session-expires") ?? "", /^90/);
  await says(200, ["Session-Expires: 90;refresher=uas", "Require: timer"]);
  await wire.clock.advance(50_000);
  assert.equal(told, ["confirmed"], "it counts from the answer");
  await wire.clock.advance(15_000);
  assert.equal(told, ["confirmed", "end"], "and it is a limit still");
  await says(200);
  await close();
});

test("of a session that has ended nothing is told", async () => {
  const { probe, session, says, verdicts, close } = await opened([update]);
  await probe();
  session()?.end();
  await says(481);
  await probe();
  await says(200);
  assert.equal(verdicts, []);
  await close();
});

test.run();
