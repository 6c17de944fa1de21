/**
 * Links to an MQTT broker over TCP or TLS. It decides when to connect again and what is dropped meanwhile.
 * Each attempt is a client of its own: nothing of a lost link (unacknowledged publications) leaks into the next.
 */
import { Socket } from "node:net";
import { connect, type MqttClient } from "mqtt";
import type { Broker, BrokerLink, BrokerOptions } from "./port.ts";
import { checkFilter, checkTopic } from "./topic.ts";

export interface MqttBrokerOptions {
  /** mqtt://host:port or mqtts://host:port */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** Silence of 1.5 times this long ends a link; 5 s. */
  readonly keepAliveS?: number;
  /** The first wait before the next attempt; each further one is twice as long, up to 5 s; 500 ms. */
  readonly reconnectMs?: number;
  /** Told once of each new reason why there is no link. */
  readonly log?: { warn(fields: object, message: string): void };
}

const longestWaitMs = 5_000;
const connectMs = 5_000;
/** How long a closing link may take to hand over its last publications. */
const farewellMs = 1_000;
/** What may wait in a link that does not drain; bytes. Media (QoS 0) that waits this long is worth nothing. */
const waitingBytes = 262_144;
const hopelessBytes = 4_194_304;

export function mqttBroker(options: MqttBrokerOptions): Broker {
  return { open: (link) => openLink(options, link) };
}

function openLink(options: MqttBrokerOptions, link: BrokerOptions): BrokerLink {
  const filters = new Set<string>();
  const firstWaitMs = options.reconnectMs ?? 500;
  let client: MqttClient | undefined;
  let retry: NodeJS.Timeout | undefined;
  let waitMs = firstWaitMs;
  let up = false;
  let closed = false;
  let lastFault = "";

  function attempt(): void {
    const opened = connect(options.url, {
      clientId: link.clientId,
      ...(options.username === undefined ? {} : { username: options.username }),
      ...(options.password === undefined ? {} : { password: options.password }),
      protocolVersion: 4,
      clean: true,
      keepalive: options.keepAliveS ?? 5,
      connectTimeout: connectMs,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      will: { topic: link.will.topic, payload: Buffer.from(link.will.payload), qos: 1, retain: true },
    });
    client = opened;
    opened.on("connect", () => {
      if (opened.stream instanceof Socket) opened.stream.setNoDelay(true);
      if (filters.size === 0) return raise(opened);
      opened.subscribe([...filters], { qos: 1 }, (error) => (error ? drop(opened, error) : raise(opened)));
    });
    opened.on("message", (topic, payload) => {
      if (opened !== client) return;
      // Retained publications may come before the broker confirms the subscription.
      raise(opened);
      link.onMessage(topic, payload);
    });
    opened.on("error", (error) => drop(opened, error));
    opened.on("close", () => drop(opened, new Error("the broker closed the connection or does not answer")));
  }

  function raise(opened: MqttClient): void {
    if (opened !== client || up) return;
    up = true;
    waitMs = firstWaitMs;
    lastFault = "";
    link.onLink(true);
  }

  function drop(opened: MqttClient, fault: Error): void {
    if (opened !== client) return;
    client = undefined;
    opened.end(true);
    if (closed) return;
    if (fault.message !== lastFault) options.log?.warn({ broker: options.url, fault: fault.message }, "no broker link");
    lastFault = fault.message;
    // Spread, so that a whole realm does not come back to a restarted broker at the same instant.
    retry = setTimeout(attempt, waitMs * (0.75 + 0.5 * Math.random()));
    waitMs = Math.min(longestWaitMs, 2 * waitMs);
    if (!up) return;
    up = false;
    link.onLink(false);
  }

  attempt();
  return {
    up: () => up,
    publish(topic, payload, { qos, retain }) {
      checkTopic(topic);
      if (!up || !client) return;
      const waiting = client.stream.writableLength;
      if (waiting > hopelessBytes) return drop(client, new Error("the broker takes no data"));
      if (qos === 0 && waiting > waitingBytes) return;
      client.publish(topic, Buffer.from(payload), { qos, retain }, ignoreLoss);
    },
    subscribe(filter) {
      checkFilter(filter);
      filters.add(filter);
      const asked = client;
      if (asked?.connected) asked.subscribe(filter, { qos: 1 }, (error) => error && drop(asked, error));
    },
    unsubscribe(filter) {
      if (filters.delete(filter) && client?.connected) client.unsubscribe(filter, ignoreLoss);
    },
    close() {
      closed = true;
      up = false;
      clearTimeout(retry);
      const last = client;
      client = undefined;
      return last ? farewell(last) : Promise.resolve();
    },
  };
}

/** A publication or unsubscription that the lost link took along: its owner sends again when the link is up. */
function ignoreLoss(): void {}

/** Says goodbye, so that no will is published, once what was published is acknowledged. */
function farewell(client: MqttClient): Promise<void> {
  if (!client.connected) {
    client.end(true);
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    const impatience = setTimeout(() => {
      client.stream.destroy();
      resolve();
    }, farewellMs);
    client.end(false, {}, () => {
      clearTimeout(impatience);
      resolve();
    });
  });
}
