/**
 * The messages of floor control (3GPP TS 24.380 §8.2) and their form on the wire: one RTCP APP packet named "MCPT" each.
 * Decides what a well-formed floor message is and nothing else: not who may send it, nor when, nor over which socket.
 * Hostile input is normal: what is not well-formed decodes to nothing, and unknown fields are stepped over.
 */

import { type ControlPacket, field, floorKind, isOfKind, readPacket, writePacket } from "./field.ts";

/** Numbers are as on the wire: priority, position and size count; a cause is of `denyCause` or `revokeCause`; `indicator` is a sum of `floorIndicator`. */
export type FloorMessage =
  | { readonly type: "request"; readonly priority?: number; readonly userId?: string; readonly indicator?: number }
  | {
      readonly type: "granted";
      /** How long the talker may talk, s. 0: not said. */
      readonly durationS: number;
      readonly priority: number;
      /** Of the talker's media. */
      readonly ssrc?: number;
      readonly userId?: string;
      readonly queueSize?: number;
      readonly indicator?: number;
    }
  | {
      readonly type: "taken";
      /** The talker's identity; empty if it is withheld. */
      readonly party: string;
      readonly mayRequest: boolean;
      readonly sequence: number;
      readonly ssrc?: number;
      readonly indicator?: number;
    }
  | { readonly type: "deny"; readonly cause: number; readonly phrase?: string; readonly indicator?: number }
  | { readonly type: "release"; readonly userId?: string; readonly indicator?: number }
  | { readonly type: "idle"; readonly sequence: number; readonly indicator?: number }
  | { readonly type: "revoke"; readonly cause: number; readonly phrase?: string; readonly indicator?: number }
  | { readonly type: "queue-request"; readonly userId?: string }
  | {
      readonly type: "queue-info";
      /** 1 is next; or one of `queuePosition`. */
      readonly position: number;
      readonly priority: number;
      readonly userId?: string;
      readonly queueSize?: number;
      readonly indicator?: number;
    }
  /** `of` is the subtype being acknowledged, with its `acknowledgeBit`; `source` is one of `ackSource`. */
  | { readonly type: "ack"; readonly of: number; readonly source: number };

export interface DecodedFloor {
  readonly message: FloorMessage;
  /** Of the sender of the packet. */
  readonly ssrc: number;
  /** The sender asks for an Ack. */
  readonly acknowledge: boolean;
}

/** §8.2.2. */
export const floorSubtype = {
  request: 0,
  granted: 1,
  taken: 2,
  deny: 3,
  release: 4,
  idle: 5,
  revoke: 6,
  "queue-request": 8,
  "queue-info": 9,
  ack: 10,
} as const satisfies Record<FloorMessage["type"], number>;

/** In the subtype: an Ack is asked for (§8.2.2, for the messages of `acknowledgeable` alone). */
export const acknowledgeBit = 0x10;
const acknowledgeable: readonly FloorMessage["type"][] = ["granted", "taken", "deny", "release", "idle", "queue-info"];

/** §8.2.6.2 */
export const denyCause = {
  taken: 1,
  internal: 2,
  alone: 3,
  retryAfter: 4,
  receiveOnly: 5,
  noResources: 6,
  queueFull: 7,
  other: 255,
} as const;

/** §8.2.10.2 */
export const revokeCause = { alone: 1, tooLong: 2, noPermission: 3, preempted: 4, noResources: 6, other: 255 } as const;

/** §8.2.3.15 */
export const floorIndicator = {
  normal: 0x8000,
  broadcast: 0x4000,
  system: 0x2000,
  emergency: 0x1000,
  imminentPeril: 0x0800,
  queueing: 0x0400,
} as const;

/** What a floor control server says, and says how urgent the call is (§8.2.3.15). */
export function isOfServer(
  message: FloorMessage,
): message is Exclude<FloorMessage, { readonly type: "request" | "release" | "queue-request" | "ack" }> {
  const { type } = message;
  return type !== "request" && type !== "release" && type !== "queue-request" && type !== "ack";
}

/** §8.2.3.5: positions that are none. */
export const queuePosition = { none: 254, undisclosed: 255 } as const;

/** §8.2.3.12: who sends an Ack. */
export const ackSource = { participant: 0, participating: 1, controlling: 2, nonControlling: 3 } as const;

const words: Readonly<Record<"deny" | "revoke", Readonly<Record<number, string>>>> = {
  deny: {
    [denyCause.taken]: "someone else is talking",
    [denyCause.internal]: "fault in the floor control server",
    [denyCause.alone]: "nobody else is there",
    [denyCause.retryAfter]: "too soon after the last burst",
    [denyCause.receiveOnly]: "listen only",
    [denyCause.noResources]: "no resources",
    [denyCause.queueFull]: "the queue is full",
  },
  revoke: {
    [revokeCause.alone]: "nobody else is there",
    [revokeCause.tooLong]: "talked too long",
    [revokeCause.noPermission]: "sent without the floor",
    [revokeCause.preempted]: "pre-empted by a higher priority",
    [revokeCause.noResources]: "no resources",
  },
};

/** The cause of a Deny or a Revoke, in words for people. */
export function causeWords(of: "deny" | "revoke", cause: number): string {
  return words[of][cause] ?? `other reason (${cause})`;
}

