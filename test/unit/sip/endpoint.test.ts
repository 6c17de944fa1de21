import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Incoming } from "../../../firmware/sip/endpoint.ts";
import { header, ProtocolError } from "../../../firmware/sip/message.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";
import { refusing, requestText, serverAddress, sipWire } from "../../support/sip-wire.ts";

const peerAddress = { host: "10.0.0.9", port: 5060 };

/** An endpoint and a bare peer. */
async function open(onRequest: (incoming: Incoming) => void = refusing.onRequest) {
  const wire = sipWire();
  const endpoint = await wire.endpoint(serverAddress, { ...refusing, onRequest });
  const peer = await wire.raw(peerAddress);
  const tell = async (text: string | Uint8Array) => {
    peer.send(text);
    await wire.clock.advance(20);
  };
  return { wire, endpoint, peer, tell };
}

test("what no application need decide is answered: capabilities, unknown dialogs, unknown extensions, missing events", async () => {
  const { peer, tell } = await open();
  await tell(requestText({ method: "OPTIONS", branch: "z9hG4bKa" }));
  await tell(requestText({ method: "BYE", branch: "z9hG4bKb" }));
  await tell(requestText({ method: "OPTIONS", branch: "z9hG4bKc", toTag: "x" }));
  await tell(requestText({ method: "OPTIONS", branch: "z9hG4bKd", headers: ["Require: 100rel"] }));
  await tell(requestText({ method: "SUBSCRIBE", branch: "z9hG4bKe" }));
  await tell(requestText({ method: "INVITE", branch: "z9hG4bKf", headers: [] }));
  await tell(requestText({ method: "CANCEL", branch: "z9hG4bKg" }));
  await tell(requestText({ method: "ACK", branch: "z9hG4bKh" }));
  assert.equal(peer.statuses(), [200, 481, 481, 420, 489, 400, 481]);
  assert.is(header(peer.received[3] ?? { headers: [] }, "unsupported"), "100rel");
});

test("a repeated request gets its answer again, and its handler hears it once", async () => {
  const heard: string[] = [];
  const { peer, tell } = await open((incoming) => {
    heard.push(incoming.request.method);
    incoming.respond(200);
    incoming.respond(403);
  });
  for (let i = 0; i < 3; i++) await tell(requestText({ method: "MESSAGE" }));
  assert.equal(heard, ["MESSAGE"]);
  assert.equal(peer.statuses(), [200, 200, 200]);
});

test("a stateless answer is given again at once, and made anew with the same tag when it is forgotten", async () => {
  let heard = 0;
  const { wire, peer, tell } = await open((incoming) => {
    heard += 1;
    incoming.respond(401, { headers: [["www-authenticate", `Digest nonce="${heard}"`]], stateless: true });
  });
  const request = requestText({ method: "MESSAGE" });
  for (let repeat = 0; repeat < 3; repeat++) await tell(request);
  assert.is(heard, 1, "repeated at once it is the same challenge");
  // As many as are remembered.
  for (let other = 0; other < 4_096; other++)
    peer.send(requestText({ method: "MESSAGE", branch: `z9hG4bKother${other}` }));
  await wire.clock.advance(20);
  await tell(request);
  assert.is(heard, 4_098, "what was forgotten is heard again");

  const [first, second, third] = peer.received;
  const last = peer.received.at(-1);
  assert.equal([second, third], [first, first]);
  assert.ok(first && last);
  assert.is(header(last, "to"), header(first, "to"));
  assert.is.not(header(last, "to"), header(peer.received.at(-2) ?? first, "to"), "another request has another tag");
  assert.is(header(last, "www-authenticate"), 'Digest nonce="4098"');
});

test("a stateless answer leaves no transaction behind", async () => {
  const { wire, tell } = await open((incoming) => incoming.respond(401, { stateless: true }));
  const before = wire.clock.pending();
  await tell(requestText({ method: "MESSAGE" }));
  assert.is(wire.clock.pending(), before);
});

