/** Bad input on every way into a realm: forged datagrams, streams, publications, and a broken phone that knows its password. */
import { latestStart } from "../../firmware/federation/boot.ts";
import { decodeEnvelope } from "../../firmware/federation/envelope.ts";
import type { Address, TcpConnection } from "../../hal/network/port.ts";
import type { BrokenPhone } from "./broken-phone.ts";
import { type Dice, spoiledBy } from "./dice.ts";
import type { Samples } from "./recorder.ts";
import { envelopeSpoils, oddTopic } from "./spoil-envelope.ts";
import { mediaSpoils } from "./spoil-media.ts";
import { renewed, sipSpoils } from "./spoil-sip.ts";

export type Way = "sip" | "media" | "mqtt";

/** What an intruder on a network can do. */
export interface Ways {
  forge(from: Address, to: Address, data: Uint8Array): void;
  connect(from: string, to: Address): Promise<TcpConnection>;
  publish(topic: string, payload: Uint8Array, retain: boolean): void;
}

export interface Attack {
  /** One bad input. */
  strike(way: Way): void;
  /** What the latest inputs were, for whoever looks for the one that did it. */
  trail(): readonly string[];
  /** Ends its connections and withdraws what it has retained. */
  rest(): void;
}

const strangers = Array.from({ length: 8 }, (_, index) => `10.0.66.${index + 1}`);
const mostConnections = 12;
const trailLength = 12;

/** After what says that it is the last of all, nothing of its sender is heard any more: only a seal can tell it from a gateway's own. */
function isLastWord(payload: Uint8Array): boolean {
  const envelope = decodeEnvelope(payload);
  if (typeof envelope === "string") return false;
  return envelope.boot.start > latestStart - 2 ** 20;
}

export function openAttack(
  { forge, connect, publish }: Ways,
  dice: Dice,
  targets: { readonly samples: Samples; readonly phone: BrokenPhone; readonly servers: readonly Address[] },
): Attack {
  const { samples, phone, servers } = targets;
  const connections = new Set<TcpConnection>();
  const retained = new Set<string>();
  const trail: string[] = [];

  function note(what: string, data: Uint8Array): void {
    trail.push(`${what} ${JSON.stringify(Buffer.from(data.subarray(0, 2_000)).toString("latin1"))}`);
    if (trail.length > trailLength) trail.shift();
  }

  const port = (): number => 1_024 + dice.below(60_000);

  /** The source that a forged datagram gives: the one that it was heard from, another port there, a peer, a stranger. */
  function source(heard: Address): Address {
    if (dice.chance(0.6)) return heard;
    if (dice.chance(0.3)) return { host: heard.host, port: port() };
    return dice.chance(0.3) ? dice.oneOf(servers) : { host: dice.oneOf(strangers), port: port() };
  }

  function spoiledSip(data: Uint8Array): Uint8Array {
    const fresh = dice.chance(0.7) ? renewed(dice, data) : data;
    return spoiledBy(dice, sipSpoils, fresh, samples.sip.pick(dice).data);
  }

  function datagram(): void {
    const heard = samples.sip.pick(dice);
    const data = spoiledSip(heard.data);
    const to = dice.chance(0.8) ? heard.to : dice.oneOf(servers);
    note(`sip to ${to.host}:${to.port}`, data);
    forge(source(heard.from), to, data);
  }

  function dial(): void {
    void connect(dice.oneOf(strangers), dice.oneOf(servers)).then((connection) => {
      connections.add(connection);
      connection.onClose = () => void connections.delete(connection);
    });
  }

  /** A message, cut anywhere, on a stream that may be in the middle of another. */
  function stream(): void {
    if (connections.size < mostConnections && dice.chance(0.3)) dial();
    if (connections.size === 0) return datagram();
    const connection = dice.oneOf([...connections]);
    const sound = samples.sip.pick(dice).data;
    const data = dice.chance(0.3) ? Buffer.concat([sound, spoiledSip(sound)]) : spoiledSip(sound);
    note("sip by tcp", data);
    for (let at = 0; at < data.length; ) {
      const length = 1 + dice.below(dice.oneOf([3, 100, 2_000, 70_000]));
      connection.send(data.subarray(at, at + length));
      at += length;
    }
    if (!dice.chance(0.05)) return;
    connections.delete(connection);
    connection.close();
  }

  function sip(): void {
    const choice = dice.below(10);
    if (choice < 5) return datagram();
    if (choice < 7) return stream();
    while (!phone.speak());
  }

  function media(): void {
    const heard = samples.media.pick(dice);
    const { from, to } = dice.chance(0.8) ? heard : samples.media.pick(dice);
    const data = spoiledBy(dice, mediaSpoils(heard.data), heard.data, samples.media.pick(dice).data);
    note(`media to ${to.host}:${to.port}`, data);
    forge(source(from), to, data);
  }

  function mqtt(): void {
    const heard = samples.mqtt.pick(dice);
    const payload = spoiledBy(dice, envelopeSpoils, heard.payload, samples.mqtt.pick(dice).payload);
    if (isLastWord(payload)) return mqtt();
    const topic = dice.chance(0.85) ? heard.topic : oddTopic(dice, [heard.topic, samples.mqtt.pick(dice).topic]);
    const retain = dice.chance(0.15);
    if (retain && payload.length > 0) retained.add(topic);
    note(`mqtt to ${topic.slice(0, 100)}`, payload);
    publish(topic, payload, retain);
  }

  const ways = { sip, media, mqtt };
  return {
    strike: (way) => ways[way](),
    trail: () => trail,
    rest() {
      for (const connection of connections) connection.close();
      connections.clear();
      for (const topic of retained) publish(topic, new Uint8Array(), true);
      retained.clear();
      phone.leave();
    },
  };
}
