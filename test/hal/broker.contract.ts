import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Broker, BrokerLink } from "../../hal/broker/port.ts";
import { type Bench, until } from "./bench.ts";

export interface BrokerBench extends Bench {
  readonly broker: Broker;
  /** Every link breaks without a goodbye, and is refused until `restore`. The broker goes on. */
  sever(): void;
  restore(): void;
  close(): Promise<void>;
}

interface Client {
  readonly link: BrokerLink;
  readonly heard: string[];
  readonly ups: boolean[];
  /** What happens when the link comes up. */
  onUp: () => void;
}

const bytes = (value: string): Uint8Array => new Uint8Array(Buffer.from(value));
const plain = { qos: 1, retain: false } as const;
const retained = { qos: 1, retain: true } as const;

/** What a link to any MQTT 3.1.1 broker does. Topics are under `room`, fresh for each story. */
export function brokerContract(driver: string, open: () => Promise<BrokerBench>): void {
  const story = (name: string, body: (bench: BrokerBench) => Promise<void>) =>
    test(`${driver} broker: ${name}`, async () => {
      const bench = await open();
      try {
        await body(bench);
      } finally {
        await bench.close();
      }
    });

  function client(bench: BrokerBench, clientId: string, filters: readonly string[] = []): Client {
    const heard: string[] = [];
    const ups: boolean[] = [];
    const self: Client = {
      heard,
      ups,
      onUp() {},
      link: bench.broker.open({
        clientId,
        will: { topic: `room/will/${clientId}`, payload: bytes(`${clientId} is gone`) },
        onMessage: (topic, payload) => heard.push(`${topic} ${Buffer.from(payload)}`),
        onLink(up) {
          ups.push(up);
          if (up) self.onUp();
        },
      }),
    };
    for (const filter of filters) self.link.subscribe(filter);
    return self;
  }

  const allUp = (bench: BrokerBench, ...clients: Client[]) =>
    until(bench, "links up", () => clients.every(({ link }) => link.up()));

  story("a publication reaches those who subscribed, by wildcards too, and nobody else", async (bench) => {
    const one = client(bench, "one", ["room/+/floor"]);
    const all = client(bench, "all", ["room/#"]);
    const none = client(bench, "none", ["room/+", "rooms/#", "room/a/floor/x"]);
    await allUp(bench, one, all, none);
    one.link.publish("room/a/floor", bytes("taken"), plain);
    one.link.publish("room/a/media", bytes("frame"), { qos: 0, retain: false });
    await until(bench, "both", () => one.heard.length >= 1 && all.heard.length >= 2);
    await bench.pass(20);
    assert.equal(one.heard, ["room/a/floor taken"]);
    assert.equal(all.heard.toSorted(), ["room/a/floor taken", "room/a/media frame"]);
    assert.equal(none.heard, []);
  });

  story("publications of one client arrive in order, each as its buffer was", async (bench) => {
    const sender = client(bench, "sender");
    const listener = client(bench, "listener", ["room/n"]);
    await allUp(bench, sender, listener);
    for (let index = 0; index < 500; index++) {
      sender.link.publish("room/n", Buffer.from(String(index)), { qos: 0, retain: false });
    }
    const scratch = Buffer.from("kept");
    sender.link.publish("room/n", scratch, { qos: 0, retain: false });
    scratch.fill("x");
    await until(bench, "all", () => listener.heard.length === 501);
    assert.equal(
      listener.heard.slice(0, 500),
      Array.from({ length: 500 }, (_, index) => `room/n ${index}`),
    );
    assert.is(listener.heard[500], "room/n kept");
  });

  story("what is retained meets the late subscriber, until an empty payload removes it", async (bench) => {
    const sender = client(bench, "sender", ["room/done"]);
    await allUp(bench, sender);
    sender.link.publish("room/a", bytes("old"), retained);
    sender.link.publish("room/a", bytes("new"), retained);
    sender.link.publish("room/b", bytes("b"), retained);
    sender.link.publish("room/b", new Uint8Array(), retained);
    sender.link.publish("room/done", bytes("1"), plain);
    await until(bench, "the sender's own", () => sender.heard.length === 1);
    const late = client(bench, "late", ["room/+"]);
    await allUp(bench, late);
    await until(bench, "the retained", () => late.heard.length > 0);
    await bench.pass(20);
    assert.equal(late.heard, ["room/a new"]);
    assert.equal(late.ups, [true]);
  });

  story("nothing is heard before the link is told to be up", async (bench) => {
    const sender = client(bench, "sender", ["room/a"]);
    await allUp(bench, sender);
    sender.link.publish("room/a", bytes("kept"), retained);
    await until(bench, "retained", () => sender.heard.length === 1);
    const late = client(bench, "late", ["room/#"]);
    let heardAtUp = -1;
    late.onUp = () => {
      heardAtUp = late.heard.length;
    };
    await until(bench, "the retained", () => late.heard.length === 1);
    assert.is(heardAtUp, 0);
  });

  story("a client that vanishes leaves its will, retained; one that closes leaves none", async (bench) => {
    const watcher = client(bench, "watcher", ["room/will/+"]);
    const polite = client(bench, "polite");
    await allUp(bench, watcher, polite);
    polite.link.publish("room/will/polite", bytes("goodbye"), plain);
    await polite.link.close();
    await until(bench, "the goodbye", () => watcher.heard.length === 1);
    const lost = client(bench, "lost");
    await allUp(bench, lost);
    bench.sever();
    await until(bench, "the links are down", () => !lost.link.up() && !watcher.link.up());
    bench.restore();
    await until(bench, "the will", () => watcher.heard.includes("room/will/lost lost is gone"));
    assert.not(watcher.heard.includes("room/will/polite polite is gone"));
    assert.equal(polite.ups, [true], "who closes is told nothing more");
  });

  story("a link comes back by itself with its subscriptions in place, and nothing from the gap", async (bench) => {
    const self = client(bench, "self", ["room/before"]);
    await allUp(bench, self);
    bench.sever();
    await until(bench, "down", () => !self.link.up());
    self.link.publish("room/before", bytes("into the gap"), plain);
    self.link.subscribe("room/meanwhile");
    self.onUp = () => {
      self.link.publish("room/before", bytes("1"), plain);
      self.link.publish("room/meanwhile", bytes("2"), plain);
    };
    bench.restore();
    await until(bench, "both", () => self.heard.length >= 2);
    await bench.pass(20);
    assert.equal(self.heard, ["room/before 1", "room/meanwhile 2"]);
    assert.equal(self.ups, [true, false, true]);
  });

  story("an unsubscribed topic falls silent", async (bench) => {
    const self = client(bench, "self", ["room/a", "room/b"]);
    await allUp(bench, self);
    self.link.unsubscribe("room/a");
    self.link.publish("room/a", bytes("1"), plain);
    self.link.publish("room/b", bytes("2"), plain);
    await until(bench, "the other", () => self.heard.length > 0);
    await bench.pass(20);
    assert.equal(self.heard, ["room/b 2"]);
  });

  story("a topic with a wildcard and a filter that is none are refused here, not by the broker", async (bench) => {
    const self = client(bench, "self");
    await allUp(bench, self);
    assert.throws(() => self.link.publish("room/+", bytes("x"), plain), /not an MQTT topic/);
    assert.throws(() => self.link.subscribe("room/#/x"), /not an MQTT topic filter/);
    assert.throws(() => self.link.subscribe("ro+om"), /not an MQTT topic filter/);
    await bench.pass(10);
    assert.ok(self.link.up());
  });
}
