/**
 * What was said, as it travels between threads: packets of Opus in one piece of memory, each with its place in the burst. For one
 * packet after another: position (32 bits, signed, samples at 48 kHz), length in bytes (16 bits), and so many bytes.
 */

export interface SpeechPacket {
  /** Where it begins in its burst, samples at 48 kHz. */
  readonly position: number;
  readonly payload: Uint8Array;
}

const headerLength = 6;

export function packSpeech(packets: Iterable<SpeechPacket>): Uint8Array<ArrayBuffer> {
  const all = [...packets];
  const packed = new Uint8Array(all.reduce((sum, { payload }) => sum + headerLength + payload.length, 0));
  const view = new DataView(packed.buffer);
  let at = 0;
  for (const { position, payload } of all) {
    view.setInt32(at, position);
    view.setUint16(at + 4, payload.length);
    packed.set(payload, at + headerLength);
    at += headerLength + payload.length;
  }
  return packed;
}

/** One after another; the payloads are views into `packed`. It ends where what is left is no whole packet. */
export function* speechIn(packed: Uint8Array): Generator<SpeechPacket> {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  for (let at = 0; at + headerLength <= packed.length; ) {
    const position = view.getInt32(at);
    const start = at + headerLength;
    at = start + view.getUint16(at + 4);
    if (at > packed.length) return;
    yield { position, payload: packed.subarray(start, at) };
  }
}
