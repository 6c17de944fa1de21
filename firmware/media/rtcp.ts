/**
 * RTCP on the wire (RFC 3550 §6): compound packets read into values and written from them. Application packets (floor control)
 * are handed on as bytes. A lone sub-packet is taken too (RFC 5506), since floor messages travel so.
 * It does not know when to report or what the numbers mean.
 */

/** Seconds since 1900 and the fraction of one in 2^-32. */
export interface NtpTime {
  readonly seconds: number;
  readonly fraction: number;
}

export interface ReportBlock {
  readonly ssrc: number;
  /** Since the last report, in 1/256. */
  readonly fractionLost: number;
  /** Since the start; negative when duplicates outweigh losses. */
  readonly lost: number;
  /** Extended by the count of wrap-arounds, 32 bit. */
  readonly highestSequence: number;
  /** In ticks of the payload's clock. */
  readonly jitter: number;
  /** LSR: the middle 32 bits of the last sender report's NTP time; 0 when there was none. */
  readonly lastReport: number;
  /** DLSR, in 1/65536 s. */
  readonly sinceLastReport: number;
}

export interface SenderInfo {
  readonly ntp: NtpTime;
  readonly timestamp: number;
  readonly packets: number;
  readonly octets: number;
}

export type RtcpPacket =
  | {
      readonly type: "sender-report";
      readonly ssrc: number;
      readonly sender: SenderInfo;
      readonly reports: readonly ReportBlock[];
    }
  | { readonly type: "receiver-report"; readonly ssrc: number; readonly reports: readonly ReportBlock[] }
  | {
      readonly type: "source-description";
      readonly sources: readonly { readonly ssrc: number; readonly cname: string | undefined }[];
    }
  | { readonly type: "bye"; readonly sources: readonly number[] }
  /** `packet` holds the whole sub-packet, header included, and lies in the data that was parsed. */
  | {
      readonly type: "application";
      readonly subtype: number;
      readonly ssrc: number;
      readonly name: string;
      readonly packet: Uint8Array;
    }
  | { readonly type: "other"; readonly packetType: number; readonly packet: Uint8Array };

/** What one end has to say about itself and what it hears (RFC 3550 §6.1). */
export interface RtcpReport {
  readonly ssrc: number;
  readonly cname: string;
  /** Present when packets were sent since the last report: makes it a sender report. */
  readonly sender?: SenderInfo | undefined;
  readonly reports: readonly ReportBlock[];
  readonly bye?: boolean;
}

const packetTypes = { senderReport: 200, receiverReport: 201, sourceDescription: 202, bye: 203, application: 204 };
const cnameItem = 1;
const blockLength = 24;
const largestCname = 255;
/** More sub-packets than this in one datagram are nobody's honest report. */
const largestCompound = 32;
/** Seconds between the epochs of NTP (1900) and Unix (1970). */
const ntpEpoch = 2_208_988_800;

/** `wallMs`: Unix time in ms. */
export function ntpTime(wallMs: number): NtpTime {
  const seconds = Math.floor(wallMs / 1000);
  return { seconds: (seconds + ntpEpoch) >>> 0, fraction: Math.floor(((wallMs - seconds * 1000) / 1000) * 2 ** 32) };
}

