import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Session } from "../../../firmware/sip/endpoint.ts";
import { header, type SipMessage } from "../../../firmware/sip/message.ts";
import { insideSession, sdp, text } from "../../support/sip-session.ts";
import { refusing, serverAddress, sipWire } from "../../support/sip-wire.ts";

const headerOf = (message: SipMessage | undefined, name: string) => header(message ?? { headers: [] }, name);
const caller = { host: "10.0.0.2", port: 5060 };
const timer = "Supported: timer";
const offer = ["Contact: <sip:peer@10.0.0.9:5060>", "Content-Type: application/sdp"];
const hour = 3_600_000;

/** A session that a bare peer has opened with these headers. */
const opened = (headers: readonly string[]) => insideSession(sipWire(), {}, { headers });

test("a caller's session timer is granted as it was asked for, or as is left to this side (RFC 4028 §9)", async () => {
  const cases: readonly (readonly [
    headers: readonly string[],
    granted: string | undefined,
    required: string | undefined,
  ])[] = [
    [[], undefined, undefined],
    [[timer], undefined, undefined],
    [[timer, "Session-Expires: 600"], "600;refresher=uac", "timer"],
    [[timer, "x: 600;refresher=UAC"], "600;refresher=uac", "timer"],
    [[timer, "Session-Expires: 600;refresher=uas"], "600;refresher=uas", undefined],
    // The word of a proxy: the caller knows nothing of it.
    [["Session-Expires: 600"], "600;refresher=uas", undefined],
    [["Session-Expires: 60"], "90;refresher=uas", undefined],
    [[timer, "Session-Expires: soon"], undefined, undefined],
  ];
  for (const [headers, granted, required] of cases) {
    const { accepted } = await opened(headers);
    assert.equal(
      [headerOf(accepted, "session-expires"), headerOf(accepted, "require")],
      [granted, required],
      headers.join(),
    );
  }
});

test("headers that cannot be read leave no timer behind", async () => {
  const wire = sipWire();
  const headers = [timer, "Session-Expires: 600", 'Allow: "UPDATE'];
  const { accepted, endpoint } = await insideSession(wire, {}, { headers, contact: "sip:a,b@10.0.0.9" });
  assert.is(accepted?.kind === "response" && accepted.status, 200);
  await endpoint.close();
  await wire.clock.advance(100);
  assert.is(wire.clock.pending(), 0);
});

test("a session below 90 s is refused with what would do", async () => {
  const { accepted } = await opened([timer, "Session-Expires: 89"]);
  assert.equal([accepted?.kind === "response" && accepted.status, headerOf(accepted, "min-se")], [422, "90"]);
});

test("a session that its caller does not refresh in time ends with a BYE that says so", async () => {
  const wire = sipWire();
  const { told, requests, answer, endpoint } = await insideSession(
    wire,
    {},
    { headers: [timer, "Session-Expires: 90"] },
  );
  await wire.clock.advance(59_900);
  assert.equal(told, ["confirmed"]);
  await wire.clock.advance(100);
  assert.equal(told, ["confirmed", "end"]);
  assert.is(headerOf(requests("BYE")[0], "reason"), 'SIP;cause=408;text="not refreshed in time"');
  answer(200);
  await wire.clock.advance(100);
  await endpoint.close();
  await wire.clock.advance(100);
  assert.is(wire.clock.pending(), 0);
});

test("a refresh by UPDATE, or by an INVITE that changes nothing, keeps it, and nobody is asked", async () => {
  for (const method of ["UPDATE", "INVITE"]) {
    const wire = sipWire();
    const { told, ask } = await insideSession(wire, {}, { headers: [timer, "Session-Expires: 90"] });
    for (let i = 0; i < 10; i++) {
      await wire.clock.advance(45_000);
      const more = method === "INVITE" ? { body: "offer" } : { body: "" };
      const ok = await ask(method, { headers: [...offer, timer, "Session-Expires: 90;refresher=uac"], ...more });
      assert.equal([ok?.status, headerOf(ok, "session-expires")], [200, "90;refresher=uac"]);
      if (method === "INVITE") assert.is(text(ok), "answer");
      if (method === "INVITE") await ask("ACK");
    }
    assert.equal(told, ["confirmed"]);
    await wire.clock.advance(61_000);
    assert.equal(told, ["confirmed", "end"]);
  }
});

