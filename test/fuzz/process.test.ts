/**
 * Bad input against two real gateways, each a process, on the sockets and the broker that face a network: what the simulated
 * one of gateway.test.ts leaves out. ROGER_FUZZ_SEED=n throws other dice, ROGER_FUZZ_COUNT=n sends so many of each kind.
 */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { silent } from "../../firmware/log.ts";
import { openEndpoint } from "../../firmware/sip/endpoint.ts";
import { mqttBroker } from "../../hal/broker/mqtt.ts";
import { monotonicClock } from "../../hal/clock/monotonic.ts";
import { nodeNetwork } from "../../hal/network/node.ts";
import type { Address } from "../../hal/network/port.ts";
import { cryptoRandom } from "../../hal/random/node.ts";
import type { Site } from "../../scripts/demonstration/site.ts";
import { twoSites } from "../interop/two-sites.ts";
import { ownAddress as host, ownNetwork } from "../support/own-network.ts";
import { openRealm, settleMs, speech } from "../support/realm.ts";
import { refusing } from "../support/sip-wire.ts";
import { skip } from "../support/skip.ts";
import { openAttack, type Way } from "./attack.ts";
import { openBrokenPhone } from "./broken-phone.ts";
import { type Dice, dice as diceOf } from "./dice.ts";
import { spoiledSession } from "./mqtt-bytes.ts";
import { openRecorder, type Publication, type Samples, type Shelf, shelf } from "./recorder.ts";

const seed = Number(process.env["ROGER_FUZZ_SEED"] ?? 24_380);
const ofEachKind = Number(process.env["ROGER_FUZZ_COUNT"] ?? 2_000);
/** Between two questions to each gateway: what is on its way fits the buffers of a socket. */
const batch = 50;
const missing = await ownNetwork(import.meta.filename);
const broker = { host, port: 1_883 };
const south = { host, port: 5_070 };
const servers = [{ host, port: 5_060 }, south];
const ways: readonly Way[] = ["sip", "media", "mqtt"];
const account = { user: "broken", password: "story only" };
const network = nodeNetwork();
const clock = monotonicClock();

process.on("exit", (status) => {
  if (status !== 0) console.log(`the dice were thrown by ROGER_FUZZ_SEED=${seed} ROGER_FUZZ_COUNT=${ofEachKind}`);
});

/** UDP ports in use in this network. */
function boundPorts(): number[] {
  const rows = readFileSync("/proc/net/udp", "utf8").matchAll(/^ *\d+: [0-9A-F]{8}:([0-9A-F]{4})/gm);
  return [...rows].map(([, port = ""]) => Number.parseInt(port, 16));
}

/** What gateways of a simulated realm say, with the addresses of the real ones. */
async function simulated(dice: Dice): Promise<Pick<Samples, "sip" | "media">> {
  const realm = await openRealm();
  const sites = [await realm.site("north"), await realm.site("south")];
  const { sip, media } = openRecorder(
    realm,
    sites.map(({ address }) => address),
  );
  await realm.clock.advance(settleMs);
  const said = await speech("north", 500);
  for (const site of sites) {
    site.press();
    site.say(said);
    await realm.clock.advance(500);
    site.release();
    await realm.clock.advance(500);
  }
  await realm.close();

  const mediaPorts = boundPorts().filter((port) => port >= 20_000 && port < 22_000);
  const anywhere = (): Address => ({ host, port: dice.oneOf(mediaPorts) });
  const moved = (data: Uint8Array): Uint8Array =>
    Buffer.from(
      Buffer.from(data)
        .toString("latin1")
        .replaceAll(/10\.0\.0\.\d/g, host),
      "latin1",
    );
  return {
    sip: {
      ...sip,
      pick: () => ({ from: dice.oneOf(servers), to: dice.oneOf(servers), data: moved(sip.pick(dice).data) }),
    },
    media: { ...media, pick: () => ({ from: anywhere(), to: anywhere(), data: media.pick(dice).data }) },
  };
}

