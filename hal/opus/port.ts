/** Opus at 48 kHz mono, frames of 20 ms (RFC 6716). Bad sizes and bad packets throw OpusError; nothing ever aborts the process. */
export interface OpusEncoder {
  /** Encodes 960 samples. The packet belongs to the encoder until its next call. */
  encode(frame: Int16Array): Uint8Array;
  /** Expected packet loss in percent, 0..100: drives in-band FEC. */
  setLoss(percent: number): void;
  /** Forgets what was encoded: nothing of it is heard in what follows, whose first frame sounds right to a decoder that knows none of it. */
  forget(): void;
  close(): void;
}

export interface OpusDecoder {
  /** Decodes one packet into `into` (at least 960 samples; up to 5760 for a 120 ms packet); returns the sample count a channel. */
  decode(packet: Uint8Array, into: Int16Array): number;
  /** Conceals one lost frame of 960 samples. */
  conceal(into: Int16Array): void;
  /** Recovers the lost frame before `next` from its FEC data, or conceals when it carries none. */
  recover(next: Uint8Array, into: Int16Array): void;
  close(): void;
}

/** In bytes: three frames of 1275, a header each, are 120 ms of anything sane. What is longer is refused unread. */
export const largestPacket = 4000;

export class OpusError extends Error {
  override readonly name = "OpusError";
}

export interface Opus {
  /** `bitrate` in bit/s. In-band FEC is on; voice application; complexity 5. */
  encoder(options: { readonly bitrate: number }): Promise<OpusEncoder>;
  decoder(): Promise<OpusDecoder>;
}
