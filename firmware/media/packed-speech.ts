/**
 * What was said, as it travels between threads: packets of Opus in one piece of memory, each with its place in the burst. For one
 * packet after another: position (32 bits, signed, samples at 48 kHz), length in bytes (16 bits), and so many bytes.
 */

export interface SpeechPacket {
  /** Where it begins in its burst, samples at 48 kHz. */
  readonly position: number;
  readonly payload: Uint8Array;
}

export const speechHeaderLength = 6;

export function packSpeech(packets: Iterable<SpeechPacket>): Uint8Array<ArrayBuffer> {
  const all = [...packets];
  const packed = new Uint8Array(all.reduce((sum, { payload }) => sum + speechHeaderLength + payload.length, 0));
  const view = new DataView(packed.buffer);
  let at = 0;
  for (const { position, payload } of all) {
    writeSpeechHeader(view, at, position, payload.length);
    packed.set(payload, at + speechHeaderLength);
    at += speechHeaderLength + payload.length;
  }
  return packed;
}

/** What goes before a payload of `length` bytes. */
export function writeSpeechHeader(view: DataView, at: number, position: number, length: number): void {
  view.setInt32(at, position);
  view.setUint16(at + 4, length);
}

/** One after another; the payloads are views into `packed`. It ends where what is left is no whole packet. */
export function* speechIn(packed: Uint8Array): Generator<SpeechPacket> {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  for (let at = 0; at + speechHeaderLength <= packed.length; ) {
    const position = view.getInt32(at);
    const start = at + speechHeaderLength;
    at = start + view.getUint16(at + 4);
    if (at > packed.length) return;
    yield { position, payload: packed.subarray(start, at) };
  }
}
