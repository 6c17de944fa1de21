/**
 * What the addon exports (hal/native/*.cc), one object a subject. Only the drivers that stand on it call it, each with
 * arguments that it has checked: a wrong type throws TypeError, a wrong number RangeError. A negative result is a
 * library's fault code.
 */
export interface Native {
  readonly opus: NativeOpus;
}

declare const handle: unique symbol;
/** What the addon keeps for JavaScript, until it is collected or its thread ends. */
export interface Handle<Kind extends string> {
  readonly [handle]: Kind;
}

/** hal/native/opus.cc */
export interface NativeOpus {
  /** `bitrate` in bit/s. */
  openEncoder(bitrate: number): Handle<"encoder"> | number;
  /** Encodes 960 samples into `packet`; returns its length in bytes. */
  encode(encoder: Handle<"encoder">, frame: Int16Array, packet: Uint8Array): number;
  setLoss(encoder: Handle<"encoder">, percent: number): number;
  forget(encoder: Handle<"encoder">): number;
  closeEncoder(encoder: Handle<"encoder">): void;
  openDecoder(): Handle<"decoder"> | number;
  /** These return the samples written. */
  decode(decoder: Handle<"decoder">, packet: Uint8Array, into: Int16Array): number;
  recover(decoder: Handle<"decoder">, next: Uint8Array, into: Int16Array): number;
  conceal(decoder: Handle<"decoder">, into: Int16Array): number;
  closeDecoder(decoder: Handle<"decoder">): void;
  /** What a negative result means. */
  explain(fault: number): string;
}
