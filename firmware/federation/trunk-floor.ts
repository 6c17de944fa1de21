/**
 * A floor message between gateways. Big-endian:
 *
 *     0  4  epoch
 *     4  2  priority
 *     6  1  a: length of the talkgroup
 *     7  1  b: length of the participant
 *     8  a  talkgroup, UTF-8
 *   8+a  b  participant, UTF-8
 * 8+a+b  …  an RTCP APP packet of TS 24.380 §8, at most 1024 bytes
 */
import { decodeText } from "./text.ts";

/** Floor control between gateways. `participant` is "gateway/leg"; `message` is an RTCP APP MCPT packet. */
export interface TrunkFloor {
  readonly talkgroup: string;
  readonly participant: string;
  /** The term of the controlling gateway, 32 bits. */
  readonly epoch: number;
  /** Of the burst that a Taken speaks of, or what a Request contends with; 16 bits. */
  readonly priority: number;
  readonly message: Uint8Array;
}

const fixedBytes = 8;
const longestMessage = 1_024;

/** Undefined when a field does not fit. */
export function encodeTrunkFloor(floor: TrunkFloor): Uint8Array | undefined {
  const talkgroup = Buffer.from(floor.talkgroup);
  const participant = Buffer.from(floor.participant);
  if (talkgroup.length > 255 || participant.length > 255 || floor.message.length > longestMessage) return undefined;
  if (!fits(floor.epoch, 2 ** 32) || !fits(floor.priority, 2 ** 16)) return undefined;
  const body = Buffer.alloc(fixedBytes + talkgroup.length + participant.length + floor.message.length);
  body.writeUInt32BE(floor.epoch, 0);
  body.writeUInt16BE(floor.priority, 4);
  body[6] = talkgroup.length;
  body[7] = participant.length;
  body.set(talkgroup, fixedBytes);
  body.set(participant, fixedBytes + talkgroup.length);
  body.set(floor.message, fixedBytes + talkgroup.length + participant.length);
  return body;
}

export function decodeTrunkFloor(body: Uint8Array): TrunkFloor | undefined {
  if (body.length < fixedBytes) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const participantAt = fixedBytes + view.getUint8(6);
  const messageAt = participantAt + view.getUint8(7);
  if (messageAt > body.length || body.length - messageAt > longestMessage) return undefined;
  const talkgroup = decodeText(body.subarray(fixedBytes, participantAt));
  const participant = decodeText(body.subarray(participantAt, messageAt));
  if (!talkgroup || participant === undefined) return undefined;
  return {
    talkgroup,
    participant,
    epoch: view.getUint32(0),
    priority: view.getUint16(4),
    message: body.subarray(messageAt),
  };
}

function fits(value: number, bound: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < bound;
}
