/** Spoils RTP, RTCP and floor control by their fields, so that most of what comes out still looks like what it was. */
import { isRtcp } from "../../firmware/media/rtp.ts";
import { type Dice, edges, type Spoil } from "./dice.ts";
import { byteSpoils } from "./spoil-bytes.ts";

const appHeaderBytes = 12;

/** Writes into a copy; what lies beyond its end is passed over. */
function edited(data: Uint8Array, edit: (view: DataView) => void): Uint8Array {
  const copy = Uint8Array.from(data);
  try {
    edit(new DataView(copy.buffer));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return copy;
}

const word = (dice: Dice): number => (dice.chance(0.5) ? dice.oneOf(edges) : dice.below(2 ** 32));

const rtpHeader: Spoil = (dice, data) =>
  edited(data, (view) => {
    switch (dice.below(8)) {
      case 0:
        return view.setUint8(0, dice.below(256));
      case 1:
        return view.setUint8(1, dice.below(256));
      case 2:
        return view.setUint16(2, dice.chance(0.5) ? view.getUint16(2) + dice.below(200) - 100 : word(dice));
      case 3:
        return view.setUint32(4, dice.chance(0.5) ? view.getUint32(4) + 960 * (dice.below(200) - 100) : word(dice));
      case 4:
        return view.setUint32(8, word(dice));
      case 5:
        // Padding that may be more than there is.
        view.setUint8(0, view.getUint8(0) | 0x20);
        return view.setUint8(view.byteLength - 1, dice.below(256));
      case 6:
        view.setUint8(0, view.getUint8(0) | 0x10);
        return view.setUint16(14, dice.oneOf([0, 1, 5, 0xffff]));
      default:
        return view.setUint8(0, (view.getUint8(0) & 0xf0) | dice.below(16));
    }
  });

/** A sound header before anything: what the codecs get. */
const rtpPayload: Spoil = (dice, data) => {
  const payload = dice.bytes(dice.oneOf([0, 1, 2, 3, 40, 160, 1_275, 1_460, 1_500]));
  // The frame counts and lengths of Opus (RFC 6716 §3.2) are in its first two bytes.
  if (dice.chance(0.5)) payload[0] = dice.below(64) * 4 + 3;
  return Buffer.concat([data.subarray(0, 12), payload]);
};

/** Keys (RFC 4733): under the numbers that are agreed on, in storms and in numbers of nowhere. */
const rtpKey: Spoil = (dice, data) => {
  const key = Uint8Array.of(dice.below(dice.chance(0.7) ? 16 : 256), dice.below(256), dice.below(256), dice.below(256));
  const packet = Buffer.concat([data.subarray(0, 12), key.subarray(0, dice.chance(0.9) ? 4 : dice.below(4))]);
  return edited(packet, (view) => {
    view.setUint8(1, dice.oneOf([101, 110, 0x80 | 101, 0x80 | 110]));
    if (dice.chance(0.5)) view.setUint32(4, dice.chance(0.5) ? view.getUint32(4) + dice.below(0x1_0001) : word(dice));
  });
};

const rtcpHeader: Spoil = (dice, data) =>
  edited(data, (view) => {
    switch (dice.below(6)) {
      case 0:
        return view.setUint8(0, 0x80 | dice.below(64));
      case 1:
        return view.setUint8(1, dice.oneOf([192, 200, 201, 202, 203, 204, 205, 206, 207, 223]));
      case 2:
        return view.setUint16(2, dice.chance(0.5) ? view.getUint16(2) + dice.below(5) - 2 : word(dice));
      case 3:
        return view.setUint32(4, word(dice));
      default:
        // Loss, jitter, times, counts: whatever lies there.
        return view.setUint32(8 + 4 * dice.below(Math.max(1, view.byteLength / 4 - 2)), word(dice));
    }
  });

/** The floor fields of a packet: where each starts. */
function fieldsOf(data: Uint8Array): number[] {
  const starts: number[] = [];
  for (let at = appHeaderBytes; at + 1 < data.length; at = (at + 2 + (data[at + 1] ?? 0) + 3) & ~3) starts.push(at);
  return starts;
}

const withLength = (data: Uint8Array): Uint8Array =>
  edited(data, (view) => view.setUint16(2, Math.ceil(view.byteLength / 4) - 1));

const floorSubtype: Spoil = (dice, data) => edited(data, (view) => view.setUint8(0, 0x80 | dice.below(32)));

/** What looks like floor control and is call control (TS 24.380 §8.3), or the other way round. */
const controlName: Spoil = (dice, data) =>
  edited(data, (view) => view.setUint32(8, dice.oneOf([0x4d43_5054, 0x4d43_5043, 0x4d43_5043, 0x4d43_4d43])));

const floorField: Spoil = (dice, data) => {
  const starts = fieldsOf(data);
  if (starts.length === 0) return data;
  const at = dice.oneOf(starts);
  return edited(data, (view) => {
    switch (dice.below(3)) {
      case 0:
        return view.setUint8(at, dice.below(20));
      case 1:
        return view.setUint8(at + 1, dice.oneOf([0, 1, 2, 3, 4, 127, 255, view.getUint8(at + 1) + 1]));
      default:
        return view.setUint16(at + 2, word(dice));
    }
  });
};

const floorFieldAdded: Spoil = (dice, data) => {
  const length = dice.oneOf([0, 1, 2, 4, 6, 30, 255]);
  const padding = new Uint8Array(-(2 + length) & 3);
  const field = Buffer.concat([Uint8Array.of(dice.below(18), length), dice.bytes(length), padding]);
  return withLength(Buffer.concat([data, ...Array(1 + dice.below(dice.chance(0.1) ? 200 : 3)).fill(field)]));
};

const floorFieldsRepeated: Spoil = (dice, data) => {
  const fields = data.subarray(Math.min(appHeaderBytes, data.length));
  return withLength(Buffer.concat([data, ...Array(1 + dice.below(50)).fill(fields)]));
};

/** Several in one datagram. */
const compound: Spoil = (dice, data, other) => Buffer.concat([...Array(1 + dice.below(40)).fill(other), data]);

const rtpSpoils: readonly Spoil[] = [rtpHeader, rtpHeader, rtpHeader, rtpPayload, rtpPayload, rtpKey, ...byteSpoils];
const floorSpoils: readonly Spoil[] = [
  ...[floorSubtype, floorSubtype, controlName, floorField, floorField, floorFieldAdded, floorFieldsRepeated, compound],
];
const rtcpSpoils: readonly Spoil[] = [rtcpHeader, rtcpHeader, rtcpHeader, compound, ...floorSpoils, ...byteSpoils];

export const floorMessageSpoils: readonly Spoil[] = [rtcpHeader, ...floorSpoils, ...byteSpoils];
export const mediaSpoils = (data: Uint8Array): readonly Spoil[] => (isRtcp(data) ? rtcpSpoils : rtpSpoils);
