import {
  acknowledgeBit,
  ackSource,
  denyCause,
  type FloorMessage,
  floorIndicator,
  revokeCause,
} from "../../firmware/floor/message.ts";

const indicator = floorIndicator.normal | floorIndicator.queueing;

/** One of each floor message with every field it can carry, and then one with as few as it can. */
export const fullest: { readonly [Type in FloorMessage["type"]]: Extract<FloorMessage, { readonly type: Type }> } = {
  request: { type: "request", priority: 7, userId: "sip:alice@north.example", indicator: floorIndicator.emergency },
  granted: {
    type: "granted",
    durationS: 30,
    priority: 7,
    ssrc: 0xfeed_beef,
    userId: "sip:alice@north.example",
    queueSize: 3,
    indicator,
  },
  taken: { type: "taken", party: "sip:ålice@north.example", mayRequest: true, sequence: 65_535, ssrc: 1, indicator },
  deny: { type: "deny", cause: denyCause.taken, phrase: "wait for the other", indicator },
  release: { type: "release", userId: "sip:alice", indicator },
  idle: { type: "idle", sequence: 513, indicator },
  revoke: { type: "revoke", cause: revokeCause.preempted, phrase: "fire", indicator },
  "queue-request": { type: "queue-request", userId: "sip:alice@north.example" },
  "queue-info": { type: "queue-info", position: 2, priority: 9, userId: "sip:al", queueSize: 4, indicator },
  ack: { type: "ack", of: 1 | acknowledgeBit, source: ackSource.controlling },
};

export const barest: readonly FloorMessage[] = [
  { type: "request" },
  { type: "granted", durationS: 0, priority: 0 },
  { type: "taken", party: "", mayRequest: false, sequence: 0 },
  { type: "deny", cause: denyCause.other },
  { type: "release" },
  { type: "idle", sequence: 0 },
  { type: "revoke", cause: revokeCause.other },
  { type: "queue-request" },
  { type: "queue-info", position: 255, priority: 0 },
  { type: "ack", of: 4, source: ackSource.participant },
];
