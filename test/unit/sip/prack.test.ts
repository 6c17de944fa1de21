import { test } from "uvu";
import * as assert from "uvu/assert";
import type { IncomingInvite, Session } from "../../../firmware/sip/endpoint.ts";
import { header, type SipMessage } from "../../../firmware/sip/message.ts";
import { sdp, text } from "../../support/sip-session.ts";
import { refusing, requestText, serverAddress, sipWire } from "../../support/sip-wire.ts";

const caller = { host: "10.0.0.2", port: 5060 };
const peerAddress = { host: "10.0.0.9", port: 5060 };
const headerOf = (message: SipMessage | undefined, name: string) => header(message ?? { headers: [] }, name);

/** An endpoint that is called by a bare peer who wants to be sure of every answer. */
async function called() {
  const wire = sipWire();
  const told: string[] = [];
  let invite: IncomingInvite | undefined;
  const endpoint = await wire.endpoint(serverAddress, {
    ...refusing,
    onInvite(incoming) {
      invite = incoming;
      incoming.onCancel = () => told.push("cancel");
      incoming.respond(180);
    },
  });
  const peer = await wire.raw(peerAddress);
  const offer = ["Contact: <sip:peer@10.0.0.9:5060>", "Content-Type: application/sdp", "Require: 100rel"];
  peer.send(requestText({ method: "INVITE", headers: offer, body: "offer" }));
  await wire.clock.advance(20);
  let cseq = 1;
  const ask = async (method: string, headers: readonly string[] = [], body = "") => {
    cseq += 1;
    const toTag = /tag=(\w+)/.exec(headerOf(peer.received[0], "to") ?? "")?.[1] ?? "";
    peer.send(requestText({ method, cseq, toTag, branch: `z9hG4bK${cseq}x`, headers, body }));
    await wire.clock.advance(20);
    return peer.statuses().at(-1);
  };
  const provisionals = () => peer.received.filter((message) => message.kind === "response" && message.status < 200);
  const rseq = () => Number(headerOf(provisionals().at(-1), "rseq"));
  const prack = (of: string) => ask("PRACK", [`RAck: ${of}`]);
  return { wire, endpoint, peer, told, ask, prack, rseq, provisionals, invite: () => invite };
}

test("a caller that requires it gets 180 again and again, at doubling intervals, until its PRACK comes", async () => {
  const { wire, provisionals, prack, rseq } = await called();
  assert.equal([headerOf(provisionals()[0], "require"), rseq() > 0 && rseq() < 2 ** 31], ["100rel", true]);
  await wire.clock.advance(15_600);
  assert.is(provisionals().length, 6, "at 0, 0.5, 1.5, 3.5, 7.5 and 15.5 s");
  assert.equal(new Set(provisionals().map((each) => headerOf(each, "rseq"))).size, 1);
  assert.is(await prack(`${rseq()} 1 INVITE`), 200);
  assert.is(await prack(`${rseq()}  1  INVITE`), 200, "said twice, it is true twice");
  await wire.clock.advance(30_000);
  assert.is(provisionals().length, 6);
});

test("a PRACK of what was never sent is refused, and the answer goes on being sent", async () => {
  const { wire, provisionals, prack, ask, rseq } = await called();
  assert.is(await prack(`${rseq() + 1} 1 INVITE`), 481);
  assert.is(await prack(`${rseq()} 2 INVITE`), 481);
  assert.is(await prack("x"), 400);
  assert.is(await ask("PRACK"), 400);
  const before = provisionals().length;
  await wire.clock.advance(1_500);
  assert.is(provisionals().length, before + 2);
});

test("a further answer waits for the PRACK of the one before, and only the latest is sent", async () => {
  const { provisionals, prack, rseq, invite } = await called();
  const first = rseq();
  invite()?.respond(182);
  invite()?.respond(183);
  assert.is(provisionals().length, 1);
  await prack(`${first} 1 INVITE`);
  const statuses = provisionals().map((each) => each.kind === "response" && each.status);
  assert.equal([statuses, rseq()], [[180, 183], first + 1]);
});