test("a change that says nothing of the timer leaves it as it was; one too short is refused, and changes nothing", async () => {
  const wire = sipWire();
  const { told, ask } = await insideSession(
    wire,
    { onReoffer: (_, reply) => reply(sdp("another answer")) },
    { headers: [timer, "Session-Expires: 90"] },
  );
  await wire.clock.advance(45_000);
  const changed = await ask("UPDATE", { headers: [...offer, timer], body: "another" });
  assert.equal([changed?.status, headerOf(changed, "session-expires")], [200, "90;refresher=uac"]);
  await wire.clock.advance(45_000);
  const short = await ask("UPDATE", { headers: [...offer, timer, "Session-Expires: 10"] });
  assert.equal([short?.status, headerOf(short, "min-se")], [422, "90"]);
  await wire.clock.advance(14_900);
  assert.equal(told, ["confirmed"]);
  await wire.clock.advance(100);
  assert.equal(told, ["confirmed", "end"]);
});

/** A session that this side must refresh: a bare peer called, and left it to this side. */
async function refreshing(more: readonly string[] = []) {
  const wire = sipWire();
  const headers = [timer, "Session-Expires: 600;refresher=uas", ...more];
  return { wire, ...(await insideSession(wire, {}, { headers, options: { transports: ["udp"] } })) };
}

test("this side refreshes by UPDATE at half of the time, where the far end takes it", async () => {
  const { wire, requests, answer, told } = await refreshing(["Allow: INVITE, UPDATE"]);
  for (let i = 1; i <= 20; i++) {
    await wire.clock.advance(300_020);
    assert.is(new Set(requests("UPDATE").map((each) => headerOf(each, "cseq"))).size, i);
    assert.is(headerOf(requests("UPDATE").at(-1), "session-expires"), "600;refresher=uac");
    answer(200, ["Session-Expires: 600;refresher=uac"]);
  }
  assert.equal([told, requests("INVITE").length], [["confirmed"], 0]);
});

test("otherwise by an INVITE with its last description, and acknowledges the answer as often as it comes", async () => {
  const { wire, requests, answer, told } = await refreshing();
  await wire.clock.advance(300_000);
  assert.equal([requests("INVITE").length, text(requests("INVITE")[0])], [1, "answer"]);
  const granted = ["Session-Expires: 600;refresher=uac", "Contact: <sip:elsewhere@10.0.0.9:5060>"];
  answer(200, granted);
  answer(200, granted);
  await wire.clock.advance(20);
  const acks = requests("ACK").map((ack) => ack.kind === "request" && `${ack.uri} ${headerOf(ack, "cseq")}`);
  assert.equal(acks, Array(2).fill("sip:elsewhere@10.0.0.9:5060 1 ACK"), "the target moved");
  await wire.clock.advance(20_000);
  answer(200, granted);
  await wire.clock.advance(279_900);
  assert.equal([told, requests("INVITE").length], [["confirmed"], 1]);
  await wire.clock.advance(100);
  assert.is(requests("INVITE").length, 2, "the time is that of the first answer");
});

test("an UPDATE that is not taken after all is followed by an INVITE", async () => {
  const { wire, requests, answer, told } = await refreshing(["Allow: INVITE, UPDATE"]);
  await wire.clock.advance(300_000);
  answer(405);
  await wire.clock.advance(10_020);
  assert.equal([requests("UPDATE").length > 0, requests("INVITE").length], [true, 1]);
  answer(200, ["Session-Expires: 600;refresher=uac"]);
  await wire.clock.advance(280_000);
  assert.equal(told, ["confirmed"]);
});

