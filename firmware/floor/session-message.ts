/**
 * The messages of call control over a pre-established session (3GPP TS 24.380 §8.3) and their form on the wire: one RTCP APP
 * packet named "MCPC" each. By them a terminal hears which call its session serves from now on. Decides what a well-formed
 * message is and nothing else.
 */
import { isOfKind, type PacketKind, readPacket, writePacket } from "./field.ts";
import { acknowledgeBit } from "./message.ts";

/** `session` and `group` are SIP URIs. */
export type SessionMessage =
  | {
      readonly type: "connect";
      readonly session: string;
      readonly sessionType: number;
      /** Absent: a call of no group. */
      readonly group?: string;
      /** Which m= lines of the session description the call uses, counted from 1. 0: none. */
      readonly audioLine: number;
      readonly floorLine: number;
      /** The identity of who called. */
      readonly caller?: string;
    }
  | { readonly type: "disconnect"; readonly session: string; readonly sessionType: number }
  /** `reason` is one of `sessionReason`. */
  | {
      readonly type: "acknowledgement";
      readonly session: string;
      readonly sessionType: number;
      readonly reason: number;
    };

/** §8.3.2. */
export const sessionSubtype = {
  connect: 0,
  disconnect: 1,
  acknowledgement: 2,
} as const satisfies Record<SessionMessage["type"], number>;

/** §8.3.3.3 */
export const sessionType = { none: 0, private: 1, prearranged: 3, chat: 4 } as const;

/** §8.3.3.8 */
export const sessionReason = { accepted: 0, busy: 1, notAccepted: 2 } as const;

/** Table 8.3.3.1-2. */
const field = { media: 0, session: 1, warning: 2, group: 3, answerState: 4, inviter: 5, reason: 6 } as const;
/** §8.3.3.6: nobody waits for the terminal's user. */
const confirmed = 1;

/** "MCPC" */
const sessionKind: PacketKind = {
  name: [0x4d, 0x43, 0x50, 0x43],
  shortest: { [field.media]: 2, [field.session]: 1, [field.answerState]: 2, [field.reason]: 2 },
};

/** `ssrc` is the sender's; a text is cut at 255 bytes. A Connect and a Disconnect are acknowledged without being asked for it. */
export function encodeSession(message: SessionMessage, ssrc: number): Uint8Array {
  return writePacket(sessionKind, sessionSubtype[message.type], ssrc, ({ word, byte, text }) => {
    text(field.session, message.session, message.sessionType, 1);
    if (message.type === "acknowledgement") word(field.reason, message.reason);
    if (message.type !== "connect") return;
    text(field.group, message.group);
    byte(field.media, message.audioLine, message.floorLine);
    word(field.answerState, confirmed);
    text(field.inviter, message.caller);
  });
}

/** Whether an RTCP datagram begins with such a packet. Cheap: for telling it from the RTCP beside it. */
export function isSessionPacket(data: Uint8Array): boolean {
  return isOfKind(data, sessionKind);
}

const utf8 = new TextDecoder();

/** Decodes the message that a datagram begins with. Never throws: undefined is no well-formed one. */
export function decodeSession(data: Uint8Array): SessionMessage | undefined {
  const packet = readPacket(data, sessionKind);
  if (!packet) return undefined;
  const { fields } = packet;
  const named = fields.get(field.session);
  const text = (bytes: Uint8Array | undefined): string | undefined => bytes && utf8.decode(bytes);
  const common = { session: text(named?.subarray(1)) ?? "", sessionType: named?.[0] ?? sessionType.none };

  switch (packet.subtype & ~acknowledgeBit) {
    case sessionSubtype.connect: {
      const [audioLine = 0, floorLine = 0] = fields.get(field.media) ?? [];
      const group = text(fields.get(field.group));
      const caller = text(fields.get(field.inviter));
      const parties = { ...(group !== undefined && { group }), ...(caller !== undefined && { caller }) };
      return { type: "connect", ...common, audioLine, floorLine, ...parties };
    }
    case sessionSubtype.disconnect:
      return { type: "disconnect", ...common };
    case sessionSubtype.acknowledgement: {
      const [high = 0, low = 0] = fields.get(field.reason) ?? [];
      return { type: "acknowledgement", ...common, reason: high * 256 + low };
    }
    default:
      return undefined;
  }
}
