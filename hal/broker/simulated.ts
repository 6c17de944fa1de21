/**
 * An MQTT broker and the links to it inside one process, under a clock: retained publications, wills, clean sessions.
 * It decides who hears what and when. QoS is not modelled: what crosses an unbroken link arrives once, in order.
 */
import type { Clock } from "../clock/port.ts";
import type { Broker, BrokerLink, BrokerOptions } from "./port.ts";
import { type Session, session } from "./simulated-session.ts";
import { checkFilter, checkTopic, matches } from "./topic.ts";

export interface SimulatedBrokerOptions {
  readonly clock: Clock;
  /** One way; 0. */
  readonly latencyMs?: number;
  /** Silence of 1.5 times this long ends a session, on both sides; 5 s. */
  readonly keepAliveMs?: number;
  /** How long a client waits before it tries again; 500 ms. */
  readonly reconnectMs?: number;
}

export interface SimulatedBroker {
  /** A way to the broker; `clientName` replaces the client id that links open with. */
  broker(clientName?: string): Broker;
  /** The broker ends: every link goes down, no will is published. What it retained is lost, unless it keeps it on disk. */
  stop(options?: { readonly retained: "kept" | "dropped" }): void;
  start(): void;
  /** The path to a client is cut: what crosses it waits, and both sides give up after 1.5 * keepAliveMs; then its will is published. */
  cut(clientId: string): void;
  /** The path is whole again. */
  mend(clientId: string): void;
  /** The topics retained now, sorted. */
  retained(): string[];
  /** The clients whose session is open. */
  clients(): string[];
}

export function simulatedBroker(options: SimulatedBrokerOptions): SimulatedBroker {
  const { clock } = options;
  const latencyMs = options.latencyMs ?? 0;
  const giveUpMs = 1.5 * (options.keepAliveMs ?? 5_000);
  const reconnectMs = options.reconnectMs ?? 500;
  /** CONNECT and SUBSCRIBE, each with its answer. */
  const settledMs = 4 * latencyMs;
  const sessions = new Map<string, Session>();
  const retained = new Map<string, Uint8Array>();
  const cuts = new Set<string>();
  let running = true;

  function route(topic: string, payload: Uint8Array, retain: boolean): void {
    // [MQTT-3.3.1-10]: an empty payload removes what was retained.
    if (retain && payload.length === 0) retained.delete(topic);
    else if (retain) retained.set(topic, payload);
    for (const to of sessions.values()) if (to.subscribed(topic)) to.deliver(topic, payload);
  }

  function admit(clientId: string, link: BrokerOptions, onEnd: () => void): Session {
    // [MQTT-3.1.4-2]
    sessions.get(clientId)?.end("vanished");
    const opened = session({ clock, latencyMs, giveUpMs }, link.onMessage, {
      route,
      retained: (filter) => [...retained].filter(([topic]) => matches(filter, topic)),
      onEnd(how) {
        if (sessions.get(clientId) === opened) sessions.delete(clientId);
        if (how === "vanished") route(link.will.topic, new Uint8Array(link.will.payload), true);
        if (how !== "closed") onEnd();
      },
    });
    sessions.set(clientId, opened);
    return opened;
  }

  function open(clientId: string, link: BrokerOptions): BrokerLink {
    const filters = new Set<string>();
    let current: Session | undefined;
    let stopWaiting = clock.after(settledMs, connect);
    let closed = false;

    function connect(): void {
      if (!running || cuts.has(clientId)) {
        stopWaiting = clock.after(reconnectMs + settledMs, connect);
        return;
      }
      current = admit(clientId, link, () => {
        current = undefined;
        if (closed) return;
        stopWaiting = clock.after(reconnectMs + settledMs, connect);
        link.onLink(false);
      });
      const opened = current;
      link.onLink(true);
      opened.restore(filters);
    }

    return {
      up: () => current !== undefined,
      publish(topic, payload, { retain }) {
        checkTopic(topic);
        current?.publish(topic, new Uint8Array(payload), retain);
      },
      subscribe(filter) {
        checkFilter(filter);
        filters.add(filter);
        current?.subscribe(filter);
      },
      unsubscribe(filter) {
        filters.delete(filter);
        current?.unsubscribe(filter);
      },
      async close() {
        closed = true;
        stopWaiting();
        current?.close();
        current = undefined;
      },
    };
  }

  return {
    broker: (clientName) => ({ open: (link) => open(clientName ?? link.clientId, link) }),
    stop({ retained: kept } = { retained: "dropped" }) {
      running = false;
      if (kept === "dropped") retained.clear();
      for (const opened of [...sessions.values()]) opened.end("broker-ended");
    },
    start() {
      running = true;
    },
    cut(clientId) {
      cuts.add(clientId);
      sessions.get(clientId)?.cut();
    },
    mend(clientId) {
      cuts.delete(clientId);
      sessions.get(clientId)?.mend();
    },
    retained: () => [...retained.keys()].sort(),
    clients: () => [...sessions.keys()].sort(),
  };
}
