import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Incoming } from "../../../firmware/sip/endpoint.ts";
import type { Address, TcpConnection } from "../../../hal/network/port.ts";
import { refusing, requestText, serverAddress, sipWire } from "../../support/sip-wire.ts";

const peerAddress = { host: "10.0.0.9", port: 5060 };
const bytes = (text: string) => new TextEncoder().encode(text);

/** An endpoint that registers whoever asks, and what connects to it. */
async function open(onRequest: (incoming: Incoming) => void = (incoming) => incoming.respond(200)) {
  const wire = sipWire();
  const endpoint = await wire.endpoint(serverAddress, { ...refusing, onRequest });
  let branches = 0;

  /** One connection from `host`, and what came of it. */
  async function connect(host: string = peerAddress.host) {
    let connection: TcpConnection | undefined;
    const peer = {
      got: "",
      closed: false,
      send: (text: string) => connection?.send(bytes(text)),
      /** Sends it, and lets it take effect. */
      async say(text: string): Promise<void> {
        peer.send(text);
        await wire.clock.advance(10);
      },
      async ask(method: string): Promise<void> {
        branches += 1;
        await peer.say(requestText({ method, host, branch: `z9hG4bK-${branches}`, callId: `c${branches}` }));
      },
    };
    const connecting = wire.network.host(host).connect(serverAddress);
    void connecting.then((opened) => {
      connection = opened;
      opened.onData = (data) => {
        peer.got += new TextDecoder().decode(data);
      };
      opened.onClose = () => {
        peer.closed = true;
      };
    });
    await wire.clock.advance(10);
    await connecting;
    return peer;
  }

  /** Many at once from one host. */
  async function connectAll(host: string, count: number) {
    const peers = [];
    for (let i = 0; i < count; i++) peers.push(await connect(host));
    return peers;
  }

  return { wire, endpoint, connect, connectAll };
}

const alive = (peers: readonly { readonly closed: boolean }[]) => peers.filter(({ closed }) => !closed).length;
const strangerAt = (which: number) => `10.0.1.${which}`;

test("a ping is answered, requests in pieces are read, and the answer comes back on the same connection", async () => {
  const { connect } = await open();
  const peer = await connect();
  await peer.say("\r\n\r\n");
  assert.is(peer.got, "\r\n");
  const text = requestText({ method: "OPTIONS" });
  await peer.say(text.slice(0, 50));
  await peer.say(`${text.slice(50)}${requestText({ method: "OPTIONS", branch: "z9hG4bK2" })}`);
  assert.is(peer.got.match(/SIP\/2\.0 200 OK/g)?.length, 2);
  await peer.say("OPTIONS sip:x SIP/2.0\r\nContent-Length: abc\r\n\r\n");
  assert.ok(peer.closed, "nobody knows where the next message starts");
});

test("a connection that has been silent for 15 minutes is closed, one that is used stays", async () => {
  const { wire, connect } = await open();
  const silent = await connect();
  const used = await connect();
  for (const peer of [silent, used]) await peer.ask("OPTIONS");
  wire.clock.every(600_000, () => used.send("\r\n\r\n"));
  await wire.clock.advance(898_000);
  assert.equal([silent.closed, used.closed], [false, false]);
  await wire.clock.advance(400_000);
  assert.equal([silent.closed, used.closed], [true, false]);
});

test("a stranger has 30 s for its first message, however often it sends a byte of it", async () => {
  const { wire, connect } = await open();
  const [mute, slow, quick] = [await connect(), await connect(), await connect()];
  await quick.ask("OPTIONS");
  const text = requestText({ method: "OPTIONS" });
  for (let at = 0; at < 60; at++) {
    await slow.say(text.slice(at, at + 1));
    await wire.clock.advance(600);
  }
  assert.equal([mute.closed, slow.closed, quick.closed], [true, true, false]);
});

test("a host has 16 connections that nobody knows: for one more the oldest of them goes, and no other host's", async () => {
  const { endpoint, connect, connectAll } = await open();
  const other = await connect("10.0.2.1");
  const known = await connect(strangerAt(1));
  await known.ask("REGISTER");
  const strangers = await connectAll(strangerAt(1), 40);
  assert.equal(
    strangers.map(({ closed }) => closed),
    [...Array(24).fill(true), ...Array(16).fill(false)],
  );
  assert.equal([known.closed, other.closed], [false, false]);
  assert.is(endpoint.dropped["tooManyConnections"], 24);
});

