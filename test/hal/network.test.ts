import { connect, type SecureVersion } from "node:tls";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { nodeNetwork } from "../../hal/network/node.ts";
import type { Address, TlsIdentity } from "../../hal/network/port.ts";
import { type PathConditions, simulatedNetwork } from "../../hal/network/simulated.ts";
import { simulatedIdentity } from "../../hal/network/simulated-tls.ts";
import { seededRandom } from "../../hal/random/seeded.ts";
import { openAuthority } from "../support/certificates.ts";
import { ipv6Lacking } from "../support/ipv6.ts";
import { lacking, skip } from "../support/skip.ts";
import { realBench, settled, virtualBench } from "./bench.ts";
import { networkContract, tlsContract } from "./network.contract.ts";
import { streamsContract } from "./streams.contract.ts";

const simulated = () => {
  const bench = virtualBench();
  return { ...bench, network: simulatedNetwork({ clock: bench.clock }).host("10.0.0.1"), host: "10.0.0.1" };
};
const node = (host: string) => () => ({ ...realBench(), network: nodeNetwork(), host });

networkContract("simulated", simulated);
streamsContract("simulated", simulated);
tlsContract("simulated", simulated, {
  identity: simulatedIdentity("10.0.0.1"),
  authorities: simulatedIdentity("10.0.0.1").certificate,
  others: simulatedIdentity("10.0.0.9").certificate,
});

networkContract("simulated, IPv6,", () => {
  const bench = virtualBench();
  return { ...bench, network: simulatedNetwork({ clock: bench.clock }).host("fd00::1"), host: "fd00::1" };
});

networkContract("node", node("127.0.0.1"));
streamsContract("node", node("127.0.0.1"));
const noIpv6 = await ipv6Lacking();
if (noIpv6 === undefined) networkContract("node, IPv6,", node("::1"));
else skip("node network, IPv6", noIpv6);

const noOpenssl = lacking("openssl");
if (noOpenssl === undefined) {
  const [authority, other] = [openAuthority(), openAuthority("Another Authority")];
  const certificates = { authorities: authority.certificate, others: other.certificate };
  tlsContract("node", node("127.0.0.1"), { ...certificates, identity: authority.issue("127.0.0.1") });
  if (noIpv6 === undefined)
    tlsContract("node, IPv6,", node("::1"), { ...certificates, identity: authority.issue("::1") });
  oldVersions(authority.issue("127.0.0.1"), authority.certificate);
  authority.close();
  other.close();
} else skip("node network, TLS", noOpenssl);

function oldVersions(identity: TlsIdentity, ca: string): void {
  test("node network, TLS: versions before 1.2 are refused, 1.2 and 1.3 are spoken", async () => {
    const listener = await nodeNetwork().listenTls({ host: "127.0.0.1", port: 0 }, identity, () => {});
    const spoken = (version: SecureVersion) =>
      new Promise<string | null>((resolve) => {
        const limits = { minVersion: version, maxVersion: version, ciphers: "DEFAULT:@SECLEVEL=0" };
        const socket = connect({ ...listener.local, ...limits, ca }, () => {
          resolve(socket.getProtocol());
          socket.destroy();
        });
        socket.on("error", () => resolve("refused"));
      });
    const versions = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;
    assert.equal(await Promise.all(versions.map(spoken)), ["refused", "refused", "TLSv1.2", "TLSv1.3"]);
    await listener.close();
  });
}

const port = 5060;
const letter = (index: number): Uint8Array => Uint8Array.of(index);

async function twoMachines(options: Partial<PathConditions> = {}) {
  const bench = virtualBench();
  const net = simulatedNetwork({ clock: bench.clock, random: seededRandom(7), tcpTimeoutMs: 10_000, ...options });
  const heard: { readonly value: number; readonly at: number }[] = [];
  await net.host("10.0.0.2").udp({ host: "0.0.0.0", port }, (data) => {
    heard.push({ value: data[0] ?? -1, at: bench.clock.now() });
  });
  const socket = await net.host("10.0.0.1").udp({ host: "10.0.0.1", port }, () => {});
  const send = (index: number): void => socket.send(letter(index), { host: "10.0.0.2", port });
  return { bench, net, heard, send };
}

