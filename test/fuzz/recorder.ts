/** What a realm says, while it says it: the latest valid datagrams and publications of each kind, to be spoiled. */
import { isRtcp } from "../../firmware/media/rtp.ts";
import type { Address } from "../../hal/network/port.ts";
import type { SeenDatagram } from "../../hal/network/simulated.ts";
import type { StoryRealm } from "../support/realm.ts";
import type { Dice } from "./dice.ts";

export interface Datagram {
  readonly from: Address;
  readonly to: Address;
  readonly data: Uint8Array;
}

export interface Publication {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** The latest of each kind; a rare kind is picked as often as a common one. */
export interface Shelf<Item> {
  put(kind: string, item: Item): void;
  pick(dice: Dice): Item;
}

/** Valid input of every kind. */
export interface Samples {
  readonly sip: Shelf<Datagram>;
  readonly media: Shelf<Datagram>;
  readonly mqtt: Shelf<Publication>;
}

/** Of each kind. */
const kept = 12;
const sipPort = 5_060;

export function shelf<Item>(): Shelf<Item> {
  const items = new Map<string, Item[]>();
  return {
    put(kind, item) {
      const row = items.get(kind) ?? [];
      items.set(kind, row);
      if (row.push(item) > kept) row.shift();
    },
    pick: (dice) => dice.oneOf(dice.oneOf([...items.values()])),
  };
}

const known = /^(REGISTER|SUBSCRIBE|NOTIFY|INVITE|ACK|BYE|CANCEL|OPTIONS)$/;

/** "10.0.0.1>10.0.0.1 INVITE", or "… 200 INVITE" for an answer. */
function sipKind(text: string): string {
  const [first = "", second = ""] = text.split(" ", 2);
  const method = first === "SIP/2.0" ? (/^CSeq: *\d+ (\w+)/im.exec(text)?.[1] ?? "") : first;
  return `${first === "SIP/2.0" ? `${second} ` : ""}${known.test(method) ? method : "other"}`;
}

function mediaKind(data: Uint8Array): string {
  if (!isRtcp(data)) return "rtp";
  return data[1] === 204 ? `floor ${(data[0] ?? 0) & 0x0f}` : `rtcp ${data[1]}`;
}

export interface Recorder extends Samples {
  /** Datagrams and publications so far. */
  heard(): number;
  /** What is published so is not recorded. */
  publish(topic: string, payload: Uint8Array, retain: boolean): void;
  close(): Promise<void>;
}

/**
 * Hears what the machines of a realm say to one another, and every publication but its own. Media that leaves the realm is kept
 * as what might come back.
 */
export function openRecorder({ network, broker }: StoryRealm, hosts: readonly string[]): Recorder {
  const sip = shelf<Datagram>();
  const media = shelf<Datagram>();
  const mqtt = shelf<Publication>();
  const own = new Set<string>();
  let count = 0;
  const identity = (topic: string, payload: Uint8Array): string =>
    `${topic} ${Buffer.from(payload).toString("latin1")}`;

  const stop = network.onDatagram(({ from, to, data }: SeenDatagram) => {
    count += 1;
    if (data.length === 0 || !hosts.includes(from.host)) return;
    const between = `${from.host}>${to.host}`;
    const isMedia = from.port !== sipPort && to.port !== sipPort;
    if (hosts.includes(to.host)) {
      if (isMedia) media.put(`${between} ${mediaKind(data)}`, { from, to, data });
      else sip.put(`${between} ${sipKind(Buffer.from(data).toString("latin1"))}`, { from, to, data });
    } else if (isMedia) media.put(`from outside ${mediaKind(data)}`, { from: to, to: from, data });
  });

  const link = broker.broker("intruder").open({
    clientId: "intruder",
    will: { topic: "intruder", payload: new Uint8Array() },
    onLink() {},
    onMessage(topic, payload) {
      count += 1;
      if (own.delete(identity(topic, payload)) || payload.length === 0) return;
      mqtt.put(`${topic} ${payload[1]}`, { topic, payload });
    },
  });
  link.subscribe("#");

  return {
    sip,
    media,
    mqtt,
    heard: () => count,
    publish(topic, payload, retain) {
      if (payload.length > 0) own.add(identity(topic, payload));
      link.publish(topic, payload, { qos: 1, retain });
    },
    async close() {
      stop();
      await link.close();
    },
  };
}
