import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Handlers, IncomingInvite, OfferHandlers, Session } from "../../../firmware/sip/endpoint.ts";
import { header, headers } from "../../../firmware/sip/message.ts";
import { refusing, requestText, serverAddress, sipWire } from "../../support/sip-wire.ts";

const sdp = (content: string) => ({ type: "application/sdp", content });
const caller = { host: "10.0.0.2", port: 5060 };
const text = (body: Uint8Array) => new TextDecoder().decode(body);

/** A callee that hands its invites out, and a caller that keeps what it is told. */
async function pair(
  wire: ReturnType<typeof sipWire>,
  onInvite: (invite: IncomingInvite) => void,
  transport: "udp" | "tcp" = "udp",
) {
  const told: string[] = [];
  const server = await wire.endpoint(serverAddress, { ...refusing, onInvite });
  const client = await wire.endpoint(caller, refusing);
  const handlers: OfferHandlers = {
    onAnswer: (response) => told.push(`answer ${text(response.body)}`),
    onRefused: (status) => told.push(`refused ${status}`),
    onEnd: () => told.push("end"),
  };
  const out = {
    method: "INVITE",
    uri: "sip:group@10.0.0.1",
    from: "sip:alice@10.0.0.2",
    to: "sip:group@10.0.0.1",
    via: { transport, remote: serverAddress },
    body: sdp("offer"),
  };
  return { server, client, told, invite: () => client.invite(out, handlers) };
}

function accepting(told: string[], keep: (session: Session) => void = () => {}): Handlers["onInvite"] {
  return (invite) =>
    keep(
      invite.accept(sdp(`answer to ${text(invite.request.body)}`), {
        onConfirmed: () => told.push("confirmed"),
        onEnd: () => told.push("callee told end"),
      }),
    );
}

for (const transport of ["udp", "tcp"] as const)
  test(`over ${transport} a session is offered, answered, confirmed, and ended by either side once`, async () => {
    for (const ender of ["caller", "callee"]) {
      const wire = sipWire();
      const heard: string[] = [];
      let answered: Session | undefined;
      const { invite, told, server, client } = await pair(
        wire,
        accepting(heard, (session) => {
          answered = session;
        }),
        transport,
      );
      const offered = invite();
      await wire.clock.advance(100);
      assert.equal(told, ["answer answer to offer"]);
      assert.equal(heard, ["confirmed"]);
      (ender === "caller" ? offered : answered)?.end("over");
      await wire.clock.advance(100);
      offered.end();
      answered?.end();
      await wire.clock.advance(100);
      if (ender === "caller") assert.equal([told.length, heard.at(-1)], [1, "callee told end"]);
      else assert.equal([told.at(-1), heard.length], ["end", 1]);
      await Promise.all([server.close(), client.close()]);
      await wire.clock.advance(100);
      assert.is(wire.clock.pending(), 0, "no timer is left behind");
    }
  });

test("with 30 % loss every session is confirmed or cleanly refused, and none is left half open", async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const wire = sipWire({ seed, loss: 0.3 });
    const heard: string[] = [];
    const { invite, told } = await pair(wire, accepting(heard));
    invite();
    await wire.clock.advance(100_000);
    const confirmed = told.length === 1 && told[0]?.startsWith("answer") && heard.join() === "confirmed";
    const ended = told.at(-1) === "end" || told[0] === "refused 408";
    const calleeEnded = heard.length === 0 || heard.at(-1) === "callee told end";
    assert.ok(confirmed || (ended && calleeEnded), `seed ${seed}: ${told} | ${heard}`);
  }
});

test("the callee repeats its 200 until the ACK comes, and the caller acknowledges each one", async () => {
  const wire = sipWire();
  const heard: string[] = [];
  const { invite, told } = await pair(wire, accepting(heard));
  invite();
  await wire.clock.advance(4);
  wire.network.setLoss(1);
  await wire.clock.advance(3);
  // The INVITE has arrived; 200s are lost until the path is whole again.
  assert.is(wire.count("10.0.0.1", 200), 1);
  await wire.clock.advance(2_000);
  wire.network.setLoss(0);
  await wire.clock.advance(30_000);
  assert.equal(told, ["answer answer to offer"]);
  assert.equal(heard, ["confirmed"]);
  assert.is(wire.count("10.0.0.1", 200), 4, "at 0, 0.5, 1.5 and 3.5 s, the last one seen");
  assert.is(wire.count("10.0.0.2", "ACK"), 1);
});

