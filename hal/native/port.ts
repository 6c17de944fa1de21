/**
 * What the addon exports (hal/native/*.cc), one object a subject. Only the drivers that stand on it call it, each with
 * arguments that it has checked: a wrong type throws TypeError, a wrong number RangeError. A negative result is a
 * library's fault code.
 */
export interface Native {
  readonly opus: NativeOpus;
  readonly srtp: NativeSrtp;
  readonly udp: NativeUdp;
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

/** hal/native/srtp.cc; the results are lengths in bytes, or the negative of a srtp_err_status_t. */
export interface NativeSrtp {
  /** `suite` 0: AEAD_AES_128_GCM, 1: AES_CM_128_HMAC_SHA1_80. `sends` 1: for what is sent; 0: for what is received. */
  open(suite: 0 | 1, sends: 0 | 1, master: Uint8Array): Handle<"srtp"> | number;
  protectRtp(session: Handle<"srtp">, packet: Uint8Array, into: Uint8Array): number;
  protectRtcp(session: Handle<"srtp">, packet: Uint8Array, into: Uint8Array): number;
  unprotectRtp(session: Handle<"srtp">, packet: Uint8Array): number;
  unprotectRtcp(session: Handle<"srtp">, packet: Uint8Array): number;
  close(session: Handle<"srtp">): void;
}

/** hal/native/udp.cc: all UDP sockets of a thread. */
export interface NativeUdp {
  /** `receive`: so many datagrams have come; `records` and `data` hold them during the call. */
  open(receive: (count: number) => void): NativeSockets;
}

export interface NativeSockets {
  /** Of each datagram: socket, offset in `data`, length, port of its source, or -1 where it is that of the socket's last. */
  readonly records: Int32Array;
  readonly data: Uint8Array;
  /** The index of a socket, or the negative of the system's error. */
  bind(host: string, port: number): number;
  port(socket: number): number;
  /** Where `send` sends to from now on; false where nothing can be sent to. */
  to(socket: number, host: string, port: number): boolean;
  send(socket: number, data: Uint8Array): void;
  /** The host that a datagram of this batch came from. */
  source(record: number): string;
  close(socket: number): void;
  /** `words`: a table of hal/network/streams.ts. */
  streams(words: Int32Array): NativeStreams;
}

/** hal/native/streams.cc */
export interface NativeStreams {
  /** Socket -1, or one that cannot send there: nowhere. `srtp` is the caller's to keep while the row is aimed by it. */
  aim(row: number, socket: number, host: string, port: number, srtp?: Handle<"srtp">): void;
  send(
    rows: Int32Array,
    size: number,
    packet: Uint8Array,
    sequence: number,
    timestamp: number,
    marker: boolean,
    count: number,
    restart: number,
    nowMs: number,
    except: number,
  ): void;
}
