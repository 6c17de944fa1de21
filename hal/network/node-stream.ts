/** What TCP and TLS have in common over Node's sockets: how a stream opens, carries data and ends. */
import { isIP, type Server, type Socket } from "node:net";
import { networkFault } from "./fault.ts";
import type { Address, TcpConnection, TcpListener } from "./port.ts";

type Kind = "tcp" | "tls";

/** What may wait for a peer before `send` says so, and before the connection is given up; bytes. */
const waitingBytes = 65_536;
const hopelessBytes = 4_194_304;
const connectMs = 10_000;
/** How long a closed connection may take to hand over its last data. */
const lingerMs = 5_000;

/** What is asked of the kernel. */
export const streamOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 } as const;

export function listening(kind: Kind, server: Server, local: Address): Promise<TcpListener> {
  const family = isIP(local.host);
  if (family === 0) return Promise.reject(networkFault(kind, local, "EINVAL"));
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void => {
      reject(networkFault(kind, local, error.code ?? "EIO", error));
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

/** `event`: what tells that `socket`, which was just made, is open. */
export function opened(
  kind: Kind,
  remote: Address,
  event: "connect" | "secureConnect",
  socket: Socket,
): Promise<TcpConnection> {
  return new Promise((resolve, reject) => {
    const fail = (code: string, cause?: unknown): void => {
      socket.destroy();
      reject(networkFault(kind, remote, code, cause));
    };
    const refuse = (error: NodeJS.ErrnoException): void => fail(codeOf(error), error);
    const late = (): void => fail("ETIMEDOUT");
    socket.once("error", refuse);
    socket.setTimeout(connectMs, late);
    socket.once(event, () => {
      socket.setTimeout(0, late);
      socket.off("error", refuse);
      resolve(connectionOn(kind, socket));
    });
  });
}

/** OpenSSL has a hundred codes for a peer that speaks something else, and a dozen for one that believes no certificate of ours. */
export function codeOf({ code = "EIO" }: NodeJS.ErrnoException): string {
  if (!code.startsWith("ERR_SSL_")) return code;
  return /_ALERT_(UNKNOWN_CA|\w*CERTIFICATE)/.test(code) ? "ECERT" : "EPROTO";
}

/** A socket that is open, and is used by nobody else. */
export function connectionOn(kind: Kind, socket: Socket): TcpConnection {
  const local = { host: socket.localAddress ?? "", port: socket.localPort ?? 0 };
  const remote = { host: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
  let open = true;
  let fault: Error | undefined;

  socket.on("error", (error: NodeJS.ErrnoException) => {
    fault ??= networkFault(kind, remote, codeOf(error), error);
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
        fault = networkFault(kind, remote, "ENOBUFS");
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