/**
 * Encodes a floor message as one RTCP APP packet. Numbers out of range are clamped; a text is cut at 255 bytes.
 * `ssrc` is the sender's. `acknowledge` counts only for the messages that may ask for an Ack.
 */
export function encodeFloor(
  message: FloorMessage,
  options: { readonly ssrc: number; readonly acknowledge?: boolean },
): Uint8Array {
  const asks = options.acknowledge === true && acknowledgeable.includes(message.type);
  const subtype = floorSubtype[message.type] | (asks ? acknowledgeBit : 0);

  return writePacket(floorKind, subtype, options.ssrc, ({ word, byte, text, ssrc }) => {
    switch (message.type) {
      case "request":
        byte(field.priority, message.priority);
        text(field.userId, message.userId);
        break;
      case "granted":
        word(field.duration, message.durationS);
        ssrc(message.ssrc);
        byte(field.priority, message.priority);
        text(field.userId, message.userId);
        word(field.queueSize, message.queueSize);
        break;
      case "taken":
        text(field.party, message.party === "" ? undefined : message.party);
        word(field.mayRequest, message.mayRequest ? 1 : 0);
        word(field.sequence, message.sequence);
        ssrc(message.ssrc);
        break;
      case "deny":
      case "revoke":
        text(field.cause, message.phrase ?? "", message.cause);
        break;
      case "release":
      case "queue-request":
        text(field.userId, message.userId);
        break;
      case "idle":
        word(field.sequence, message.sequence);
        break;
      case "queue-info":
        text(field.userId, message.userId);
        word(field.queueSize, message.queueSize);
        byte(field.queueInfo, message.position, message.priority);
        break;
      case "ack":
        word(field.source, message.source);
        byte(field.messageType, message.of);
        break;
    }
    if ("indicator" in message) word(field.indicator, message.indicator);
  });
}

/** Whether an RTCP datagram begins with a floor control packet. Cheap: for telling it from the RTCP beside it. */
export function isFloorPacket(data: Uint8Array): boolean {
  return isOfKind(data, floorKind);
}

/**
 * Decodes the floor message that a datagram begins with. Never throws: undefined is no well-formed floor message.
 * A mandatory number that is absent reads as "not said" (cause 255, position 255, duration 0).
 */
export function decodeFloor(data: Uint8Array): DecodedFloor | undefined {
  const packet = readPacket(data, floorKind);
  const message = packet && readMessage(packet);
  if (!message) return undefined;
  const acknowledge = (packet.subtype & acknowledgeBit) !== 0;
  if (acknowledge && !acknowledgeable.includes(message.type)) return undefined;
  return { message, ssrc: packet.ssrc, acknowledge };
}

const utf8 = new TextDecoder();

/** Leaves out what is undefined. */
function present<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as typeof fields;
}

function readMessage({ subtype, fields }: ControlPacket): FloorMessage | undefined {
  const byte = (id: number): number | undefined => fields.get(id)?.[0];
  const word = (id: number): number | undefined => number(fields.get(id)?.subarray(0, 2));
  const text = (id: number): string | undefined => {
    const value = fields.get(id);
    return value && utf8.decode(value);
  };
  const ssrc = number(fields.get(field.ssrc)?.subarray(0, 4));
  const userId = text(field.userId);
  const queueSize = word(field.queueSize);
  const indicator = word(field.indicator);

  function rejected() {
    const phrase = fields.get(field.cause)?.subarray(2);
    const cause = word(field.cause) ?? denyCause.other;
    return { cause, ...present({ phrase: phrase?.length ? utf8.decode(phrase) : undefined, indicator }) };
  }

  switch (subtype & ~acknowledgeBit) {
    case floorSubtype.request:
      return { type: "request", ...present({ priority: byte(field.priority), userId, indicator }) };
    case floorSubtype.granted: {
      const durationS = word(field.duration) ?? 0;
      const priority = byte(field.priority) ?? 0;
      return { type: "granted", durationS, priority, ...present({ ssrc, userId, queueSize, indicator }) };
    }
    case floorSubtype.taken: {
      const party = text(field.party) ?? "";
      const mayRequest = word(field.mayRequest) !== 0;
      const sequence = word(field.sequence) ?? 0;
      return { type: "taken", party, mayRequest, sequence, ...present({ ssrc, indicator }) };
    }
    case floorSubtype.deny:
      return { type: "deny", ...rejected() };
    case floorSubtype.revoke:
      return { type: "revoke", ...rejected() };
    case floorSubtype.release:
      return { type: "release", ...present({ userId, indicator }) };
    case floorSubtype.idle:
      return { type: "idle", sequence: word(field.sequence) ?? 0, ...present({ indicator }) };
    case floorSubtype["queue-request"]:
      return { type: "queue-request", ...present({ userId }) };
    case floorSubtype["queue-info"]: {
      const position = byte(field.queueInfo) ?? 255;
      const priority = fields.get(field.queueInfo)?.[1] ?? 0;
      return { type: "queue-info", position, priority, ...present({ userId, queueSize, indicator }) };
    }
    case floorSubtype.ack: {
      const of = byte(field.messageType);
      return of === undefined ? undefined : { type: "ack", of, source: word(field.source) ?? ackSource.participant };
    }
    default:
      return undefined;
  }
}

function number(bytes: Uint8Array | undefined): number | undefined {
  return bytes?.reduce((value, next) => value * 256 + next, 0);
}
