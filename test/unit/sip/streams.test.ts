import { test } from "uvu";
import * as assert from "uvu/assert";
import type { EndpointOptions, Flow, Incoming, Notifier, Session } from "../../../firmware/sip/endpoint.ts";
import { header } from "../../../firmware/sip/message.ts";
import type { TcpConnection } from "../../../hal/network/port.ts";
import { simulatedIdentity } from "../../../hal/network/simulated-tls.ts";
import { refusing, requestText, serverAddress, sipWire } from "../../support/sip-wire.ts";
import { type StreamPeer, streamPeer } from "../../support/stream-peer.ts";

const phone = { host: "10.0.0.9", port: 5060 };
const secure = { host: serverAddress.host, port: 5061 };
const identity = simulatedIdentity(serverAddress.host, "example.org");
const trusting = { identity: simulatedIdentity(phone.host), authorities: identity.certificate, port: 5061 };
const kinds = ["tcp", "tls"] as const;
type Kind = (typeof kinds)[number];

/** A server that speaks everything. */
async function open(onRequest: (incoming: Incoming) => void = refusing.onRequest) {
  const wire = sipWire();
  const closed: Flow[] = [];
  const notifiers: Notifier[] = [];
  const story: string[] = [];
  const server = await wire.endpoint(
    serverAddress,
    {
      ...refusing,
      onRequest,
      onSubscribe(subscribe) {
        const notifier = subscribe.accept(600, {
          onRefresh: () => notifier.notify({ type: "text/plain", content: "refreshed" }),
          onEnd: () => void story.push("subscription over"),
        });
        notifiers.push(notifier);
        notifier.notify(undefined);
      },
      onClosed: (flow) => void closed.push(flow),
    },
    { tls: { port: 5061, identity, authorities: trusting.identity.certificate } },
  );
  const { clock, network } = wire;

  async function peer(kind: Kind, host = phone.host): Promise<StreamPeer> {
    const machine = network.host(host);
    const connecting: Promise<TcpConnection> =
      kind === "tcp"
        ? machine.connect(serverAddress)
        : machine.connectTls(secure, { authorities: identity.certificate, name: secure.host });
    const made = connecting.then(streamPeer);
    await clock.advance(30);
    return made;
  }

  const client = (options: Partial<EndpointOptions> = {}) =>
    wire.endpoint(phone, refusing, { tls: trusting, ...options });
  return { wire, clock, network, server, closed, notifiers, story, peer, client };
}

/** A request as a peer on a connection writes it. */
const over = (kind: Kind, parts: Parameters<typeof requestText>[0]): string =>
  requestText(parts).replace("SIP/2.0/UDP", `SIP/2.0/${kind.toUpperCase()}`);

