/** What the outside of an Opus packet says (RFC 6716 §3), and packets that stand for those which were lost. All lengths in samples at 48 kHz. */

const perMs = 48;
const longestPacket = 120 * perMs;
/** The shortest frame there is: CELT alone has it, in narrowband as configuration 16. */
const shortestFrame = 2.5 * perMs;
const shortestConfiguration = 16;

/** RFC 6716 §3.1, table 2: by the five upper bits of the first byte. */
function frameSamples(toc: number): number {
  const configuration = toc >> 3;
  if (configuration >= 16) return shortestFrame << (configuration & 3);
  if (configuration >= 12) return (configuration & 1 ? 20 : 10) * perMs;
  return ([10, 20, 40, 60][configuration & 3] ?? 0) * perMs;
}

/** How long it lasts; 0 for what is no packet of Opus. */
export function samplesIn(packet: Uint8Array): number {
  const [toc, count = 0] = packet;
  if (toc === undefined) return 0;
  const code = toc & 3;
  // RFC 6716 §3.2.5: the count of frames is in the second byte.
  const frames = code === 0 ? 1 : code < 3 ? 2 : count & 0x3f;
  const samples = frames * frameSamples(toc);
  return samples <= longestPacket ? samples : 0;
}

/**
 * Packets without content that ask a decoder to conceal a gap (RFC 7845 §4.1), in the mode and frame size of the one before them. What
 * is less than 2.5 ms is left out.
 */
export function concealing(samples: number, before: Uint8Array): readonly Uint8Array[] {
  const toc = before[0] ?? 0;
  const frame = frameSamples(toc);
  const stereo = toc & 4;
  const whole = repeated(toc & 0xfc, Math.floor(samples / frame), Math.floor(longestPacket / frame));
  const rest = Math.floor((samples % frame) / shortestFrame);
  return [...whole, ...repeated((shortestConfiguration << 3) | stereo, rest, longestPacket / shortestFrame)];
}

/** Whether it has no content: one frame, or so many that are all as long. */
export const isConcealing = ({ 0: toc = 0, length }: Uint8Array): boolean => length === ((toc & 3) === 3 ? 2 : 1);

/** So many empty frames, in packets of `most` at most. */
function repeated(toc: number, frames: number, most: number): readonly Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let left = frames; left > 0; left -= most) {
    const count = Math.min(left, most);
    packets.push(count === 1 ? Uint8Array.of(toc) : Uint8Array.of(toc | 3, count));
  }
  return packets;
}
