import { createConnection, createServer, isIP } from "node:net";
import { networkFault } from "./fault.ts";
import { connectionOn, listening, opened, streamOptions } from "./node-stream.ts";
import type { Address, TcpConnection, TcpListener } from "./port.ts";

export function listenTcp(local: Address, accept: (connection: TcpConnection) => void): Promise<TcpListener> {
  const server = createServer(streamOptions);
  server.on("connection", (socket) => {
    // A client that is gone before it is accepted has no address.
    if (socket.remoteAddress === undefined) socket.destroy();
    else accept(connectionOn("tcp", socket));
  });
  return listening("tcp", server, local);
}

export function connectTcp(remote: Address): Promise<TcpConnection> {
  if (isIP(remote.host) === 0) return Promise.reject(networkFault("tcp", remote, "EINVAL"));
  return opened("tcp", remote, "connect", createConnection({ ...streamOptions, ...remote }));
}