test("datagrams take the path's delay, and loss takes its share of them", async () => {
  const { bench, heard, send, net } = await twoMachines({ latencyMs: 30 });
  const start = bench.clock.now();
  send(1);
  await bench.pass(29);
  assert.is(heard.length, 0);
  await bench.pass(1);
  assert.equal(heard, [{ value: 1, at: start + 30 }]);

  net.setLoss(0.2);
  for (let index = 0; index < 1_000; index++) send(2);
  await bench.pass(30);
  assert.ok(heard.length > 750 && heard.length < 850, `${heard.length - 1} of 1000 arrived`);
});

test("jitter spreads datagrams, and one seed spreads them in one way", async () => {
  const runs = await Promise.all(
    [1, 2].map(async () => {
      const { bench, heard, send } = await twoMachines({ latencyMs: 20, jitterMs: 15, duplicate: 0.1 });
      for (let index = 0; index < 200; index++) send(index);
      await bench.pass(50);
      return heard;
    }),
  );
  const [first, second] = runs;
  assert.equal(first, second);
  assert.ok((first?.length ?? 0) > 205, "some came twice");
  assert.ok(
    first?.some(({ value }, index) => value < (first[index - 1]?.value ?? 0)),
    "some overtook others",
  );
});

test("losses come in runs where a path has them so, and are no more for it", async () => {
  const { bench, net, send } = await twoMachines({ loss: 0.05, lossRun: 3 });
  const fates: boolean[] = [];
  net.onDatagram(({ lost }) => fates.push(lost));
  for (let index = 0; index < 40_000; index++) send(1);
  await bench.pass(1);
  const lost = fates.filter((fate) => fate).length;
  const runs = fates.filter((fate, index) => fate && !fates[index - 1]).length;
  assert.ok(lost > 1_700 && lost < 2_300, `${lost} of 40,000 lost`);
  assert.ok(lost / runs > 2.6 && lost / runs < 3.4, `${lost / runs} in a row`);
});

test("a share of the datagrams is overtaken by those behind", async () => {
  const { bench, heard, send } = await twoMachines({ latencyMs: 5, reorder: 0.1, reorderMs: 30 });
  for (let index = 0; index < 200; index++) {
    send(index);
    await bench.pass(20);
  }
  await bench.pass(50);
  assert.is(heard.length, 200);
  const late = heard.filter(({ value }, index) => value < Math.max(...heard.slice(0, index).map((one) => one.value)));
  assert.ok(late.length > 8 && late.length < 40, `${late.length} were overtaken`);
});

test("a path that stalls delivers at once, in order, what was sent meanwhile, and goes on as before", async () => {
  const { bench, net, heard, send } = await twoMachines({ latencyMs: 5 });
  const start = bench.clock.now();
  net.stall("10.0.0.2", "10.0.0.1", 300);
  for (let index = 0; index < 20; index++) {
    send(index);
    await bench.pass(20);
  }
  await bench.pass(10);
  assert.equal(
    heard.map(({ value }) => value),
    Array.from({ length: 20 }, (_, index) => index),
  );
  assert.equal(
    heard.map(({ at }) => at - start),
    heard.map(({ value }) => Math.max(300, value * 20) + 5),
  );
});

test("a partition swallows datagrams and holds streams; healing lets the streams go on", async () => {
  const { bench, net, heard, send } = await twoMachines({ latencyMs: 5 });
  const stream: number[] = [];
  await net.host("10.0.0.2").listen({ host: "10.0.0.2", port }, (connection) => {
    connection.onData = (data) => stream.push(...data);
  });
  const client = await settled(bench, net.host("10.0.0.1").connect({ host: "10.0.0.2", port }));
  net.partition("10.0.0.1", "10.0.0.2");
  send(1);
  client.send(letter(1));
  await bench.pass(5_000);
  client.send(letter(2));
  assert.equal([heard.length, stream.length], [0, 0]);
  net.heal();
  send(3);
  await bench.pass(10);
  assert.equal([heard.map(({ value }) => value), stream], [[3], [1, 2]]);
  assert.is(bench.clock.pending(), 0, "the time-out was called off");
});