for (const kind of kinds) {
  test(`over ${kind} a request is answered on its own connection, and a double line break by a single one`, async () => {
    const { clock, peer } = await open();
    const [one, other] = [await peer(kind), await peer(kind)];
    one.send(over(kind, { method: "OPTIONS" }));
    await clock.advance(20);
    assert.equal([one.statuses(), other.statuses()], [[200], []]);
    assert.match(header(one.received[0] ?? { headers: [] }, "via") ?? "", `SIP/2.0/${kind.toUpperCase()} `);
    one.send("\r\n\r\n");
    await clock.advance(20);
    assert.equal([one.pongs(), other.pongs()], [1, 0]);
    one.send("\r\n");
    await clock.advance(20);
    assert.is(one.pongs(), 1, "a pong is not answered");
  });

  test(`what the server asks over ${kind} goes back over the connection that the terminal opened`, async () => {
    let flow: Flow | undefined;
    const { clock, server, peer } = await open((incoming) => {
      flow = incoming.flow;
      incoming.respond(200);
    });
    const terminal = await peer(kind);
    await peer(kind);
    terminal.send(over(kind, { method: "REGISTER" }));
    await clock.advance(20);
    assert.is(flow?.transport, kind);
    const told: number[] = [];
    const parties = { uri: "sip:a@10.0.0.9:1", from: "sip:ops@10.0.0.1", to: "sip:a@10.0.0.9" };
    if (flow) server.request({ method: "OPTIONS", ...parties, via: flow }, ({ status }) => told.push(status));
    await clock.advance(20);
    const asked = terminal.received.at(-1);
    const port = kind === "tls" ? 5061 : 5060;
    assert.match(header(asked ?? { headers: [] }, "via") ?? "", `SIP/2.0/${kind.toUpperCase()} 10.0.0.1:${port};`);
    assert.is(header(asked ?? { headers: [] }, "contact"), `<sip:ops@10.0.0.1:${port};transport=${kind}>`);
    terminal.answer("OPTIONS", 200);
    await clock.advance(20);
    assert.equal(told, [200]);
  });

  test(`what is asked over ${kind} is said once, however long the answer takes`, async () => {
    let flow: Flow | undefined;
    const { clock, server, peer } = await open((incoming) => {
      flow = incoming.flow;
      incoming.respond(200);
    });
    const terminal = await peer(kind);
    terminal.send(over(kind, { method: "REGISTER" }));
    await clock.advance(20);
    const parties = { uri: "sip:a@10.0.0.9:1", from: "sip:ops@10.0.0.1", to: "sip:a@10.0.0.9" };
    for (const method of ["OPTIONS", "INVITE"]) if (flow) server.request({ method, ...parties, via: flow }, () => {});
    await clock.advance(20_000);
    assert.equal(
      terminal.received.flatMap((message) => (message.kind === "request" ? [message.method] : [])),
      ["OPTIONS", "INVITE"],
    );
  });

  test(`a ${kind} connection that is gone is told of, and never dialled: behind it may be somebody else`, async () => {
    let flow: Flow | undefined;
    const { clock, network, server, peer, closed } = await open((incoming) => {
      flow = incoming.flow;
      incoming.respond(200);
    });
    const terminal = await peer(kind);
    terminal.send(over(kind, { method: "REGISTER" }));
    await clock.advance(20);
    terminal.close();
    await clock.advance(20);
    assert.equal(closed, [flow]);
    let dialled = 0;
    const { remote } = flow ?? { remote: phone };
    await network.host(phone.host).listen(remote, () => void dialled++);
    const told: number[] = [];
    const parties = { uri: "sip:a@10.0.0.9", from: "sip:ops@10.0.0.1", to: "sip:a@10.0.0.9" };
    if (flow) server.request({ method: "OPTIONS", ...parties, via: flow }, ({ status }) => told.push(status));
    await clock.advance(100);
    assert.equal([told, dialled], [[503], 0]);
  });

  test(`over ${kind} a subscription outlives its connection: the watcher is told anew when it refreshes by another`, async () => {
    const { clock, peer, notifiers, story } = await open();
    const before = await peer(kind);
    const subscribe = { method: "SUBSCRIBE", headers: ["Event: x", "Contact: <sip:a@10.0.0.9>"] };
    before.send(over(kind, subscribe));
    await clock.advance(20);
    before.answer("NOTIFY", 200);
    await clock.advance(20);
    const [answer] = before.received;
    before.close();
    await clock.advance(20);
    notifiers[0]?.notify({ type: "text/plain", content: "missed" });
    await clock.advance(100_000);
    assert.equal(story, []);
    const after = await peer(kind);
    const toTag = /tag=(\w+)/.exec(header(answer ?? { headers: [] }, "to") ?? "")?.[1] ?? "";
    after.send(over(kind, { ...subscribe, toTag, cseq: 2, branch: "z9hG4bK2" }));
    await clock.advance(20);
    const told = after.received.at(-1);
    assert.is(told?.kind === "request" && new TextDecoder().decode(told.body), "refreshed");
    after.answer("NOTIFY", 200);
    await clock.advance(20);
    after.close();
    await clock.advance(601_000);
    assert.equal(story, ["subscription over"], "nor does it last for ever");
  });

  test(`a session whose terminal has come back over another ${kind} connection says good-bye there`, async () => {
    const wire = sipWire();
    let session: Session | undefined;
    const flows: Flow[] = [];
    const server = await wire.endpoint(
      serverAddress,
      {
        ...refusing,
        onRequest(incoming) {
          flows.push(incoming.flow);
          incoming.respond(200);
        },
      },
      { tls: { port: 5061, identity } },
    );
    const terminal = async () => {
      const machine = wire.network.host(phone.host);
      const trust = { authorities: identity.certificate, name: secure.host };
      const made = (kind === "tcp" ? machine.connect(serverAddress) : machine.connectTls(secure, trust)).then(
        streamPeer,
      );
      await wire.clock.advance(30);
      const peer = await made;
      peer.send(over(kind, { method: "REGISTER", branch: `z9hG4bK${flows.length}` }));
      await wire.clock.advance(20);
      return peer;
    };
    const before = await terminal();
    const [flow] = flows;
    const parties = { uri: "sip:a@10.0.0.9", from: "sip:ops@10.0.0.1", to: "sip:a@10.0.0.9" };
    if (flow)
      session = server.invite(
        { method: "INVITE", ...parties, via: flow, body: { type: "application/sdp", content: "v=0" } },
        { onAnswer() {}, onRefused() {}, onEnd() {} },
      );
    await wire.clock.advance(20);
    const invite = before.received.at(-1);
    if (invite?.kind !== "request") throw new Error("no INVITE");
    const copied = ["via", "from", "call-id", "cseq"].map((name) => `${name}: ${header(invite, name)}`);
    const more = [`to: ${header(invite, "to")};tag=t`, "contact: <sip:a@10.0.0.9>", "content-length: 0", "", ""];
    before.send(["SIP/2.0 200 OK", ...copied, ...more].join("\r\n"));
    await wire.clock.advance(20);
    before.close();
    const after = await terminal();
    const back = flows.at(-1);
    if (back) session?.move(back);
    session?.end();
    await wire.clock.advance(20);
    const last = after.received.at(-1);
    assert.is(last?.kind === "request" && last.method, "BYE");
  });
}

