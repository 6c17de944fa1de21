/**
 * RTP on the wire (RFC 3550 §5.1): reading into a reused view, writing a header, counting modulo 2^16.
 * It does not know codecs, sessions or sources.
 */

/** Bytes of a header without CSRC and extension: all that this gateway ever sends. */
export const rtpHeaderLength = 12;

export interface RtpFields {
  payloadType: number;
  marker: boolean;
  /** 16 bit. */
  sequence: number;
  /** 32 bit, in ticks of the payload's clock. */
  timestamp: number;
  ssrc: number;
}

/** Where a packet's parts lie. One view serves a whole stream of packets. */
export interface RtpView extends RtpFields {
  payloadOffset: number;
  /** Without padding. */
  payloadLength: number;
}

export function rtpView(): RtpView {
  return {
    payloadType: 0,
    marker: false,
    sequence: 0,
    timestamp: 0,
    ssrc: 0,
    payloadOffset: rtpHeaderLength,
    payloadLength: 0,
  };
}

const uint16 = (data: Uint8Array, at: number): number => ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0);
const uint32 = (data: Uint8Array, at: number): number => ((uint16(data, at) << 16) | uint16(data, at + 2)) >>> 0;

/** Reads the header of `data` into `view`. False, and an undefined view, when it is no RTP packet of version 2 whose lengths add up. */
export function readRtp(data: Uint8Array, view: RtpView): boolean {
  if (data.length < rtpHeaderLength) return false;
  const first = data[0] ?? 0;
  const second = data[1] ?? 0;
  if (first >> 6 !== 2) return false;
  let offset = rtpHeaderLength + 4 * (first & 0x0f);
  if (first & 0x10) {
    // RFC 3550 §5.3.1: a profile word and a count of 32-bit words.
    if (offset + 4 > data.length) return false;
    offset += 4 + 4 * uint16(data, offset + 2);
  }
  let end = data.length;
  if (first & 0x20) {
    const padding = data[end - 1] ?? 0;
    if (padding === 0) return false;
    end -= padding;
  }
  if (offset > end) return false;
  view.marker = (second & 0x80) !== 0;
  view.payloadType = second & 0x7f;
  view.sequence = uint16(data, 2);
  view.timestamp = uint32(data, 4);
  view.ssrc = uint32(data, 8);
  view.payloadOffset = offset;
  view.payloadLength = end - offset;
  return true;
}

/** Writes a 12-byte header at the start of `into`. */
export function writeRtpHeader(into: Uint8Array, fields: Readonly<RtpFields>): void {
  const { sequence, timestamp, ssrc } = fields;
  into[0] = 0x80;
  into[1] = (fields.marker ? 0x80 : 0) | (fields.payloadType & 0x7f);
  into[2] = sequence >> 8;
  into[3] = sequence;
  into[4] = timestamp >>> 24;
  into[5] = timestamp >>> 16;
  into[6] = timestamp >>> 8;
  into[7] = timestamp;
  into[8] = ssrc >>> 24;
  into[9] = ssrc >>> 16;
  into[10] = ssrc >>> 8;
  into[11] = ssrc;
}

/** RFC 5761 §4: the second byte of RTCP is a packet type, 192 to 223; RTP payload types 64 to 95 are left unused for that. */
export function isRtcp(data: Uint8Array): boolean {
  const type = data[1] ?? 0;
  return data.length >= 4 && (data[0] ?? 0) >> 6 === 2 && type >= 192 && type <= 223;
}

/** How far `to` lies after `from`, -32768 to 32767. */
export const sequenceDistance = (from: number, to: number): number => ((to - from) << 16) >> 16;
/** How far `to` lies after `from` in ticks, -2^31 to 2^31 - 1. */
export const timestampDistance = (from: number, to: number): number => (to - from) | 0;
/** Whether `a` was sent after `b`. */
export const sequenceAfter = (a: number, b: number): boolean => sequenceDistance(b, a) > 0;
/** The count without wrap-around that is nearest to `reference` and equals `sequence` modulo 2^16. */
export const unwrapSequence = (sequence: number, reference: number): number =>
  reference + sequenceDistance(reference & 0xffff, sequence);
