import type { PortRange } from "../media/port-pair.ts";
import type { ConferenceCommand, ConferenceEvent, GatewayId } from "./protocol.ts";

/** What a conference server needs to know before its first command. */
export interface ConferenceOptions {
  /** The id of the gateway it belongs to: the first half of its participants' keys. */
  readonly gateway: GatewayId;
  readonly range: PortRange;
}

/** How much of each a conference server has just now, for those who look after it. */
export interface Held {
  readonly legs: number;
  /** Calls, which are talkgroups too, whether anybody is in them or not. */
  readonly calls: number;
  /** Timers of its thread that run. */
  readonly timers: number;
}

/** A conference server as the main thread sees it: messages to and from. */
export interface ConferenceLink {
  send(command: ConferenceCommand): void;
  held(): Promise<Held>;
  close(): Promise<void>;
}

/** Starts a conference server: in a worker thread, or beside the caller in a test. */
export type ConferenceLauncher = (
  options: ConferenceOptions,
  onEvent: (event: ConferenceEvent) => void,
  /** The server died; the gateway cannot go on without it. */
  onCrash: (error: Error) => void,
) => Promise<ConferenceLink>;