test("a sips URI and transport=tls lead to port 5061 under TLS, and the Contact is of the same kind", async () => {
  const heard: string[] = [];
  const { clock, client } = await open((incoming) => {
    const { flow, request } = incoming;
    heard.push(`${flow.transport} ${header(request, "contact")}`);
    incoming.respond(200);
  });
  const endpoint = await client();
  assert.equal(endpoint.secure, { host: phone.host, port: 5061 });
  const parties = { from: "sip:a@10.0.0.9", to: "sip:b@10.0.0.1" };
  const told: number[] = [];
  for (const uri of [
    "sips:b@10.0.0.1",
    "sip:b@10.0.0.1;transport=tls",
    "sip:b@10.0.0.1;transport=tcp",
    "sip:b@10.0.0.1",
  ]) {
    endpoint.request({ method: "REGISTER", uri, ...parties }, ({ status }) => told.push(status));
    await clock.advance(100);
  }
  assert.equal(told, [200, 200, 200, 200]);
  assert.equal(heard, [
    "tls <sips:a@10.0.0.9:5061>",
    "tls <sip:a@10.0.0.9:5061;transport=tls>",
    "tcp <sip:a@10.0.0.9:5060;transport=tcp>",
    "udp <sip:a@10.0.0.9:5060>",
  ]);
});

test("the answer to a sips URI names a sips Contact", async () => {
  const { clock, peer } = await open((incoming) => incoming.respond(200, { contact: true }));
  const terminal = await peer("tls");
  terminal.send(over("tls", { method: "MESSAGE" }).replace("MESSAGE sip:", "MESSAGE sips:"));
  terminal.send(over("tls", { method: "MESSAGE", branch: "z9hG4bK2" }));
  await clock.advance(20);
  assert.equal(
    terminal.received.map((message) => header(message, "contact")),
    ["<sips:group@10.0.0.1:5061>", "<sip:group@10.0.0.1:5061;transport=tls>"],
  );
});

test("in a dialog with a sips target the Contact stays a sips one", async () => {
  const { clock, peer } = await open();
  const terminal = await peer("tls");
  for (const scheme of ["sips", "sip"])
    terminal.send(
      over("tls", {
        method: "SUBSCRIBE",
        branch: `z9hG4bK${scheme}`,
        callId: scheme,
        headers: ["Event: x", `Contact: <${scheme}:a@10.0.0.9>`],
      }),
    );
  await clock.advance(20);
  assert.equal(
    terminal.received.map((message) => header(message, "contact")),
    [...Array(2).fill("<sips:group@10.0.0.1:5061>"), ...Array(2).fill("<sip:group@10.0.0.1:5061;transport=tls>")],
  );
});