test("an INVITE whose answers never arrive is given up after 64*T1", async () => {
  const { wire, peer, told, endpoint } = await called();
  await wire.clock.advance(31_900);
  assert.equal(told, []);
  await wire.clock.advance(100);
  assert.equal([told, peer.statuses().at(-1)], [["cancel"], 504]);
  await endpoint.close();
  await wire.clock.advance(100);
  assert.is(wire.clock.pending(), 0);
});

test("the 200 waits for no PRACK, which is answered all the same", async () => {
  const { wire, peer, provisionals, prack, rseq, invite } = await called();
  invite()?.accept(sdp("answer"), { onConfirmed() {}, onEnd() {} });
  await wire.clock.advance(20);
  assert.is(peer.statuses().at(-1), 200);
  assert.is(await prack(`${rseq()} 1 INVITE`), 200);
  await wire.clock.advance(1_000);
  assert.is(provisionals().length, 1);
});

test("a refusal ends what was still to be acknowledged", async () => {
  const { wire, invite, endpoint } = await called();
  invite()?.respond(486);
  await endpoint.close();
  await wire.clock.advance(100);
  assert.is(wire.clock.pending(), 0);
});

test("before the answer an offer is put off, a sign of life answered, and BYE ends it all", async () => {
  const { ask, told, peer } = await called();
  const offer = ["Content-Type: application/sdp"];
  assert.is(await ask("UPDATE", offer, "more"), 500);
  assert.match(headerOf(peer.received.at(-1), "retry-after") ?? "", /^(10|\d)$/);
  assert.is(await ask("UPDATE"), 200);
  assert.is(await ask("OPTIONS"), 200);
  assert.is(await ask("INVITE", offer, "more"), 500);
  assert.equal(told, []);
  await ask("BYE");
  assert.equal([peer.statuses().slice(-2).sort(), told], [[200, 487], ["cancel"]]);
});

/** An endpoint that calls a bare peer. */
async function calling() {
  const wire = sipWire();
  const told: string[] = [];
  const endpoint = await wire.endpoint(caller);
  const peer = await wire.raw(peerAddress, caller);
  const out = { method: "INVITE", uri: "sip:b@10.0.0.9", from: "sip:a@10.0.0.2", to: "sip:b@10.0.0.9" };
  const session: Session = endpoint.invite(
    { ...out, body: sdp("offer") },
    {
      onProgress: (status) => told.push(`${status}`),
      onAnswer: (response) => told.push(`answer ${text(response)} ${headerOf(response, "content-type")}`),
      onRefused: (status) => told.push(`refused ${status}`),
      onEnd: () => told.push("end"),
    },
  );
  await wire.clock.advance(10);
  const [invite] = peer.received;
  /** Answers the INVITE; `rseq`: of one that must arrive. */
  const answer = async (status: number, more: { rseq?: number; tag?: string; body?: string; at?: string } = {}) => {
    const { rseq, tag = "t", body = "", at = tag } = more;
    const copied = ["via", "from", "call-id", "cseq"].map((name) => `${name}: ${headerOf(invite, name)}`);
    const reliable = rseq === undefined ? [] : ["Require: 100rel", `RSeq: ${rseq}`];
    const contact = `Contact: <sip:${at}@10.0.0.9:5060>`;
    const content = body === "" ? [] : ["Content-Type: application/sdp"];
    const lines = [
      `SIP/2.0 ${status} X`,
      ...copied,
      `to: <sip:b@10.0.0.9>;tag=${tag}`,
      contact,
      ...reliable,
      ...content,
    ];
    peer.send([...lines, `Content-Length: ${body.length}`, "", body].join("\r\n"));
    await wire.clock.advance(20);
  };
  const requests = (method: string) =>
    peer.received.filter((message) => message.kind === "request" && message.method === method);
  /** Each PRACK once, whatever its repeats. */
  const pracks = () => [
    ...new Set(requests("PRACK").map((each) => `${each.kind === "request" && each.uri} ${headerOf(each, "rack")}`)),
  ];
  return { wire, endpoint, peer, told, session, answer, requests, pracks, invite };
}