test("while this side's INVITE is open an offer of the far end is refused with 491, and a 491 is tried again", async () => {
  const { wire, requests, answer, ask } = await refreshing();
  await wire.clock.advance(300_000);
  assert.is((await ask("INVITE", { body: "more" }))?.status, 491);
  await ask("ACK", { branch: "z9hG4bK3" });
  assert.is((await ask("UPDATE", { body: "more" }))?.status, 491);
  assert.is((await ask("UPDATE"))?.status, 200);
  answer(491);
  await wire.clock.advance(20);
  const ack = requests("ACK").length;
  await wire.clock.advance(2_020);
  assert.equal([ack, new Set(requests("INVITE").map((each) => headerOf(each, "cseq"))).size], [1, 2]);
});

test("an INVITE of this side waits for the far end's, which is open", async () => {
  const wire = sipWire();
  const headers = [timer, "Session-Expires: 600;refresher=uas"];
  const { tell, requests, ask } = await insideSession(wire, { onReoffer() {} }, { headers });
  await wire.clock.advance(299_950);
  tell("INVITE", { body: "more" });
  await wire.clock.advance(5_000);
  assert.is(requests("INVITE").length, 0);
  await wire.clock.advance(5_100);
  await ask("ACK", { branch: "z9hG4bK3" });
  await wire.clock.advance(4_000);
  assert.ok(requests("INVITE").length > 0);
});

test("a longer time that the far end wants is proposed at once, and kept to", async () => {
  const { wire, requests, answer } = await refreshing(["Allow: UPDATE"]);
  await wire.clock.advance(300_000);
  answer(422, ["Min-SE: 700"]);
  await wire.clock.advance(20);
  const last = requests("UPDATE").at(-1);
  assert.equal([headerOf(last, "session-expires"), headerOf(last, "min-se")], ["700;refresher=uac", "700"]);
  answer(200, ["Session-Expires: 700;refresher=uac"]);
  await wire.clock.advance(349_900);
  assert.is(requests("UPDATE").length, 2);
  await wire.clock.advance(200);
  assert.is(requests("UPDATE").length, 3);
});

for (const status of [481, 408])
  test(`a refresh that is answered with ${status} ends the session`, async () => {
    const { wire, requests, answer, told } = await refreshing(["Allow: UPDATE"]);
    await wire.clock.advance(300_000);
    answer(status);
    await wire.clock.advance(20);
    assert.equal([told, requests("BYE").length], [["confirmed", "end"], 1]);
    assert.match(headerOf(requests("BYE")[0], "reason") ?? "", new RegExp(`cause=${status}`));
  });

test("a far end that rings for ever on a refresh is left in time, with nothing left behind", async () => {
  const { wire, requests, answer, told } = await refreshing();
  await wire.clock.advance(300_000);
  answer(100);
  await wire.clock.advance(268_100);
  assert.equal([told, requests("BYE").length > 0, requests("CANCEL").length > 0], [["confirmed", "end"], true, true]);
  await wire.clock.advance(40_000);
  assert.is(wire.clock.pending(), 0);
});

/** Two endpoints in a session, which the caller wants to be refreshed. */
async function pair(wire: ReturnType<typeof sipWire>) {
  const told: string[] = [];
  const sessions: Session[] = [];
  await wire.endpoint(serverAddress, {
    ...refusing,
    onInvite(invite) {
      sessions.push(invite.accept(sdp("answer"), { onConfirmed() {}, onEnd: () => told.push("callee: end") }));
    },
  });
  const client = await wire.endpoint(caller);
  const out = {
    method: "INVITE",
    uri: "sip:b@10.0.0.1",
    from: "sip:a@10.0.0.2",
    to: "sip:b@10.0.0.1",
    body: sdp("offer"),
  };
  client.invite(out, {
    onAnswer() {},
    onRefused: (status) => told.push(`refused ${status}`),
    onEnd: () => told.push("caller: end"),
  });
  await wire.clock.advance(100);
  return { told, sessions };
}

test("a session between two of this kind lasts for a week, refreshed four times an hour, and ends soon after the two are apart", async () => {
  const wire = sipWire();
  const { told } = await pair(wire);
  await wire.clock.advance(24 * 7 * hour);
  assert.equal(told, []);
  const updates = wire.count("10.0.0.2", "UPDATE");
  assert.ok(updates > 4 * 24 * 7 - 3 && updates <= 4 * 24 * 7, `${updates}`);
  wire.network.kill("10.0.0.2");
  await wire.clock.advance(hour / 2);
  assert.equal(told.sort(), ["callee: end", "caller: end"]);
});