test("a repeated 200 is acknowledged again, and the answer is told once", async () => {
  const wire = sipWire();
  const heard: string[] = [];
  const { invite, told } = await pair(wire, accepting(heard));
  invite();
  await wire.clock.advance(9);
  wire.network.setLoss(1);
  await wire.clock.advance(5);
  wire.network.setLoss(0);
  await wire.clock.advance(3_000);
  assert.is(wire.count("10.0.0.1", 200), 2);
  assert.is(wire.count("10.0.0.2", "ACK"), 2);
  assert.equal(told, ["answer answer to offer"]);
  assert.equal(heard, ["confirmed"]);
});

test("an answer that is never acknowledged is ended after 64*T1 with BYE", async () => {
  const wire = sipWire();
  const heard: string[] = [];
  await pair(wire, accepting(heard));
  const peer = await wire.raw({ host: "10.0.0.9", port: 5060 });
  peer.send(
    requestText({
      method: "INVITE",
      body: "offer",
      headers: ["Contact: <sip:peer@10.0.0.9>", "Content-Type: application/sdp"],
    }),
  );
  await wire.clock.advance(31_900);
  assert.equal(heard, []);
  await wire.clock.advance(200);
  assert.equal(heard, ["callee told end"]);
  assert.is(wire.count("10.0.0.1", "BYE"), 1);
});

test("a caller that gives up while it rings is answered 487, and both sides are told nothing more", async () => {
  const wire = sipWire();
  const heard: string[] = [];
  const { invite, told } = await pair(wire, (invite) => {
    invite.respond(180);
    invite.onCancel = () => heard.push("cancel");
  });
  const session = invite();
  await wire.clock.advance(1_000);
  session.end();
  await wire.clock.advance(1_000);
  assert.equal(heard, ["cancel"]);
  assert.equal(told, []);
  assert.is(wire.count("10.0.0.1", 200, "CANCEL"), 1);
  assert.is(wire.count("10.0.0.1", 487), 1);
  assert.is(wire.count("10.0.0.2", "ACK"), 1);
});

test("a CANCEL waits for the first provisional answer", async () => {
  const wire = sipWire();
  const { invite } = await pair(wire, () => {});
  invite().end();
  await wire.clock.advance(190);
  assert.is(wire.count("10.0.0.2", "CANCEL"), 0);
  await wire.clock.advance(100);
  assert.is(wire.count("10.0.0.1", 100), 1, "the callee says 100 after 200 ms");
  assert.is(wire.count("10.0.0.2", "CANCEL"), 1);
});

test("a CANCEL that crosses the 200 ends the session by ACK and BYE", async () => {
  const wire = sipWire();
  const heard: string[] = [];
  let ringing: IncomingInvite | undefined;
  const { invite, told } = await pair(wire, (invite) => {
    invite.respond(180);
    ringing = invite;
  });
  const session = invite();
  await wire.clock.advance(100);
  session.end();
  if (ringing) accepting(heard)(ringing);
  await wire.clock.advance(50);
  assert.equal(told, []);
  assert.equal(heard, ["confirmed", "callee told end"]);
  assert.is(wire.count("10.0.0.2", "BYE"), 1);
});

test("an answer given after the CANCEL has no session: its end is told", async () => {
  const wire = sipWire();
  const heard: string[] = [];
  let ringing: IncomingInvite | undefined;
  const { invite } = await pair(wire, (invite) => {
    invite.respond(180);
    ringing = invite;
  });
  const session = invite();
  await wire.clock.advance(100);
  session.end();
  await wire.clock.advance(100);
  if (ringing) accepting(heard)(ringing);
  await wire.clock.advance(100);
  assert.equal(heard, ["callee told end"]);
  assert.is(wire.count("10.0.0.1", 200, "INVITE"), 0);
});