test("an answer that must arrive is acknowledged once and in order, and told once", async () => {
  const { told, answer, pracks, invite, requests } = await calling();
  assert.match(headerOf(invite, "supported") ?? "", /\b100rel\b/);
  for (const rseq of [5, 5, 7, 6, 6, 5, 7]) await answer(180, { rseq });
  assert.equal(
    pracks(),
    [5, 6, 7].map((rseq) => `sip:t@10.0.0.9:5060 ${rseq} 1 INVITE`),
  );
  assert.equal(told, ["180", "180", "180"]);
  await answer(180);
  await answer(100, { rseq: 8 });
  assert.equal([told.length, pracks().length], [4, 3]);
  assert.equal(
    [...new Set(requests("PRACK").map((each) => headerOf(each, "cseq")))],
    ["2 PRACK", "3 PRACK", "4 PRACK"],
  );
});

test("branches count for themselves, and the session goes on from what was said early", async () => {
  const { wire, told, answer, pracks, session, requests, endpoint } = await calling();
  await answer(183, { rseq: 1, tag: "one" });
  await answer(183, { rseq: 90, tag: "two", body: "early answer" });
  assert.equal(pracks(), ["sip:one@10.0.0.9:5060 1 1 INVITE", "sip:two@10.0.0.9:5060 90 1 INVITE"]);
  await answer(200, { tag: "two", at: "elsewhere" });
  assert.is(told.at(-1), "answer early answer application/sdp");
  assert.equal(
    requests("ACK").map((ack) => `${ack.kind === "request" && ack.uri} ${headerOf(ack, "cseq")}`),
    ["sip:elsewhere@10.0.0.9:5060 1 ACK"],
  );
  session.end();
  await wire.clock.advance(20);
  assert.is(headerOf(requests("BYE")[0], "cseq"), "3 BYE");
  await endpoint.close();
  await wire.clock.advance(100);
  assert.is(wire.clock.pending(), 0);
});

test("what cannot be acknowledged is as if it had not come", async () => {
  const { peer, told, answer, pracks, invite } = await calling();
  await answer(180, { rseq: 2 ** 33 });
  const copied = ["via", "from", "call-id", "cseq"].map((name) => `${name}: ${headerOf(invite, name)}`);
  peer.send(["SIP/2.0 180 X", ...copied, "to: <sip:b@10.0.0.9>", "Require: 100rel", "RSeq: 1", "", ""].join("\r\n"));
  for (let tag = 0; tag < 20; tag++) await answer(180, { rseq: 1, tag: `t${tag}` });
  assert.equal([told.length, pracks().length], [16, 16]);
});

test("with 30 % loss and duplicates both sides agree on every answer that must arrive", async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const wire = sipWire({ seed, loss: 0.3, duplicate: 0.2 });
    const told: string[] = [];
    await wire.endpoint(serverAddress, {
      ...refusing,
      onInvite(invite) {
        invite.respond(180);
        wire.clock.after(20_000, () => invite.accept(sdp("answer"), { onConfirmed() {}, onEnd() {} }));
      },
    });
    const client = await wire.endpoint(caller);
    client.invite(
      {
        method: "INVITE",
        uri: "sip:group@10.0.0.1",
        from: "sip:alice@10.0.0.2",
        to: "sip:group@10.0.0.1",
        headers: [["require", "100rel"]],
        body: sdp("offer"),
      },
      {
        onProgress: (status) => told.push(`${status}`),
        onAnswer: () => told.push("answer"),
        onRefused: (status) => told.push(`refused ${status}`),
        onEnd() {},
      },
    );
    await wire.clock.advance(40_000);
    assert.equal(told, ["180", "answer"], `seed ${seed}`);
  }
});

test.run();
