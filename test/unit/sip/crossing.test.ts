import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Session } from "../../../firmware/sip/endpoint.ts";
import { header, type SipMessage } from "../../../firmware/sip/message.ts";
import { insideSession, sdp, text } from "../../support/sip-session.ts";
import { sipWire } from "../../support/sip-wire.ts";

const caller = { host: "10.0.0.2", port: 5060 };
const headerOf = (message: SipMessage | undefined, name: string) => header(message ?? { headers: [] }, name);
const udp = { options: { transports: ["udp"] } } as const;

for (const method of ["INVITE", "UPDATE", "INFO", "REFER"])
  test(`${method} that crosses this side's BYE finds no session, and nothing is left`, async () => {
    const wire = sipWire();
    const { session, tell, answer, peer, endpoint, told } = await insideSession(wire, {}, udp);
    session()?.end();
    tell(method, { body: method === "INFO" || method === "REFER" ? "" : "more" });
    await wire.clock.advance(20);
    assert.is(peer.statuses().at(-1), 481);
    answer(200);
    await wire.clock.advance(40_000);
    assert.equal(
      [told, endpoint.held(), wire.clock.pending()],
      [["confirmed"], { dialogs: 0, client: 0, server: 0 }, 0],
    );
  });

test("two BYEs that cross end one session: each is answered, nobody is told", async () => {
  const wire = sipWire();
  const { session, tell, answer, peer, endpoint, told } = await insideSession(wire, {}, udp);
  session()?.end();
  tell("BYE");
  await wire.clock.advance(20);
  assert.is(peer.statuses().at(-1), 481);
  answer(481);
  await wire.clock.advance(40_000);
  assert.equal([told, endpoint.held(), wire.clock.pending()], [["confirmed"], { dialogs: 0, client: 0, server: 0 }, 0]);
});

test("a CANCEL that crosses the 200 of a re-INVITE changes nothing: the new answer stands", async () => {
  const wire = sipWire();
  const { tell, ask, peer, told } = await insideSession(wire, { onReoffer: (_, reply) => reply(sdp("new answer")) });
  tell("INVITE", { body: "more" });
  tell("CANCEL", { branch: "z9hG4bK3" });
  await wire.clock.advance(20);
  assert.equal(peer.statuses().slice(-2), [200, 200]);
  await ask("ACK");
  await wire.clock.advance(2_000);
  assert.equal([told, peer.statuses().filter((status) => status === 487).length], [["confirmed"], 0]);
});

test("a re-INVITE whose 200 is never acknowledged ends the session (RFC 3261 §14.2)", async () => {
  const wire = sipWire();
  const { ask, requests, told } = await insideSession(wire, { onReoffer: (_, reply) => reply(sdp("new answer")) });
  await ask("INVITE", { body: "more" });
  await wire.clock.advance(31_900);
  assert.equal(told, ["confirmed"]);
  await wire.clock.advance(100);
  assert.equal([told, requests("BYE").length > 0], [["confirmed", "end"], true]);
});

/** A session that a bare peer was called to; `early`: the answer that came before the 200, which must arrive. */
async function calledPeer(wire: ReturnType<typeof sipWire>) {
  const told: string[] = [];
  const endpoint = await wire.endpoint(caller);
  const peer = await wire.raw({ host: "10.0.0.9", port: 5060 }, caller);
  const parties = { uri: "sip:b@10.0.0.9", from: "sip:a@10.0.0.2", to: "sip:b@10.0.0.9" };
  const session: Session = endpoint.invite(
    { method: "INVITE", ...parties, body: sdp("offer") },
    {
      onAnswer: (response) => told.push(`answer ${text(response)}`),
      onRefused: (status) => told.push(`refused ${status}`),
      onEnd: () => told.push("end"),
      onReoffer: (offer, reply) => reply(sdp(`answer to ${offer}`)),
      onKey: (key) => told.push(`key ${key}`),
    },
  );
  await wire.clock.advance(10);
  const [invite] = peer.received;
  const ask = async (method: string, cseq: number, headers: readonly string[] = [], body = "") => {
    const via = `Via: SIP/2.0/UDP 10.0.0.9:5060;rport;branch=z9hG4bK${cseq}`;
    const dialog = [
      `From: <sip:b@10.0.0.9>;tag=t`,
      `To: ${headerOf(invite, "from")}`,
      `Call-ID: ${headerOf(invite, "call-id")}`,
    ];
    const head = [`${method} sip:a@10.0.0.2 SIP/2.0`, via, ...dialog, `CSeq: ${cseq} ${method}`, ...headers];
    peer.send([...head, `Content-Length: ${body.length}`, "", body].join("\r\n"));
    await wire.clock.advance(20);
    return peer.received.findLast((message) => message.kind === "response");
  };
  const answer = async (status: number, headers: readonly string[] = [], body = "") => {
    const copied = ["via", "from", "call-id", "cseq"].map((name) => `${name}: ${headerOf(invite, name)}`);
    const own = ["to: <sip:b@10.0.0.9>;tag=t", "Contact: <sip:b@10.0.0.9:5060>", "Content-Type: application/sdp"];
    peer.send(
      [`SIP/2.0 ${status} X`, ...copied, ...own, ...headers, `Content-Length: ${body.length}`, "", body].join("\r\n"),
    );
    await wire.clock.advance(20);
  };
  return { told, session, ask, answer, endpoint };
}

const statusOf = (message: SipMessage | undefined) => (message?.kind === "response" ? message.status : undefined);
const offer = ["Contact: <sip:b@10.0.0.9:5060>", "Content-Type: application/sdp"];

test("before the answer an offer of the callee is refused with 491, and its sign of life is answered", async () => {
  const { ask, answer, told } = await calledPeer(sipWire());
  assert.is(statusOf(await ask("UPDATE", 1)), 491, "it is in no dialog yet");
  await answer(183, ["Require: 100rel", "RSeq: 1"]);
  assert.is(statusOf(await ask("UPDATE", 2, offer, "more")), 491);
  assert.is(statusOf(await ask("UPDATE", 3)), 200);
  assert.is(statusOf(await ask("UPDATE", 3)), 200, "the same once more");
  assert.is(statusOf(await ask("INFO", 4)), 481);
  await answer(200, [], "answer");
  assert.equal(told, ["answer answer"]);
});

test("a PRACK or NOTIFY of nothing is unknown inside a session, another method not allowed", async () => {
  const { ask, answer } = await calledPeer(sipWire());
  await answer(200, [], "answer");
  const statuses: (number | undefined)[] = [];
  for (const [index, method] of ["PRACK", "NOTIFY", "REGISTER"].entries())
    statuses.push(statusOf(await ask(method, index + 1)));
  assert.equal(statuses, [481, 481, 405]);
});

test("a callee may re-offer and press keys once it has answered", async () => {
  const { ask, answer, told } = await calledPeer(sipWire());
  await answer(200, [], "answer");
  const first = await ask("INVITE", 1, offer, "more");
  assert.equal([statusOf(first), text(first)], [200, "answer to more"]);
  await ask("ACK", 1);
  const second = await ask("UPDATE", 2, offer, "and more");
  assert.equal([statusOf(second), text(second)], [200, "answer to and more"]);
  assert.is(statusOf(await ask("INFO", 3, ["Content-Type: application/dtmf"], "#")), 200);
  assert.equal(told, ["answer answer", "key #"]);
});

test.run();
