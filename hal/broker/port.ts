/**
 * An MQTT 3.1.1 broker as a port. Nothing is queued while the link is down: a publication is then dropped,
 * because what crosses it is soft state that its owner sends again when the link is up.
 */
export interface BrokerLink {
  up(): boolean;
  publish(topic: string, payload: Uint8Array, options: { readonly qos: 0 | 1; readonly retain: boolean }): void;
  /** Stays subscribed (QoS 1) over reconnects. `filter` may hold + and #. */
  subscribe(filter: string): void;
  unsubscribe(filter: string): void;
  close(): Promise<void>;
}

export interface BrokerOptions {
  readonly clientId: string;
  readonly will: { readonly topic: string; readonly payload: Uint8Array };
  /** Called for every publication that matches a subscription. `payload` is the callee's. */
  readonly onMessage: (topic: string, payload: Uint8Array) => void;
  /** The link came up (also after each reconnect; subscriptions are in place) or went down. */
  readonly onLink: (up: boolean) => void;
}

/** Opens a link that reconnects by itself until it is closed. The will is published retained with QoS 1. */
export interface Broker {
  open(options: BrokerOptions): BrokerLink;
}
