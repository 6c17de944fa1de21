import { createConnection, createServer, isIP, type Socket } from "node:net";
import { networkFault } from "./fault.ts";
import type { Address, TcpConnection, TcpListener } from "./port.ts";

/** What may wait for a peer before `send` says so, and before the connection is given up; bytes. */
const waitingBytes = 65_536;
const hopelessBytes = 4_194_304;
const connectMs = 10_000;
/** How long a closed connection may take to hand over its last data. */
const lingerMs = 5_000;
const keepAliveMs = 30_000;

export function listenTcp(local: Address, accept: (connection: TcpConnection) => void): Promise<TcpListener> {
  const family = isIP(local.host);
  if (family === 0) return Promise.reject(networkFault("tcp", local, "EINVAL"));
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs });
  server.on("connection", (socket) => {
    // A client that is gone before it is accepted has no address.
    if (socket.remoteAddress === undefined) socket.destroy();
    else accept(connectionOn(socket));
  });

  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void => {
      reject(networkFault("tcp", local, error.code ?? "EIO", error));
    };
    server.once("error", refuse);
    server.listen({ host: local.host, port: local.port, ipv6Only: family === 6, exclusive: true }, () => {
      server.off("error", refuse);
      // A connection that could not be accepted (no file descriptor left): its client sees it fail.
      server.on("error", () => {});
      const bound = server.address();
      const port = bound !== null && typeof bound === "object" ? bound.port : local.port;
      // Node's own close waits for every accepted connection; those live on here.
      resolve({ local: { host: local.host, port }, close: async () => void server.close() });
    });
  });
}

export function connectTcp(remote: Address): Promise<TcpConnection> {
  if (isIP(remote.host) === 0) return Promise.reject(networkFault("tcp", remote, "EINVAL"));
  return new Promise((resolve, reject) => {
    const socket = createConnection({
      host: remote.host,
      port: remote.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
    });
    const fail = (code: string, cause?: unknown): void => {
      socket.destroy();
      reject(networkFault("tcp", remote, code, cause));
    };
    const refuse = (error: NodeJS.ErrnoException): void => fail(error.code ?? "EIO", error);
    const late = (): void => fail("ETIMEDOUT");
    socket.once("error", refuse);
    socket.setTimeout(connectMs, late);
    socket.once("connect", () => {
      socket.setTimeout(0, late);
      socket.off("error", refuse);
      resolve(connectionOn(socket));
    });
  });
}

function connectionOn(socket: Socket): TcpConnection {
  const local = { host: socket.localAddress ?? "", port: socket.localPort ?? 0 };
  const remote = { host: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
  let open = true;
  let fault: Error | undefined;

  socket.on("error", (error: NodeJS.ErrnoException) => {
    fault ??= networkFault("tcp", remote, error.code ?? "EIO", error);
  });
  socket.on("data", (data) => {
    if (open) connection.onData(data);
  });
  socket.on("close", () => {
    if (!open) return;
    open = false;
    connection.onClose(fault);
  });

  const connection: TcpConnection = {
    local,
    remote,
    onData() {},
    onClose() {},
    send(data) {
      if (!open || socket.destroyed) return false;
      if (socket.writableLength > hopelessBytes) {
        fault = networkFault("tcp", remote, "ENOBUFS");
        socket.destroy();
        return false;
      }
      // Copied: Node keeps what the kernel does not take at once.
      socket.write(Buffer.from(data));
      return socket.writableLength <= waitingBytes;
    },
    close() {
      if (!open) return;
      open = false;
      socket.setTimeout(lingerMs, () => socket.destroy());
      socket.destroySoon();
    },
  };
  return connection;
}
