/**
 * This gateway on the broker: its boot, its counter, its link and its will. A will is fixed when a link is opened and names
 * the boot, so a new boot takes a new link.
 */
import type { Broker } from "../../hal/broker/port.ts";
import type { Clock } from "../../hal/clock/port.ts";
import type { Random } from "../../hal/random/port.ts";
import { type Boot, firstBoot, successorOf } from "./boot.ts";
import { envelopeWriter, type Kind } from "./envelope.ts";

export interface Uplink {
  boot(): Boot;
  /** Of the latest message. */
  counter(): number;
  /** Returns the message's counter. Dropped while the link is down. */
  send(kind: Kind, topic: string, body: Uint8Array, how: { readonly qos: 0 | 1; readonly retain: boolean }): number;
  /** What the will says, as a goodbye. */
  sendGone(): void;
  /** Removes what is retained under a topic. */
  clear(topic: string): void;
  subscribe(filter: string): void;
  unsubscribe(filter: string): void;
  /** Leaves, and comes back as a boot above `boot`. */
  succeed(boot: Boot): void;
  close(): Promise<void>;
}

export interface UplinkPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly broker: Broker;
}

export interface UplinkOptions {
  readonly clientId: string;
  readonly gateway: string;
  readonly statusTopic: string;
  /** Never called while `uplink` runs. */
  readonly onLink: (up: boolean) => void;
  readonly onMessage: (topic: string, payload: Uint8Array) => void;
}

const nothing = new Uint8Array();

export function uplink(ports: UplinkPorts, options: UplinkOptions): Uplink {
  const write = envelopeWriter(options.gateway);
  const filters = new Set<string>();
  let boot = firstBoot(ports.clock, ports.random);
  let counter = 0;
  let gone = write("gone", boot, 0, nothing).slice();
  let line = open();
  let farewell: Promise<void> = Promise.resolve();

  function open() {
    const { clientId, statusTopic, onLink, onMessage } = options;
    const state = { left: false };
    const link = ports.broker.open({
      clientId,
      will: { topic: statusTopic, payload: gone },
      onLink: (up) => {
        if (!state.left) onLink(up);
      },
      onMessage: (topic, payload) => {
        if (!state.left) onMessage(topic, payload);
      },
    });
    for (const filter of filters) link.subscribe(filter);
    return {
      link,
      leave(): Promise<void> {
        state.left = true;
        return link.close();
      },
    };
  }

  return {
    boot: () => boot,
    counter: () => counter,
    send(kind, topic, body, how) {
      counter += 1;
      line.link.publish(topic, write(kind, boot, counter, body), how);
      return counter;
    },
    sendGone: () => line.link.publish(options.statusTopic, gone, { qos: 1, retain: true }),
    clear: (topic) => line.link.publish(topic, nothing, { qos: 1, retain: true }),
    subscribe(filter) {
      filters.add(filter);
      line.link.subscribe(filter);
    },
    unsubscribe(filter) {
      filters.delete(filter);
      line.link.unsubscribe(filter);
    },
    succeed(known) {
      const left = line.leave();
      farewell = Promise.all([farewell, left]).then(() => undefined);
      boot = successorOf(known, ports.random);
      gone = write("gone", boot, 0, nothing).slice();
      line = open();
    },
    async close() {
      await Promise.all([farewell, line.leave()]);
    },
  };
}