test("requests to one peer share one TLS connection, and what the peer asks comes by it too", async () => {
  const flows: Flow[] = [];
  const { clock, server, client } = await open((incoming) => {
    flows.push(incoming.flow);
    incoming.respond(200);
  });
  const endpoint = await client();
  const out = { method: "MESSAGE", uri: "sips:b@10.0.0.1", from: "sip:a@10.0.0.9", to: "sip:b@10.0.0.1" };
  const told: number[] = [];
  for (let count = 0; count < 3; count++) endpoint.request(out, ({ status }) => told.push(status));
  await clock.advance(100);
  endpoint.request(out, ({ status }) => told.push(status));
  await clock.advance(100);
  assert.equal(told, [200, 200, 200, 200]);
  assert.is(new Set(flows.map(({ connection }) => connection)).size, 1);
  const [flow] = flows;
  const back = { method: "OPTIONS", uri: "sip:a@10.0.0.9", from: "sip:b@10.0.0.1", to: "sip:a@10.0.0.9" };
  if (flow) server.request({ ...back, via: flow }, ({ status }) => told.push(status));
  await clock.advance(100);
  assert.is(told.at(-1), 200);
});

test("a peer that is called over TLS must prove its address, or the name that is asked for, by an authority", async () => {
  const flows: Flow[] = [];
  const { wire, clock } = await open((incoming) => {
    flows.push(incoming.flow);
    incoming.respond(200);
  });
  const call = async (authorities: string, name?: string) => {
    const endpoint = await wire.endpoint({ ...phone, port: 0 }, refusing, {
      tls: { ...trusting, port: 0, authorities },
    });
    const via = { transport: "tls", remote: secure, ...(name !== undefined && { name }) } as const;
    const out = { method: "MESSAGE", uri: "sip:b@example.org", from: "sip:a@10.0.0.9", to: "sip:b@example.org", via };
    let told = 0;
    endpoint.request(out, ({ status }) => {
      told = status;
    });
    await clock.advance(100);
    const failures = endpoint.dropped["unreachable"] ?? 0;
    await endpoint.close();
    return [told, failures];
  };
  assert.equal(await call(identity.certificate), [200, 0]);
  assert.equal(await call(identity.certificate, "example.org"), [200, 0]);
  assert.equal(await call(identity.certificate, "elsewhere.org"), [503, 1]);
  assert.equal(await call(simulatedIdentity("other").certificate), [503, 1]);
  assert.is(flows.length, 2);
});

test("a connection to one name is not used for another at the same address", async () => {
  const flows: Flow[] = [];
  const { clock, client } = await open((incoming) => {
    flows.push(incoming.flow);
    incoming.respond(200);
  });
  const endpoint = await client();
  const told: number[] = [];
  for (const name of ["example.org", undefined, "elsewhere.org", "example.org"]) {
    const via = { transport: "tls", remote: secure, ...(name !== undefined && { name }) } as const;
    const parties = { uri: "sip:b@example.org", from: "sip:a@10.0.0.9", to: "sip:b@example.org" };
    endpoint.request({ method: "MESSAGE", ...parties, via }, ({ status }) => told.push(status));
    await clock.advance(100);
  }
  assert.equal(told, [200, 200, 503, 200]);
  assert.is(new Set(flows.map(({ connection }) => connection)).size, 2);
});

test("TLS has the limits of TCP: a stranger has 16 connections at most, and who never shakes hands is closed after 30 s", async () => {
  const { clock, network, server } = await open();
  const host = network.host("10.0.0.66");
  let closed = 0;
  for (let count = 0; count < 260; count++)
    host.connect(secure).then((connection) => {
      connection.onClose = () => {
        closed += 1;
      };
    });
  await clock.advance(100);
  assert.is(closed, 244);
  assert.is(server.dropped["tooManyConnections"], 244);
  await clock.advance(36_000);
  assert.is(closed, 260);
  host.connect(secure).then((connection) => connection.send(new TextEncoder().encode("no handshake")));
  await clock.advance(100);
  assert.is(server.dropped["failedConnections"], 1);
});

test("an endpoint whose TLS port is taken holds no other", async () => {
  const wire = sipWire();
  const holder = await wire.network.host(serverAddress.host).listen(secure, () => {});
  const tls = { port: 5061, identity };
  await wire.endpoint(serverAddress, refusing, { tls }).then(
    () => assert.unreachable("two listeners on one port"),
    (error: Error) => assert.match(error.message, /tls 10\.0\.0\.1:5061: another program holds this address/),
  );
  await holder.close();
  const endpoint = await wire.endpoint(serverAddress, refusing, { tls });
  await endpoint.close();
  assert.is(wire.clock.pending(), 0);
});

test.run();