/** Somebody on the broker: hears what the gateways say, and says what it likes. */
async function openIntruder(heard: Shelf<Publication>) {
  const own = new Set<string>();
  const identity = (payload: Uint8Array): string => Buffer.from(payload).toString("latin1");
  let hears = (): void => {};
  const hearing = new Promise<void>((resolve) => {
    hears = resolve;
  });
  const link = mqttBroker({ url: `mqtt://${broker.host}:${broker.port}`, log: silent }).open({
    clientId: "intruder",
    will: { topic: "intruder", payload: new Uint8Array() },
    onLink() {},
    onMessage(topic, payload) {
      // What is made of raw bytes may have any topic.
      const isOurs = own.delete(identity(payload)) || !/^roger\/1\/[\w./-]+$/.test(topic);
      if (payload.length === 0 || isOurs) return;
      heard.put(`${topic} ${payload[1]}`, { topic, payload });
      hears();
    },
  });
  link.subscribe("#");
  await hearing;
  return {
    close: link.close,
    publish(topic: string, payload: Uint8Array, retain: boolean): void {
      own.add(identity(payload));
      link.publish(topic, payload, { qos: 1, retain });
    },
  };
}

/** The button is pressed, again and again, until the floor is granted. */
async function talks({ site, board }: Site): Promise<void> {
  for (let attempt = 0; attempt < 15; attempt++) {
    const granted = board.next((event) => event.event === "pin" && event.role === "transmit-lamp" && event.active);
    await board.command({ press: "ptt" });
    const isGranted = await Promise.race([granted.then(() => true).catch(() => false), after(2_000).then(() => false)]);
    await board.command({ release: "ptt" });
    if (isGranted) return;
    // A contact that opens for less is taken to bounce.
    await after(300);
  }
  assert.unreachable(`a press at ${site} is granted`);
}

const after = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));

/** Somebody with a phone asks a gateway what it can do; the status of the answer. */
async function openAsker() {
  const { request, close } = await openEndpoint(
    { clock, network, random: cryptoRandom(), log: silent },
    { local: { host, port: 5_090 }, userAgent: "asker" },
    refusing,
  );
  const from = `sip:asker@${host}`;
  return {
    close,
    ask: (remote: Address): Promise<number> =>
      new Promise((resolve) => {
        const to = `sip:${host}:${remote.port}`;
        const via = { transport: "udp", remote } as const;
        request({ method: "OPTIONS", uri: to, from, to, via }, ({ status }) => resolve(status));
      }),
  };
}

async function strike(dice: Dice): Promise<void> {
  const published = shelf<Publication>();
  const samples = { ...(await simulated(dice)), mqtt: published };
  const intruder = await openIntruder(published);
  const asker = await openAsker();
  const sockets = await Promise.all([1, 2, 3, 4].map(() => network.udp({ host, port: 0 }, () => {})));
  const phone = await openBrokenPhone(network, dice, { ...account, local: { host, port: 5_080 }, server: south });
  const attack = openAttack(
    {
      forge: (_from, to, data) => dice.oneOf(sockets).send(data, to),
      connect: (_from, to) => network.connect(to),
      publish: intruder.publish,
    },
    dice,
    { samples, phone, servers },
  );

  try {
    for (let sent = 0; sent < ofEachKind; sent += batch) {
      for (let input = 0; input < batch; input++) for (const way of ways) attack.strike(way);
      for (let count = 0; count < batch / 5; count++) {
        const connection = await network.connect(broker);
        connection.send(spoiledSession(dice, published.pick(dice)));
        connection.close();
      }
      for (const server of servers) assert.is(await asker.ask(server), 200, `${server.port} answers`);
    }
  } finally {
    attack.rest();
    await asker.close();
    await intruder.close();
    for (const socket of sockets) socket.close();
    phone.close();
  }
}

async function run(): Promise<void> {
  const accounts = `  - { user: ${account.user}, password: ${account.password}, talkgroups: [ops] }\n`;
  const realm = await twoSites({ broker: "embedded", accounts });
  const sites = [realm.north, realm.south];
  try {
    await strike(diceOf(seed));
    await Promise.all(sites.map(talks));
  } finally {
    await realm.close();
  }
  assert.equal(await Promise.all(sites.map(({ close }) => close())), [0, 0], "they end when they are asked to");
}

const name = "real gateways take bad input on every socket, and go on";
if (missing) skip(name, missing);
else test(name, run);

test.run();
