/** Streams under TLS 1.2 or later. A connection is handed over before its handshake, so that whoever bounds connections bounds these too. */
import { isIP, type Socket } from "node:net";
import { checkServerIdentity, connect, createServer, type Server, type TLSSocket } from "node:tls";
import { networkFault } from "./fault.ts";
import { codeOf, connectionOn, listening, opened, streamOptions } from "./node-stream.ts";
import type { Address, TcpConnection, TcpListener, TlsCallers, TlsIdentity, TlsTrust } from "./port.ts";

/** RFC 8996: nothing older. */
const minVersion = "TLSv1.2";
const handshakeMs = 10_000;
/** What may wait for a handshake, in bytes. */
const waitingBytes = 65_536;

export function listenTls(
  local: Address,
  { certificate, key }: TlsIdentity,
  accept: (connection: TcpConnection) => void,
  callers?: TlsCallers,
): Promise<TcpListener> {
  let server: Server;
  try {
    server = createServer({
      ...streamOptions,
      cert: certificate,
      key,
      minVersion,
      handshakeTimeout: handshakeMs,
      ...(callers && { requestCert: true, rejectUnauthorized: false }),
      ...(callers?.authorities !== undefined && { ca: callers.authorities }),
    });
  } catch (error) {
    return Promise.reject(networkFault("tls", local, "EKEY", error));
  }
  /** By their clients' addresses: handshakes that are not over. */
  const opening = new Map<string, Opening>();

  server.on("connection", (socket: Socket) => {
    // A client that is gone before it is accepted has no address.
    if (socket.remoteAddress === undefined) return void socket.destroy();
    const client = clientOf(socket);
    const fresh = openingOn(socket, callers !== undefined);
    opening.set(client, fresh);
    // What it fails with is told by tlsClientError.
    socket.on("error", () => {});
    socket.on("close", () => {
      if (opening.get(client) === fresh) opening.delete(client);
      fresh.failed(undefined);
    });
    accept(fresh.connection);
  });
  server.on("secureConnection", (socket) => {
    const client = clientOf(socket);
    opening.get(client)?.secured(socket);
    opening.delete(client);
  });
  server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
    opening.get(clientOf(socket))?.failed(error);
    socket.destroy();
  });
  return listening("tls", server, local);
}

const clientOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;

interface Opening {
  readonly connection: TcpConnection;
  secured(socket: TLSSocket): void;
  /** Ignored once it is secured or closed. */
  failed(error: NodeJS.ErrnoException | undefined): void;
}

/** A connection whose handshake goes on underneath, on the socket as it was accepted. */
function openingOn(raw: Socket, asked: boolean): Opening {
  const local = { host: raw.localAddress ?? "", port: raw.localPort ?? 0 };
  const remote = { host: raw.remoteAddress ?? "", port: raw.remotePort ?? 0 };
  const waiting: Uint8Array[] = [];
  let waitingLength = 0;
  let inner: TcpConnection | undefined;
  let open = true;
  let isFor = (_name: string): boolean => false;

  const connection: TcpConnection = {
    local,
    remote,
    onData() {},
    onClose() {},
    send(data) {
      if (inner) return inner.send(data);
      if (!open || waitingLength + data.length > waitingBytes) return false;
      waiting.push(new Uint8Array(data));
      waitingLength += data.length;
      return true;
    },
    close() {
      open = false;
      if (inner) inner.close();
      else raw.destroy();
    },
    ...(asked && { isFor: (name: string) => isFor(name) }),
  };

  return {
    connection,
    secured(socket) {
      if (!open) return void socket.destroy();
      inner = connectionOn("tls", socket);
      if (socket.authorized) {
        const certificate = socket.getPeerCertificate();
        isFor = (name) => checkServerIdentity(name, certificate) === undefined;
      }
      inner.onData = (data) => connection.onData(data);
      inner.onClose = (error) => connection.onClose(error);
      for (const data of waiting.splice(0)) inner.send(data);
    },
    failed(error) {
      if (!open || inner) return;
      open = false;
      connection.onClose(error && networkFault("tls", remote, codeOf(error), error));
    },
  };
}

export function connectTls(remote: Address, { authorities, name, identity }: TlsTrust): Promise<TcpConnection> {
  if (isIP(remote.host) === 0) return Promise.reject(networkFault("tls", remote, "EINVAL"));
  const socket = connect({
    ...streamOptions,
    ...remote,
    minVersion,
    ...(authorities !== undefined && { ca: authorities }),
    ...(identity && { cert: identity.certificate, key: identity.key }),
    // RFC 6066 §3: a numeric host is no server name.
    ...(isIP(name) === 0 && { servername: name }),
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
  });
  return opened("tls", remote, "secureConnect", socket);
}
