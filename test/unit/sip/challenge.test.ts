import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseAuth } from "../../../firmware/sip/header.ts";
import { header, type SipMessage } from "../../../firmware/sip/message.ts";
import { type RawPeer, serverAddress, sipWire } from "../../support/sip-wire.ts";

const client = { host: "10.0.0.2", port: 5060 };
const out = {
  uri: "sip:b@10.0.0.1",
  from: "sip:alice@10.0.0.2",
  to: "sip:b@10.0.0.1",
  via: { transport: "udp", remote: serverAddress },
  credentials: { username: "alice", password: "secret" },
} as const;

/** A server written out by hand, so that each answer is the test's choice. */
async function open() {
  const wire = sipWire();
  const server = await wire.raw(serverAddress, client);
  const endpoint = await wire.endpoint(client);
  async function answer(status: number, ...more: string[]): Promise<void> {
    const last = latest(server);
    const copied = ["via", "from", "call-id", "cseq"].map((name) => `${name}: ${header(last, name)}`);
    const to = `to: ${header(last, "to")};tag=s`;
    server.send([`SIP/2.0 ${status} X`, ...copied, to, ...more, "", ""].join("\r\n"));
    await wire.clock.advance(20);
  }
  return { wire, server, endpoint, answer };
}

function latest(server: RawPeer): SipMessage {
  const last = server.received.findLast((message) => message.kind === "request" && message.method !== "ACK");
  if (last === undefined) throw new Error("nothing arrived");
  return last;
}

function auth(message: SipMessage, name = "authorization") {
  const value = header(message, name);
  return value === undefined ? undefined : parseAuth(value).params;
}

const challenge = (nonce: string, stale = "") =>
  `WWW-Authenticate: Digest realm="r", nonce="${nonce}", qop="auth", algorithm=SHA-256${stale}`;

test("a nonce serves for further requests with its count going up", async () => {
  const { wire, server, endpoint, answer } = await open();
  const told: number[] = [];
  const ask = () => endpoint.request({ method: "MESSAGE", ...out }, ({ status }) => told.push(status));
  ask();
  await wire.clock.advance(20);
  assert.is(auth(latest(server)), undefined);
  await answer(401, challenge("n1"));
  assert.equal([auth(latest(server))?.get("nonce"), auth(latest(server))?.get("nc")], ["n1", "00000001"]);
  await answer(200);
  ask();
  await wire.clock.advance(20);
  assert.equal([auth(latest(server))?.get("nonce"), auth(latest(server))?.get("nc")], ["n1", "00000002"]);
  await answer(200);
  assert.equal(told, [200, 200]);
});

test("a second challenge ends it, unless the first nonce was stale; a stale one is met once", async () => {
  for (const [second, third, attempts] of [
    [challenge("n2"), "", 2],
    [challenge("n2", ", stale=true"), challenge("n3", ", stale=TRUE"), 3],
  ] as const) {
    const { wire, server, endpoint, answer } = await open();
    const told: number[] = [];
    endpoint.request({ method: "MESSAGE", ...out }, ({ status }) => told.push(status));
    await wire.clock.advance(20);
    await answer(401, challenge("n1"));
    await answer(401, second);
    if (third !== "") await answer(401, third);
    assert.equal(told, [401]);
    assert.is(server.received.length, attempts);
  }
});

test("an INVITE challenged by a proxy goes again with a new CSeq, and its ACK carries the credentials", async () => {
  const { wire, server, endpoint, answer } = await open();
  const told: string[] = [];
  const body = { type: "application/sdp", content: "v=0" };
  endpoint.invite(
    { method: "INVITE", ...out, body },
    { onAnswer: () => told.push("answer"), onRefused: (status) => told.push(`${status}`), onEnd() {} },
  );
  await wire.clock.advance(20);
  await answer(407, challenge("n1").replace("WWW", "Proxy"));
  assert.is(header(latest(server), "cseq"), "2 INVITE");
  const given = auth(latest(server), "proxy-authorization");
  assert.is(given?.get("nonce"), "n1");
  await answer(200, "Contact: <sip:b@10.0.0.1:5060>");
  const acks = server.received.filter((message) => message.kind === "request" && message.method === "ACK");
  assert.equal(
    acks.map((ack) => [header(ack, "cseq"), auth(ack, "proxy-authorization")?.get("nonce")]),
    [
      ["1 ACK", undefined],
      ["2 ACK", "n1"],
    ],
  );
  assert.equal(told, ["answer"]);
});

test.run();