test("a handler's protocol error is the answer, and its bug is nobody's to hide", async () => {
  const { wire, peer, tell } = await open(({ request }) => {
    if (request.method === "MESSAGE") throw new ProtocolError(415, "no such type");
    throw new TypeError("a bug");
  });
  await tell(requestText({ method: "MESSAGE" }));
  assert.equal(peer.statuses(), [415]);
  peer.send(requestText({ method: "PUBLISH", branch: "z9hG4bK2" }));
  try {
    await wire.clock.advance(20);
    assert.unreachable("the bug was swallowed");
  } catch (error) {
    assert.match(`${error}`, /a bug/);
  }
});

test("a request too broken to act on gets 400, one too broken to answer is counted", async () => {
  const { endpoint, peer, tell } = await open();
  await tell(requestText({ method: "OPTIONS" }).replace("CSeq: 1 OPTIONS", "CSeq: 1 BYE"));
  assert.equal(peer.statuses(), [400]);
  await tell("OPTIONS sip:x SIP/2.0\r\nVia: nonsense\r\n\r\n");
  await tell("\r\n\r\n");
  assert.equal(peer.statuses(), [400]);
  assert.is(endpoint.dropped["malformed"], 2);
});

test("an answer goes to the port of Via when the peer does not ask for rport", async () => {
  const { wire, peer } = await open();
  const other = await wire.raw({ host: "10.0.0.9", port: 7_000 });
  other.send(requestText({ method: "OPTIONS" }).replace(";rport", ""));
  await wire.clock.advance(20);
  assert.equal([peer.statuses(), other.statuses()], [[200], []]);
});

test("a peer of RFC 2543 without a branch is understood", async () => {
  const heard: string[] = [];
  const { peer, tell } = await open((incoming) => {
    heard.push(incoming.request.method);
    incoming.respond(200);
  });
  const text = requestText({ method: "MESSAGE" }).replace(";branch=z9hG4bK1", "");
  await tell(text);
  await tell(text);
  assert.equal([heard, peer.statuses()], [["MESSAGE"], [200, 200]]);
});

test("an answer of which nothing is kept has a tag, the same for the same request (RFC 3261 §8.2.7)", async () => {
  const { peer, tell } = await open();
  const bad = requestText({ method: "INVITE" }).replace("Max-Forwards: 70", "Max-Forwards: x");
  const toOf = async (text: string) => {
    await tell(text);
    return header(peer.received.at(-1) ?? { headers: [] }, "to");
  };
  const first = await toOf(bad);
  assert.match(first ?? "", /^<sip:group@10\.0\.0\.1>;tag=[0-9a-f]{16}$/);
  assert.is(await toOf(bad), first);
  assert.is.not(await toOf(bad.replace("z9hG4bK1", "z9hG4bK2")), first);
  assert.is(
    await toOf(bad.replace("To: <sip:group@10.0.0.1>", "To: <sip:group@10.0.0.1>;tag=x")),
    "<sip:group@10.0.0.1>;tag=x",
  );
  await tell(bad.replace("To: <sip:group@10.0.0.1>", "To: <"));
  assert.is(await toOf(bad), first, "a To that cannot be read goes back as it came, and no harm is done");
});

test("more unanswered requests than there is room for get 503, and room is made when they are given up", async () => {
  const { wire, endpoint, peer, tell } = await open(() => {});
  for (let i = 0; i < 4_100; i++) peer.send(requestText({ method: "MESSAGE", branch: `z9hG4bK-${i}` }));
  await wire.clock.advance(20);
  assert.equal(peer.statuses(), [503, 503, 503, 503]);
  assert.is(header(peer.received[0] ?? { headers: [] }, "retry-after"), "5");
  assert.is(endpoint.dropped["tooMany"], 4);
  await wire.clock.advance(33_000);
  await tell(requestText({ method: "OPTIONS", branch: "z9hG4bK-x" }));
  assert.is(peer.statuses().at(-1), 200);
});