/** The middle 32 bits of an NTP time, in 1/65536 s (RFC 3550 §4). */
export const ntpMiddle = ({ seconds, fraction }: NtpTime): number =>
  (((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0;

/** Round trip in ms from a block about our stream that arrives now; undefined while the peer has seen no report of ours (RFC 3550 §6.4.1). */
export function roundTripMs(now: NtpTime, block: ReportBlock): number | undefined {
  if (block.lastReport === 0) return undefined;
  const units = (ntpMiddle(now) - block.lastReport - block.sinceLastReport) | 0;
  return units < 0 ? 0 : (units * 1000) / 65_536;
}

function readBlocks(view: DataView, offset: number, count: number): ReportBlock[] {
  return Array.from({ length: count }, (_, index) => {
    const at = offset + index * blockLength;
    return {
      ssrc: view.getUint32(at),
      fractionLost: view.getUint8(at + 4),
      lost: (view.getInt32(at + 4) << 8) >> 8,
      highestSequence: view.getUint32(at + 8),
      jitter: view.getUint32(at + 12),
      lastReport: view.getUint32(at + 16),
      sinceLastReport: view.getUint32(at + 20),
    };
  });
}

/** RFC 3550 §6.5: chunks of an SSRC and items, each chunk ended by a zero and padded to 32 bits. */
function readSources(view: DataView, count: number, end: number): RtcpPacket | undefined {
  const sources: { ssrc: number; cname: string | undefined }[] = [];
  let at = 4;
  for (let chunk = 0; chunk < count; chunk++) {
    if (at + 4 > end) return undefined;
    const ssrc = view.getUint32(at);
    let cname: string | undefined;
    at += 4;
    while (at < end && view.getUint8(at) !== 0) {
      if (at + 2 > end) return undefined;
      const length = view.getUint8(at + 1);
      if (at + 2 + length > end) return undefined;
      if (view.getUint8(at) === cnameItem)
        cname = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at + 2, length));
      at += 2 + length;
    }
    at = (at + 4) & ~3;
    sources.push({ ssrc, cname });
  }
  return { type: "source-description", sources };
}

/** Reads one sub-packet, whose body ends at `end`. Undefined when its count claims more than it holds. */
function readPart(packet: Uint8Array, end: number): RtcpPacket | undefined {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const count = view.getUint8(0) & 0x1f;
  const packetType = view.getUint8(1);
  switch (packetType) {
    case packetTypes.senderReport: {
      if (28 + count * blockLength > end) return undefined;
      const ntp = { seconds: view.getUint32(8), fraction: view.getUint32(12) };
      const sender = { ntp, timestamp: view.getUint32(16), packets: view.getUint32(20), octets: view.getUint32(24) };
      return { type: "sender-report", ssrc: view.getUint32(4), sender, reports: readBlocks(view, 28, count) };
    }
    case packetTypes.receiverReport:
      if (8 + count * blockLength > end) return undefined;
      return { type: "receiver-report", ssrc: view.getUint32(4), reports: readBlocks(view, 8, count) };
    case packetTypes.sourceDescription:
      return readSources(view, count, end);
    case packetTypes.bye:
      if (4 + count * 4 > end) return undefined;
      return { type: "bye", sources: Array.from({ length: count }, (_, index) => view.getUint32(4 + index * 4)) };
    case packetTypes.application: {
      if (12 > end) return undefined;
      const name = String.fromCharCode(...packet.subarray(8, 12));
      return { type: "application", subtype: count, ssrc: view.getUint32(4), name, packet };
    }
    default:
      return { type: "other", packetType, packet };
  }
}

/** Reads a datagram of RTCP. Undefined when its lengths do not add up (RFC 3550 A.2): then nothing in it is to be believed. */
export function parseRtcp(data: Uint8Array): readonly RtcpPacket[] | undefined {
  const packets: RtcpPacket[] = [];
  let at = 0;
  while (at < data.length) {
    if (at + 4 > data.length || packets.length === largestCompound) return undefined;
    const first = data[at] ?? 0;
    const length = 4 * ((((data[at + 2] ?? 0) << 8) | (data[at + 3] ?? 0)) + 1);
    const after = at + length;
    if (first >> 6 !== 2 || after > data.length) return undefined;
    let end = length;
    if (first & 0x20) {
      // Only the last sub-packet may be padded (RFC 3550 §6.4.1).
      const padding = data[after - 1] ?? 0;
      if (after !== data.length || padding === 0 || padding % 4 !== 0 || padding > length - 4) return undefined;
      end -= padding;
    }
    const part = readPart(data.subarray(at, after), end);
    if (!part) return undefined;
    packets.push(part);
    at = after;
  }
  return packets.length > 0 ? packets : undefined;
}

/** Writes the header of a sub-packet that ends at `end` (a multiple of 4 after `at`). */
function writeHeader(view: DataView, at: number, count: number, packetType: number, end: number): void {
  view.setUint8(at, 0x80 | count);
  view.setUint8(at + 1, packetType);
  view.setUint16(at + 2, (end - at) / 4 - 1);
}

function writeBlock(view: DataView, at: number, block: ReportBlock): void {
  const lost = Math.max(-0x80_0000, Math.min(0x7f_ffff, block.lost));
  view.setUint32(at, block.ssrc);
  view.setInt32(at + 4, lost & 0xff_ffff);
  view.setUint8(at + 4, block.fractionLost);
  view.setUint32(at + 8, block.highestSequence);
  view.setUint32(at + 12, block.jitter);
  view.setUint32(at + 16, block.lastReport);
  view.setUint32(at + 20, block.sinceLastReport);
}

/** Builds a compound packet: SR or RR, SDES with CNAME, BYE when leaving. At most 31 blocks and 255 bytes of CNAME go out. */
export function buildRtcp(report: RtcpReport): Uint8Array {
  const cname = new TextEncoder().encode(report.cname).subarray(0, largestCname);
  const blocks = report.reports.slice(0, 31);
  const { sender } = report;
  const blocksAt = sender ? 28 : 8;
  const describedAt = blocksAt + blocks.length * blockLength;
  // SSRC, type, length, text, and at least one zero.
  const byeAt = (describedAt + 4 + 4 + 2 + cname.length + 4) & ~3;
  const out = new Uint8Array(byeAt + (report.bye ? 8 : 0));
  const view = new DataView(out.buffer);

  writeHeader(view, 0, blocks.length, sender ? packetTypes.senderReport : packetTypes.receiverReport, describedAt);
  view.setUint32(4, report.ssrc);
  if (sender) {
    view.setUint32(8, sender.ntp.seconds);
    view.setUint32(12, sender.ntp.fraction);
    view.setUint32(16, sender.timestamp);
    view.setUint32(20, sender.packets);
    view.setUint32(24, sender.octets);
  }
  blocks.forEach((block, index) => writeBlock(view, blocksAt + index * blockLength, block));

  writeHeader(view, describedAt, 1, packetTypes.sourceDescription, byeAt);
  view.setUint32(describedAt + 4, report.ssrc);
  view.setUint8(describedAt + 8, cnameItem);
  view.setUint8(describedAt + 9, cname.length);
  out.set(cname, describedAt + 10);

  if (report.bye) {
    writeHeader(view, byeAt, 1, packetTypes.bye, byeAt + 8);
    view.setUint32(byeAt + 4, report.ssrc);
  }
  return out;
}