test("strangers on many hosts cannot keep anybody out, nor throw out who is known: the most crowded host makes room", async () => {
  const { connect, connectAll } = await open();
  const known = await connect("10.0.2.1");
  await known.ask("REGISTER");
  const small = await connectAll("10.0.2.2", 2);
  const crowds = [];
  for (let which = 1; which <= 20; which++) crowds.push(...(await connectAll(strangerAt(which), 16)));
  assert.is(alive(crowds), 253);
  assert.equal([known.closed, alive(small)], [false, 2]);
  const late = await connect("10.0.2.3");
  await late.ask("REGISTER");
  await connectAll(strangerAt(21), 16);
  assert.match(late.got, /^SIP\/2\.0 200/);
  assert.equal([known.closed, late.closed, alive(small)], [false, false, 2]);
});

test("what everybody gets makes nobody known: an answer to OPTIONS or CANCEL, a challenge, a refusal", async () => {
  for (const [method, answer, knows] of [
    ["OPTIONS", 200, false],
    ["CANCEL", 481, false],
    ["REGISTER", 401, false],
    ["MESSAGE", 405, false],
    ["MESSAGE", 202, true],
  ] as const) {
    const { connect, connectAll } = await open((incoming) => incoming.respond(answer));
    const peer = await connect();
    await peer.ask(method);
    assert.match(peer.got, new RegExp(`^SIP/2.0 ${answer}`));
    await connectAll(peerAddress.host, 16);
    assert.is(peer.closed, !knows, `${method} ${answer}`);
  }
});

test("a host has 128 connections, and all together 256, of those that are known: one more is refused", async () => {
  const { endpoint, connect } = await open();
  const registered = async (host: string, count: number) => {
    for (let i = 0; i < count; i++) {
      const peer = await connect(host);
      await peer.ask("REGISTER");
      assert.not(peer.closed);
    }
  };
  await registered("10.0.2.1", 128);
  assert.ok((await connect("10.0.2.1")).closed);
  await registered("10.0.2.2", 128);
  assert.ok((await connect("10.0.2.3")).closed);
  assert.is(endpoint.dropped["tooManyConnections"], 2);
});

test("a connection that this side dialled makes room for nobody, and finds room among strangers", async () => {
  const { wire, endpoint, connectAll } = await open();
  const served: string[] = [];
  const peer = await wire.endpoint(peerAddress, {
    ...refusing,
    onRequest(incoming) {
      served.push(incoming.flow.transport);
      incoming.respond(200);
    },
  });
  for (let which = 1; which <= 16; which++) await connectAll(strangerAt(which), 16);
  const parties = { uri: "sip:b@10.0.0.9", from: "sip:a@10.0.0.1", to: "sip:b@10.0.0.9" };
  const via = { transport: "tcp", remote: peer.local } as const;
  const statuses: number[] = [];
  const ask = () => endpoint.request({ method: "MESSAGE", ...parties, via }, ({ status }) => statuses.push(status));
  ask();
  await wire.clock.advance(100);
  await connectAll(strangerAt(17), 16);
  ask();
  await wire.clock.advance(100);
  assert.equal(
    [statuses, served],
    [
      [200, 200],
      ["tcp", "tcp"],
    ],
  );
  assert.is(endpoint.dropped["tooManyConnections"], 17);
});

test("a large request goes by TCP only to a peer that was reached by TCP", async () => {
  const flows: string[] = [];
  const { wire } = await open((incoming) => {
    flows.push(incoming.flow.transport);
    incoming.respond(200);
  });
  const client = await wire.endpoint(peerAddress);
  const send = async (transport: "udp" | "tcp", length: number) => {
    const content = "x".repeat(length);
    const via: { readonly transport: "udp" | "tcp"; readonly remote: Address } = { transport, remote: serverAddress };
    const parties = { uri: "sip:b@10.0.0.1", from: "sip:a@10.0.0.9", to: "sip:b@10.0.0.1" };
    client.request({ method: "MESSAGE", ...parties, via, body: { type: "text/plain", content } }, () => {});
    await wire.clock.advance(100);
  };
  await send("udp", 2_000);
  await send("tcp", 10);
  await send("udp", 2_000);
  await send("udp", 10);
  assert.equal(flows, ["udp", "tcp", "tcp", "udp"]);
});

test.run();