test("a machine that vanishes says nothing; who talks to it over TCP gives up, and its successor resets", async () => {
  const { bench, net, heard, send } = await twoMachines({ latencyMs: 5 });
  const ends: string[] = [];
  const dial = async () => {
    const client = await settled(bench, net.host("10.0.0.1").connect({ host: "10.0.0.2", port }));
    client.onClose = (error) =>
      ends.push(`${error?.message.match(/E[A-Z]+/)?.[0]} after ${bench.clock.now() - killed}`);
    return client;
  };
  let killed = 0;
  await net.host("10.0.0.2").listen({ host: "10.0.0.2", port }, () => {});
  const [silent, reset] = [await dial(), await dial()];
  net.kill("10.0.0.2");
  killed = bench.clock.now();
  send(1);
  silent.send(letter(1));
  await bench.pass(20_000);
  assert.equal([heard, ends], [[], ["ETIMEDOUT after 10005"]]);
  net.host("10.0.0.2");
  reset.send(letter(1));
  await bench.pass(10);
  assert.is(ends[1], "ECONNRESET after 20005");
});

test("a connection that one side gave up in a partition is reset when the other side speaks after it", async () => {
  const { bench, net } = await twoMachines({ latencyMs: 5 });
  const ends: (string | undefined)[] = [];
  const ended = (error?: Error) => ends.push(error?.message.match(/E[A-Z]+/)?.[0]);
  await net.host("10.0.0.2").listen({ host: "10.0.0.2", port }, (connection) => {
    connection.onClose = ended;
    bench.clock.after(100, () => connection.send(letter(1)));
  });
  const client = await settled(bench, net.host("10.0.0.1").connect({ host: "10.0.0.2", port }));
  client.onClose = ended;
  net.partition("10.0.0.1", "10.0.0.2");
  await bench.pass(20_000);
  net.heal();
  await bench.pass(1_000);
  assert.equal(ends, ["ETIMEDOUT"]);
  client.send(letter(2));
  await bench.pass(10);
  assert.equal(ends, ["ETIMEDOUT", "ECONNRESET"]);
});

test("a forged datagram arrives from where it says that it is from, and is shown to nobody else", async () => {
  const { bench, net } = await twoMachines({ latencyMs: 5 });
  const from: Address[] = [];
  let shown = 0;
  net.onDatagram(() => void shown++);
  await net.host("10.0.0.3").udp({ host: "10.0.0.3", port }, (_data, source) => from.push(source));
  const claimed = { host: "10.0.0.1", port };
  net.forge(claimed, { host: "10.0.0.3", port }, letter(1));
  net.forge(claimed, { host: "10.0.0.3", port: 9 }, letter(2));
  net.forge(claimed, { host: "10.0.0.4", port }, letter(3));
  await bench.pass(5);
  assert.equal(from, [claimed]);
  assert.is(shown, 0);
});

test("loopback stays inside its machine, and two machines may use the same ports on it", async () => {
  const bench = virtualBench();
  const net = simulatedNetwork({ clock: bench.clock, latencyMs: 50, loss: 1 });
  const seen: string[] = [];
  const home = { host: "127.0.0.1", port };
  for (const name of ["10.0.0.1", "10.0.0.2"]) {
    await net.host(name).udp(home, (data, from) => seen.push(`${name} hears ${data[0]} from ${from.host}`));
  }
  const local = await net.host("10.0.0.1").udp({ host: "0.0.0.0", port: 0 }, () => {});
  const tap: boolean[] = [];
  net.onDatagram(({ lost }) => tap.push(lost));
  local.send(letter(1), home);
  local.send(letter(2), { host: "10.0.0.2", port });
  await bench.pass(100);
  assert.equal(seen, ["10.0.0.1 hears 1 from 127.0.0.1"]);
  assert.equal(tap, [false, true]);
});

test.run();
