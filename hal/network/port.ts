import type { StreamTable } from "./streams.ts";

/** A numeric IPv4 or IPv6 host (no brackets) and a port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface UdpSocket {
  readonly local: Address;
  /** Sends one datagram. Never throws: a datagram that cannot go out is lost and counted, as on any network. */
  send(data: Uint8Array, to: Address): void;
  close(): void;
}

export interface TcpConnection {
  readonly local: Address;
  readonly remote: Address;
  /** Set these before the current turn ends; data waits until then. */
  onData: (data: Uint8Array) => void;
  onClose: (error?: Error) => void;
  /** False when the peer does not drain: the caller should close a connection that stays so. */
  send(data: Uint8Array): boolean;
  close(): void;
  /** Whether the peer has shown a certificate for this domain or numeric host, which one who is trusted signed. Absent: it was asked for none. */
  isFor?(name: string): boolean;
}

export interface TcpListener {
  readonly local: Address;
  close(): Promise<void>;
}

/** Who a TLS listener is, as PEM text. */
export interface TlsIdentity {
  /** Its certificate first, then those between it and an authority. */
  readonly certificate: string;
  readonly key: string;
}

/** Whom a TLS client believes. */
export interface TlsTrust {
  /** PEM text; absent: the authorities that browsers trust. */
  readonly authorities?: string | undefined;
  /** The domain or the numeric host that the peer's certificate must be for. */
  readonly name: string;
  /** What a peer is shown that asks who calls. */
  readonly identity?: TlsIdentity | undefined;
}

/** Whom a TLS listener asks for certificates: everybody, and nobody is refused for having none. */
export interface TlsCallers {
  /** Who may sign them, PEM text; absent: the authorities that browsers trust. */
  readonly authorities?: string | undefined;
}

/** Sockets as a port. `port: 0` lets the system choose. Rejections are DeviceError naming the address and what to do. */
export interface Network {
  /** `receive` owns `data` only during the call. */
  udp(local: Address, receive: (data: Uint8Array, from: Address) => void): Promise<UdpSocket>;
  /** Room for so many RTP streams that go out through sockets of this network, many by one call. */
  streams(count: number): StreamTable;
  listen(local: Address, accept: (connection: TcpConnection) => void): Promise<TcpListener>;
  connect(remote: Address): Promise<TcpConnection>;
  /**
   * TLS 1.2 or later; a peer needs no certificate. `accept` comes before the handshake: until that is over nothing is read, and
   * what is sent waits; `onClose` tells when it fails. `callers`: they are asked who they are.
   */
  listenTls(
    local: Address,
    identity: TlsIdentity,
    accept: (connection: TcpConnection) => void,
    callers?: TlsCallers,
  ): Promise<TcpListener>;
  /** Resolves after the handshake; rejects where the peer's certificate is not as `trust` has it. */
  connectTls(remote: Address, trust: TlsTrust): Promise<TcpConnection>;
}