test("with 30 % loss it lasts all the same", async () => {
  const wire = sipWire({ seed: 3 });
  const { told } = await pair(wire);
  wire.network.setLoss(0.3);
  await wire.clock.advance(24 * hour);
  assert.equal(told, []);
});

/** A bare peer is called, and answers with these headers. */
async function calledPeer(
  ...answers: readonly (readonly [status: number, headers: readonly string[], then?: "end"])[]
) {
  const wire = sipWire();
  const told: string[] = [];
  const endpoint = await wire.endpoint(caller);
  const peer = await wire.raw({ host: "10.0.0.9", port: 5060 }, caller);
  const out = {
    method: "INVITE",
    uri: "sip:b@10.0.0.9",
    from: "sip:a@10.0.0.2",
    to: "sip:b@10.0.0.9",
    body: sdp("offer"),
  };
  const session = endpoint.invite(out, {
    onAnswer: () => told.push("answer"),
    onRefused: (status) => told.push(`refused ${status}`),
    onEnd: () => told.push("end"),
  });
  const invites = () => peer.received.filter((message) => message.kind === "request" && message.method === "INVITE");
  for (const [status, headers, then] of answers) {
    await wire.clock.advance(20);
    if (then) session.end();
    const copied = ["via", "from", "call-id", "cseq"].map((name) => `${name}: ${headerOf(invites().at(-1), name)}`);
    const to = "to: <sip:b@10.0.0.9>;tag=t";
    peer.send(
      [`SIP/2.0 ${status} X`, ...copied, to, "Contact: <sip:b@10.0.0.9:5060>", ...headers, "", ""].join("\r\n"),
    );
  }
  await wire.clock.advance(20);
  return { wire, told, endpoint, peer, invites };
}

test("an old phone that knows no timers keeps its session for weeks, with not a word said", async () => {
  const { wire, told, peer } = await calledPeer([200, []]);
  const before = peer.received.length;
  await wire.clock.advance(24 * 21 * hour);
  assert.equal([told, peer.received.length], [["answer"], before]);
});

test("a phone that wants longer sessions is called again at once, and is told once", async () => {
  const { told, invites } = await calledPeer([422, ["Min-SE: 7200"]], [200, ["Session-Expires: 7200;refresher=uas"]]);
  assert.equal(told, ["answer"]);
  assert.equal(
    invites().map((each) => [headerOf(each, "session-expires"), headerOf(each, "min-se"), headerOf(each, "cseq")]),
    [
      ["1800;refresher=uac", undefined, "1 INVITE"],
      ["7200;refresher=uac", "7200", "2 INVITE"],
    ],
  );
  assert.is(new Set(invites().map((each) => headerOf(each, "call-id"))).size, 1);
});

test("a 422 that would not help is a refusal", async () => {
  assert.equal((await calledPeer([422, []])).told, ["refused 422"]);
  assert.equal((await calledPeer([422, ["Min-SE: 90"]])).told, ["refused 422"]);
  const endless = await calledPeer([422, ["Min-SE: 86400"]], [422, ["Min-SE: 86400"]]);
  assert.equal(endless.told, ["refused 422"]);
});

test("who gave up is not called again for a longer time", async () => {
  const { told, invites } = await calledPeer([422, ["Min-SE: 7200"], "end"]);
  assert.equal([told, invites().length], [[], 1]);
});

test("a phone that promised to refresh and does not is hung up on; what it says in seconds is bounded", async () => {
  const { wire, told, peer } = await calledPeer([200, ["Session-Expires: 1;refresher=uas"]]);
  await wire.clock.advance(59_900);
  assert.equal(told, ["answer"]);
  await wire.clock.advance(100);
  assert.equal(told, ["answer", "end"]);
  assert.ok(peer.received.some((message) => message.kind === "request" && message.method === "BYE"));
});

test.run();
