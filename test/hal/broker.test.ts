import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { embeddedBroker } from "../../hal/broker/embedded.ts";
import { mqttBroker } from "../../hal/broker/mqtt.ts";
import { simulatedBroker } from "../../hal/broker/simulated.ts";
import { DeviceError } from "../../hal/error.ts";
import { skip } from "../support/skip.ts";
import { realBench, until, virtualBench } from "./bench.ts";
import { type BrokerBench, brokerContract } from "./broker.contract.ts";

brokerContract("simulated", async () => {
  const bench = virtualBench();
  const realm = simulatedBroker({ clock: bench.clock, latencyMs: 5, keepAliveMs: 1_000 });
  let cut: string[] = [];
  return {
    ...bench,
    broker: realm.broker(),
    sever() {
      cut = realm.clients();
      cut.forEach(realm.cut);
    },
    restore: () => cut.forEach(realm.mend),
    close: async () => {},
  };
});

brokerContract("embedded", async () => {
  const embedded = await embeddedBroker({ host: "127.0.0.1", port: 0 });
  return behindProxy(embedded.port, () => embedded.close());
});

const mosquitto = "/usr/sbin/mosquitto";
if (existsSync(mosquitto)) {
  brokerContract("mosquitto", async () => {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), "roger-mosquitto-"));
    const settings = join(folder, "mosquitto.conf");
    writeFileSync(settings, "allow_anonymous true\npersistence false\n");
    const daemon = spawn(mosquitto, ["-p", String(port), "-c", settings], { stdio: "ignore" });
    return behindProxy(port, async () => {
      await ended(daemon);
      rmSync(folder, { recursive: true });
    });
  });
} else {
  skip("the broker contract over mosquitto", `${mosquitto} not installed`);
}

/** The driver under test, with a wire to the broker that can be cut. */
async function behindProxy(port: number, stop: () => Promise<void>): Promise<BrokerBench> {
  const wires = new Set<Socket>();
  const links: { close(): Promise<void> }[] = [];
  let whole = true;
  const proxy = createServer((near) => {
    if (!whole) return void near.destroy();
    const far = connect({ host: "127.0.0.1", port, noDelay: true });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      wires.add(from);
      from.on("data", (data) => to.write(data));
      from.on("error", () => {});
      from.on("close", () => to.destroy());
    }
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  const driver = mqttBroker({ url: `mqtt://127.0.0.1:${address.port}`, reconnectMs: 20 });

  return {
    ...realBench(),
    broker: {
      open(options) {
        const link = driver.open(options);
        links.push(link);
        return link;
      },
    },
    sever() {
      whole = false;
      for (const wire of wires) wire.destroy();
    },
    restore: () => {
      whole = true;
    },
    async close() {
      await Promise.all(links.map((link) => link.close()));
      proxy.close();
      for (const wire of wires) wire.destroy();
      await stop();
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  return address !== null && typeof address === "object" ? address.port : 0;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill();
  await once(child, "exit");
}

const none = { clientId: "x", will: { topic: "w", payload: new Uint8Array() }, onMessage() {} };

test("the embedded broker wants the user name and password that it was given", async () => {
  const broker = await embeddedBroker({ host: "127.0.0.1", port: 0, username: "north", password: "secret" });
  const bench = realBench();
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const faults: string[] = [];
  const log = { warn: (fields: object) => void faults.push(JSON.stringify(fields)) };
  const bad = mqttBroker({ url, username: "north", password: "guess", reconnectMs: 10, log }).open({
    ...none,
    onLink() {},
  });
  const good = mqttBroker({ url, username: "north", password: "secret" }).open({ ...none, clientId: "y", onLink() {} });
  await until(bench, "the good one", () => good.up() && faults.length > 0);
  await bench.pass(60);
  assert.not(bad.up());
  assert.is(faults.length, 1, "one reason is told once, however often it recurs");
  assert.not.match(faults.join(), "guess");
  await bad.close();
  await good.close();
  await broker.close();
});

test("a taken port is refused by name", async () => {
  const broker = await embeddedBroker({ host: "127.0.0.1", port: 0 });
  try {
    await embeddedBroker({ host: "127.0.0.1", port: broker.port });
    assert.unreachable();
  } catch (error) {
    assert.ok(error instanceof DeviceError && error.code === "EADDRINUSE", String(error));
  }
  await broker.close();
});

test("bad clients lose their connection, and the embedded broker goes on", async () => {
  const broker = await embeddedBroker({ host: "127.0.0.1", port: 0 });
  const bench = realBench();
  const connectPacket = Buffer.from([0x10, 13, 0, 4, 77, 81, 84, 84, 4, 2, 0, 0, 0, 1, 97]);
  const attacks = [
    Buffer.from("GET / HTTP/1.1\r\n\r\n"),
    Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0x7f]),
    Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]),
    Buffer.concat([connectPacket, Buffer.from([0x30, 0x80, 0x80, 0x80, 0x01])]),
    Buffer.concat([connectPacket, Buffer.from([0x82, 2, 0, 1])]),
  ];
  for (const attack of attacks) {
    const socket = connect({ host: "127.0.0.1", port: broker.port });
    let closed = false;
    socket.on("error", () => {});
    socket.on("close", () => {
      closed = true;
    });
    socket.on("data", () => {});
    socket.write(attack);
    await until(bench, `the connection that sent ${attack.toString("hex")} is closed`, () => closed);
  }
  const link = mqttBroker({ url: `mqtt://127.0.0.1:${broker.port}` }).open({ ...none, onLink() {} });
  await until(bench, "a good client", () => link.up());
  await link.close();
  await broker.close();
});

test("a simulated client that is cut off is gone for others after 1.5 keep-alives, and what waited on a short cut arrives", async () => {
  const { clock } = virtualBench();
  const realm = simulatedBroker({ clock, keepAliveMs: 2_000, reconnectMs: 100 });
  const heard: string[] = [];
  const open = (clientId: string) =>
    realm.broker().open({
      clientId,
      will: { topic: `will/${clientId}`, payload: Buffer.from("gone") },
      onMessage: (topic, payload) => heard.push(`${topic} ${Buffer.from(payload)}`),
      onLink: (up) => heard.push(`${clientId} ${up ? "up" : "down"}`),
    });
  const [north, south] = [open("north"), open("south")];
  south.subscribe("#");
  await clock.advance(0);
  heard.length = 0;
  realm.cut("north");
  north.publish("a", Buffer.from("held"), { qos: 0, retain: false });
  await clock.advance(2_900);
  realm.mend("north");
  await clock.advance(0);
  assert.equal(heard, ["a held"]);
  realm.cut("north");
  await clock.advance(2_999);
  assert.equal(heard, ["a held"]);
  await clock.advance(1);
  assert.equal(heard.slice(1).toSorted(), ["north down", "will/north gone"]);
  realm.stop();
  realm.mend("north");
  await clock.advance(1_000);
  assert.equal([realm.retained(), realm.clients()], [[], []]);
  realm.start();
  await clock.advance(100);
  assert.equal(realm.clients(), ["north", "south"]);
});

test.run();