test("a callee that ends before the ACK waits for it with its BYE (RFC 3261 §15)", async () => {
  const wire = sipWire();
  const { told, invite } = await pair(
    wire,
    accepting([], (session) => session.end()),
  );
  invite();
  await wire.clock.advance(9);
  assert.is(wire.count("10.0.0.1", "BYE"), 0);
  await wire.clock.advance(20);
  assert.is(wire.count("10.0.0.1", "BYE"), 1);
  assert.equal(told, ["answer answer to offer", "end"]);
});

test("no answer at all is told as 408 after 64*T1, a refusal with its status", async () => {
  const wire = sipWire();
  const { invite, told } = await pair(wire, (invite) => invite.respond(486));
  invite();
  await wire.clock.advance(100);
  wire.network.kill("10.0.0.1");
  invite();
  await wire.clock.advance(32_100);
  assert.equal(told, ["refused 486", "refused 408"]);
});

test("a fork's second 200 is acknowledged and hung up; the first session stays", async () => {
  const wire = sipWire();
  const proxy = await wire.raw({ host: "10.0.0.9", port: 5060 }, caller);
  const { client, told } = await pair(wire, () => {});
  client.invite(
    {
      method: "INVITE",
      uri: "sip:group@10.0.0.9",
      from: "sip:alice@10.0.0.2",
      to: "sip:group@10.0.0.9",
      body: sdp("offer"),
    },
    { onAnswer: (response) => told.push(header(response, "to") ?? ""), onRefused() {}, onEnd: () => told.push("end") },
  );
  await wire.clock.advance(10);
  const [invite] = proxy.received;
  assert.ok(invite);
  const copied = ["via", "from", "call-id", "cseq"].map((name) => `${name}: ${header(invite, name)}`);
  for (const tag of ["one", "two", "two"]) {
    const answer = [
      "SIP/2.0 200 OK",
      ...copied,
      `to: <sip:group@10.0.0.9>;tag=${tag}`,
      `contact: <sip:${tag}@10.0.0.9:5060>`,
    ];
    await wire.clock.advance(0);
    const socket = await wire.raw({ host: "10.0.0.9", port: 0 }, caller);
    socket.send(`${answer.join("\r\n")}\r\n\r\n`);
    await wire.clock.advance(10);
  }
  const requests = proxy.received
    .filter((message) => message.kind === "request")
    .map(({ method, uri }) => `${method} ${uri}`);
  assert.equal(requests.slice(1), [
    "ACK sip:one@10.0.0.9:5060",
    "ACK sip:two@10.0.0.9:5060",
    "BYE sip:two@10.0.0.9:5060",
    "ACK sip:two@10.0.0.9:5060",
  ]);
  assert.equal(told, ["<sip:group@10.0.0.9>;tag=one"]);

  const from = header(invite, "from") ?? "";
  for (const [method, cseq] of [
    ["BYE", 1],
    ["OPTIONS", 2],
  ] as const) {
    const via = `Via: SIP/2.0/UDP 10.0.0.9:5060;rport;branch=z9hG4bK${method}`;
    const parties = `From: <sip:group@10.0.0.9>;tag=one\r\nTo: ${from}\r\nCall-ID: ${header(invite, "call-id")}`;
    proxy.send(`${method} sip:x SIP/2.0\r\n${via}\r\n${parties}\r\nCSeq: ${cseq} ${method}\r\n\r\n`);
    await wire.clock.advance(20);
  }
  assert.is(told.at(-1), "end");
  assert.equal(proxy.statuses(), [200, 481], "the dialog ends with its BYE");
});

