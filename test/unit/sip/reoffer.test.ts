import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Body } from "../../../firmware/sip/endpoint.ts";
import { header } from "../../../firmware/sip/message.ts";
import { insideSession, sdp, text } from "../../support/sip-session.ts";
import { refusing, serverAddress, sipWire } from "../../support/sip-wire.ts";

/** A session whose re-offers wait to be answered by the test. */
async function deliberating(wire = sipWire()) {
  const replies: ((answer: Body | number) => void)[] = [];
  const inside = await insideSession(wire, { onReoffer: (_, reply) => replies.push(reply) });
  return { wire, replies, ...inside };
}

for (const method of ["INVITE", "UPDATE"]) {
  test(`a re-offer by ${method} is answered when its answer is there, and once`, async () => {
    const { wire, replies, ask, peer } = await deliberating();
    assert.is((await ask(method, { body: "more" }))?.status, undefined);
    await wire.clock.advance(3_000);
    replies[0]?.(sdp("more answered"));
    replies[0]?.(488);
    await wire.clock.advance(20);
    assert.equal([peer.statuses().at(-1), text(peer.received.at(-1))], [200, "more answered"]);
    assert.is(replies.length, 1);
  });

  test(`a re-offer by ${method} that nobody answers is refused after 10 s, and the session goes on`, async () => {
    const { wire, replies, ask, peer, told } = await deliberating();
    await ask(method, { body: "more" });
    await wire.clock.advance(9_900);
    assert.not.ok(peer.statuses().includes(504));
    await wire.clock.advance(100);
    assert.is(peer.statuses().at(-1), 504);
    replies[0]?.(sdp("late"));
    await ask("ACK", { branch: "z9hG4bK3" });
    assert.equal([(await ask("OPTIONS"))?.status, told], [200, ["confirmed"]]);
  });

  test(`while a re-offer by ${method} is open another is put off with Retry-After (RFC 3261 §14.2)`, async () => {
    for (const second of ["INVITE", "UPDATE"]) {
      const { replies, ask } = await deliberating();
      await ask(method, { body: "more" });
      const refused = await ask(second, { body: "and more" });
      assert.is(refused?.status, 500);
      const seconds = Number(header(refused ?? { headers: [] }, "retry-after"));
      assert.ok(seconds >= 0 && seconds <= 10, `${seconds}`);
      assert.is(replies.length, 1);
    }
  });

  test(`a BYE ends a session whose re-offer by ${method} is open: 487, and a late reply does nothing`, async () => {
    for (const ender of ["peer", "endpoint"]) {
      const { wire, replies, ask, tell, peer, endpoint, session, answer } = await deliberating();
      await ask(method, { body: "more" });
      if (ender === "peer") tell("BYE");
      else session()?.end();
      await wire.clock.advance(20);
      if (ender === "endpoint") answer(200);
      assert.equal(peer.statuses().filter((status) => status === 487).length, 1);
      const before = wire.sent.length;
      replies[0]?.(sdp("late"));
      await wire.clock.advance(0);
      assert.is(wire.sent.length, before);
      await endpoint.close();
      await wire.clock.advance(100);
      assert.is(wire.clock.pending(), 0);
    }
  });
}

test("a re-INVITE that is cancelled is answered with 487, and its session goes on", async () => {
  const { wire, replies, ask, tell, peer, told } = await deliberating();
  await ask("INVITE", { body: "more" });
  tell("CANCEL");
  await wire.clock.advance(20);
  assert.equal(peer.statuses().slice(-2).sort(), [200, 487]);
  replies[0]?.(sdp("late"));
  await ask("ACK", { branch: "z9hG4bK3" });
  assert.equal([(await ask("OPTIONS"))?.status, told], [200, ["confirmed"]]);
});

test("who does not care for re-offers refuses them with 488", async () => {
  const { ask } = await insideSession(sipWire());
  assert.is((await ask("UPDATE", { body: "more" }))?.status, 488);
});

test("a caller is told of the answers on the way to the last", async () => {
  const wire = sipWire();
  const told: string[] = [];
  await wire.endpoint(serverAddress, {
    ...refusing,
    onInvite(invite) {
      invite.respond(183);
      wire.clock.after(500, () => invite.respond(180));
      wire.clock.after(1_000, () => invite.respond(486));
    },
  });
  const caller = await wire.endpoint({ host: "10.0.0.2", port: 5060 });
  caller.invite(
    {
      method: "INVITE",
      uri: "sip:group@10.0.0.1",
      from: "sip:alice@10.0.0.2",
      to: "sip:group@10.0.0.1",
      body: sdp("offer"),
    },
    {
      onProgress: (status) => told.push(`${status}`),
      onAnswer() {},
      onRefused: (status) => told.push(`refused ${status}`),
      onEnd() {},
    },
  );
  await wire.clock.advance(2_000);
  assert.equal(told, ["183", "180", "refused 486"]);
});

test.run();