/** Why an INVITE is refused before anybody knows who sends it, for it may say anything of that. */
const refusals: readonly (readonly [why: string, status: number, invite: string])[] = [
  ["a dialog that is not there", 481, requestText({ method: "INVITE", toTag: "x" })],
  ["an extension that nobody knows", 420, requestText({ method: "INVITE", headers: ["Require: x"] })],
  ["no Contact", 400, requestText({ method: "INVITE", headers: [] })],
  ["a malformed header", 400, requestText({ method: "INVITE" }).replace("Max-Forwards: 70", "Max-Forwards: x")],
  ["another scheme", 416, requestText({ method: "INVITE" }).replace("sip:group", "soap.beep:group")],
  ["another method", 501, requestText({ method: "PRAY" })],
  ["the application's will", 486, requestText({ method: "INVITE" })],
];

for (const [why, status, invite] of refusals)
  test(`an INVITE refused at once, for ${why}, is answered once to whom it names, and again if it comes again`, async () => {
    const { wire, peer } = await open();
    wire.network.forge(peerAddress, serverAddress, Buffer.from(invite));
    await wire.clock.advance(40_000);
    assert.equal(peer.statuses(), [status]);
    for (const _ of [1, 2]) wire.network.forge(peerAddress, serverAddress, Buffer.from(invite));
    await wire.clock.advance(20);
    assert.equal(peer.statuses(), [status, status, status]);
  });

test("a refusal after a provisional answer, which stops the caller's repeats, is sent until its ACK comes", async () => {
  const wire = sipWire();
  await wire.endpoint(serverAddress, {
    ...refusing,
    onInvite(invite) {
      invite.respond(180);
      wire.clock.after(1_000, () => invite.respond(486));
    },
  });
  const peer = await wire.raw(peerAddress);
  peer.send(requestText({ method: "INVITE" }));
  await wire.clock.advance(4_000);
  assert.equal(peer.statuses(), [180, 486, 486, 486]);
  const tag = header(peer.received[1] ?? { headers: [] }, "to")?.split("tag=")[1] ?? "";
  peer.send(requestText({ method: "ACK", toTag: tag }));
  await wire.clock.advance(40_000);
  assert.is(peer.statuses().length, 4);
});

test("a request to a silent peer is repeated for 32 s and ends as 408; without a way it ends as 503", async () => {
  const wire = sipWire();
  const client = await wire.endpoint(serverAddress);
  const told: number[] = [];
  const out = { method: "OPTIONS", from: "sip:a@10.0.0.1", to: "sip:b@10.0.0.9" };
  client.request({ ...out, uri: "sip:b@10.0.0.9" }, ({ status }) => told.push(status));
  client.request({ ...out, uri: "sip:b@name.example" }, ({ status }) => told.push(status));
  client.request({ ...out, uri: "sip:b@10.0.0.9;transport=tcp" }, ({ status }) => told.push(status));
  client.request({ ...out, uri: "sip:b@[" }, ({ status }) => told.push(status));
  assert.equal(told, [], "never before the call returns");
  await wire.clock.advance(20);
  assert.equal(told, [503, 400]);
  await wire.clock.advance(33_000);
  assert.equal(told.slice(2).toSorted(), [408, 503]);
  // RFC 3261 §17.1.2.2: at 0, 0.5, 1.5, 3.5, then each 4 s until 32 s.
  assert.is(wire.count("10.0.0.1", "OPTIONS"), 11);
});

test("a phone without a port of its own for both transports still binds", async () => {
  const wire = sipWire();
  const endpoint = await wire.endpoint({ host: "10.0.0.3", port: 0 });
  assert.ok(endpoint.local.port > 0);
  const peer = await wire.raw(peerAddress, endpoint.local);
  peer.send(requestText({ method: "OPTIONS" }));
  await wire.clock.advance(20);
  assert.equal(peer.statuses(), [200]);
});

