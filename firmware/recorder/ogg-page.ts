/**
 * Ogg pages (RFC 3533 §6): the unit in which a recording is written, and in which it is mended. A packet is at most 255 * 255 bytes
 * long here and lies in one page, which voice always does; a page of others that begins or ends within a packet is none to this file.
 */

export interface OggPage {
  /** Beginning and end of the stream. */
  readonly first: boolean;
  readonly last: boolean;
  /** Samples at 48 kHz in all packets up to the end of this page, those that are skipped too (RFC 7845 §4). */
  readonly granule: number;
  readonly serial: number;
  readonly sequence: number;
  readonly packets: readonly Uint8Array[];
  /** Bytes from its start to the start of the next. */
  readonly length: number;
}

const headerLength = 27;
/** "OggS" */
const capture = 0x4f676753;
const continued = 1;
const beginning = 2;
const ending = 4;
const flagsAt = 5;
const checksumAt = 22;
export const mostSegments = 255;

/** Lacing values that a packet of so many bytes takes; one that fills its last segment is closed by an empty one. */
export const segmentsOf = (bytes: number): number => Math.floor(bytes / 255) + 1;

/** The packets take 255 segments at most. */
export function writePage(page: Omit<OggPage, "length">): Uint8Array {
  const segments = page.packets.reduce((sum, packet) => sum + segmentsOf(packet.length), 0);
  if (segments > mostSegments) throw new RangeError(`${segments} segments in one Ogg page`);
  const content = page.packets.reduce((sum, packet) => sum + packet.length, 0);
  const bytes = new Uint8Array(headerLength + segments + content);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, capture);
  view.setUint8(flagsAt, (page.first ? beginning : 0) | (page.last ? ending : 0));
  view.setBigUint64(6, BigInt(page.granule), true);
  view.setUint32(14, page.serial, true);
  view.setUint32(18, page.sequence, true);
  view.setUint8(26, segments);
  let lacing = headerLength;
  let start = headerLength + segments;
  for (const packet of page.packets) {
    const whole = segmentsOf(packet.length) - 1;
    bytes.fill(255, lacing, lacing + whole);
    bytes[lacing + whole] = packet.length % 255;
    lacing += whole + 1;
    bytes.set(packet, start);
    start += packet.length;
  }
  view.setUint32(checksumAt, checksum(bytes), true);
  return bytes;
}

/** The page at `offset`; undefined where there is none that is whole and sound. Its packets are views into `data`. */
export function readPage(data: Uint8Array, offset: number): OggPage | undefined {
  if (data.length - offset < headerLength) return undefined;
  const view = new DataView(data.buffer, data.byteOffset + offset, data.length - offset);
  const flags = view.getUint8(flagsAt);
  if (view.getUint32(0) !== capture || view.getUint8(4) !== 0 || (flags & continued) !== 0) return undefined;
  const segments = view.getUint8(26);
  if (view.byteLength < headerLength + segments) return undefined;
  const lengths = packetLengths(data.subarray(offset + headerLength, offset + headerLength + segments));
  const content = lengths?.reduce((sum, length) => sum + length, 0) ?? 0;
  const length = headerLength + segments + content;
  if (!lengths || view.byteLength < length) return undefined;
  const granule = Number(view.getBigInt64(6, true));
  if (granule < 0 || !Number.isSafeInteger(granule)) return undefined;
  if (checksum(data.subarray(offset, offset + length)) !== view.getUint32(checksumAt, true)) return undefined;
  let start = offset + headerLength + segments;
  const packets = lengths.map((bytes) => {
    start += bytes;
    return data.subarray(start - bytes, start);
  });
  return {
    first: (flags & beginning) !== 0,
    last: (flags & ending) !== 0,
    granule,
    serial: view.getUint32(14, true),
    sequence: view.getUint32(18, true),
    packets,
    length,
  };
}

/** Undefined where the last packet goes on in the next page. */
function packetLengths(lacing: Uint8Array): number[] | undefined {
  const lengths: number[] = [];
  let length = 0;
  for (const segment of lacing) {
    length += segment;
    if (segment === 255) continue;
    lengths.push(length);
    length = 0;
  }
  return lacing.at(-1) === 255 ? undefined : lengths;
}

/** RFC 3533 §6, field 7: polynomial 0x04c11db7, neither reflected nor inverted, begun at 0. */
const table = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index << 24;
  for (let bit = 0; bit < 8; bit++) value = (value << 1) ^ (value < 0 ? 0x04c11db7 : 0);
  return value;
});

/** Of a page whose own checksum counts as 0. */
function checksum(page: Uint8Array): number {
  let sum = 0;
  for (let index = 0; index < page.length; index++) {
    const byte = index >= checksumAt && index < checksumAt + 4 ? 0 : (page[index] ?? 0);
    sum = (sum << 8) ^ (table[(sum >>> 24) ^ byte] ?? 0);
  }
  return sum >>> 0;
}