test("inside a session: offers are answered or refused, out-of-order requests and strangers are refused", async () => {
  const wire = sipWire();
  await pair(wire, (invite) =>
    invite.accept(sdp("answer"), {
      onConfirmed() {},
      onEnd() {},
      onReoffer: (offer, reply) => reply(offer === "bad" ? 488 : sdp(`${offer} answered`)),
    }),
  );
  const peer = await wire.raw({ host: "10.0.0.9", port: 5060 });
  const contact = "Contact: <sip:peer@10.0.0.9:5060>";
  const offer = [contact, "Content-Type: application/sdp"];
  peer.send(requestText({ method: "INVITE", body: "offer", headers: offer }));
  await wire.clock.advance(20);
  const toTag = /tag=(\w+)/.exec(header(peer.received[0] ?? { headers: [] }, "to") ?? "")?.[1] ?? "";
  let branch = 1;
  const ask = async (method: string, cseq: number, more: Partial<Parameters<typeof requestText>[0]> = {}) => {
    branch += 1;
    peer.send(requestText({ method, cseq, toTag, branch: `z9hG4bK${branch}`, headers: offer, ...more }));
    await wire.clock.advance(20);
    return peer.statuses().at(-1);
  };
  assert.is(await ask("INVITE", 2, { body: "early" }), 491, "the first answer is not confirmed yet");
  await ask("ACK", 1);
  assert.is(await ask("INVITE", 3, { body: "more" }), 200);
  assert.is(text(peer.received.at(-1)?.body ?? new Uint8Array()), "more answered");
  await ask("ACK", 1);
  assert.is(await ask("UPDATE", 4, { body: "update" }), 491, "the re-INVITE is not confirmed yet");
  await ask("ACK", 3);
  assert.is(await ask("UPDATE", 5, { body: "update" }), 200);
  assert.is(await ask("UPDATE", 6), 200);
  assert.is(await ask("INVITE", 7, { body: "bad" }), 488);
  await ask("ACK", 7, { branch: `z9hG4bK${branch}` });
  assert.is(await ask("UPDATE", 8, { body: "isup", headers: [contact, "Content-Type: application/isup"] }), 415);
  assert.is(header(peer.received.at(-1) ?? { headers: [] }, "accept"), "application/sdp");
  assert.is(await ask("UPDATE", 9, { body: "offer", headers: [...offer, "Accept: text/plain"] }), 406);
  assert.is(await ask("OPTIONS", 10), 200);
  assert.is(await ask("INFO", 11), 200);
  assert.is(await ask("INFO", 12, { body: "Signal=1" }), 415);
  assert.is(await ask("INFO", 13, { headers: ["Info-Package: x"] }), 469);
  assert.is(await ask("OPTIONS", 12), 500, "CSeq 12 came before");
  assert.is(await ask("OPTIONS", 14, { fromTag: "other" }), 481);
  assert.is(await ask("OPTIONS", 14, { toTag: "other" }), 481);
  assert.is(await ask("BYE", 15), 200);
  assert.is(await ask("OPTIONS", 16), 481, "the dialog is gone");
});

test("a session with a peer behind address translation goes back the way it came, whatever its Contact says", async () => {
  const wire = sipWire();
  let answered: Session | undefined;
  await pair(
    wire,
    accepting([], (session) => {
      answered = session;
    }),
  );
  const peer = await wire.raw({ host: "10.0.0.9", port: 40_000 });
  const headersOfPeer = ["Contact: <sip:peer@192.168.1.7:5060>", "Content-Type: application/sdp"];
  peer.send(requestText({ method: "INVITE", host: "192.168.1.7", body: "offer", headers: headersOfPeer }));
  await wire.clock.advance(20);
  const [ok] = peer.received;
  assert.ok(ok);
  assert.match(headers(ok, "via")[0] ?? "", /;received=10\.0\.0\.9/);
  assert.match(headers(ok, "via")[0] ?? "", /;rport=40000/);
  const toTag = /tag=(\w+)/.exec(header(ok, "to") ?? "")?.[1] ?? "";
  peer.send(requestText({ method: "ACK", toTag, branch: "z9hG4bK2", host: "192.168.1.7" }));
  await wire.clock.advance(20);
  answered?.end();
  await wire.clock.advance(20);
  const bye = peer.received.at(-1);
  assert.ok(bye?.kind === "request");
  assert.equal([bye.method, bye.uri], ["BYE", "sip:peer@192.168.1.7:5060"]);
});

test.run();