test("an endpoint that closes says good-bye: sessions get BYE, watchers are told to come back later", async () => {
  const wire = sipWire();
  const endpoint = await wire.endpoint(serverAddress, {
    ...refusing,
    onInvite: (invite) => invite.accept({ type: "application/sdp", content: "v=0" }, { onConfirmed() {}, onEnd() {} }),
    onSubscribe: (subscribe) => subscribe.accept(60, { onRefresh() {}, onEnd() {} }).notify(undefined),
  });
  const client = await wire.endpoint(peerAddress);
  const told: string[] = [];
  const parties = { uri: "sip:b@10.0.0.1", from: "sip:a@10.0.0.9", to: "sip:b@10.0.0.1" };
  const body = { type: "application/sdp", content: "v=0" };
  client.invite(
    { method: "INVITE", ...parties, body },
    { onAnswer() {}, onRefused() {}, onEnd: () => told.push("end") },
  );
  client.watch(
    { method: "SUBSCRIBE", ...parties, event: "presence" },
    { onNotify() {}, onState: (state) => told.push(state.active ? "on" : "off") },
  );
  await wire.clock.advance(100);
  await endpoint.close();
  await wire.clock.advance(20);
  assert.equal(told, ["on", "end", "off"]);
});

test("2,000 mutated datagrams leave the endpoint answering and empty again after the timers", async () => {
  const wire = sipWire();
  const endpoint = await wire.endpoint(serverAddress, {
    onInvite: (invite) => invite.accept({ type: "application/sdp", content: "v=0" }, { onConfirmed() {}, onEnd() {} }),
    onSubscribe: (subscribe) => subscribe.accept(60, { onRefresh() {}, onEnd() {} }).notify(undefined),
    onRequest: (incoming) => incoming.respond(200),
  });
  const peer = await wire.raw(peerAddress);
  const before = wire.clock.pending();
  const random = seededRandom(7);
  const pick = (limit: number) => Math.floor(random.fraction() * limit);
  const methods = ["INVITE", "ACK", "BYE", "CANCEL", "SUBSCRIBE", "NOTIFY", "REGISTER", "OPTIONS", "UPDATE", "INFO"];
  const extra = [
    "Contact: <sip:p@10.0.0.9>",
    "Event: presence",
    "Expires: 60",
    "Route: <sip:10.0.0.9;lr>",
    "Record-Route: <sip:10.0.0.9>",
  ];
  for (let i = 0; i < 2_000; i++) {
    const method = methods[pick(methods.length)] ?? "OPTIONS";
    const valid = requestText({
      method,
      branch: `z9hG4bK${pick(300)}`,
      cseq: pick(50),
      callId: `c${pick(20)}`,
      headers: extra,
    });
    const bytes = Buffer.from(random.fraction() < 0.1 ? valid.replace(/^.*/, "SIP/2.0 200 OK") : valid);
    for (let changes = pick(4); changes > 0; changes--) bytes[pick(bytes.length)] = pick(256);
    peer.send(bytes.subarray(0, random.fraction() < 0.1 ? pick(bytes.length) : bytes.length));
    if (i % 50 === 0) await wire.clock.advance(10);
  }
  await wire.clock.advance(20);
  peer.send(requestText({ method: "OPTIONS", branch: "z9hG4bK-alive", callId: "alive" }));
  await wire.clock.advance(20);
  const last = peer.received.findLast(
    (message) => message.kind === "response" && header(message, "call-id") === "alive",
  );
  assert.is(last?.kind === "response" && last.status, 200);
  assert.ok((endpoint.dropped["malformed"] ?? 0) > 100);
  await wire.clock.advance(300_000);
  assert.is(wire.clock.pending(), before, "no transaction, session or subscription is left");
});

test.run();
