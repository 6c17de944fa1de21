/** The network of this machine, over Node's own sockets. It knows addresses and bytes, nothing of what they say. */
import { createSocket, type RemoteInfo } from "node:dgram";
import { isIP } from "node:net";
import { networkFault } from "./fault.ts";
import { connectTcp, listenTcp } from "./node-tcp.ts";
import { connectTls, listenTls } from "./node-tls.ts";
import type { Address, Network, UdpSocket } from "./port.ts";
import { plainStreams } from "./streams.ts";

/** Holds a burst of a few hundred legs while the thread is busy; the kernel may allow less (net.core.rmem_max). */
const socketBuffer = 1_048_576;

export function nodeNetwork(): Network {
  return { udp: openUdp, streams: plainStreams, listen: listenTcp, connect: connectTcp, listenTls, connectTls };
}

function openUdp(local: Address, receive: (data: Uint8Array, from: Address) => void): Promise<UdpSocket> {
  const family = isIP(local.host);
  if (family === 0) return Promise.reject(networkFault("udp", local, "EINVAL"));
  const socket = createSocket({
    type: family === 6 ? "udp6" : "udp4",
    ipv6Only: family === 6,
    // Hosts are numeric: answered at once, so that a datagram leaves within the call.
    lookup: (host, _options, answer) => answer(null, host, family),
  });

  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void => {
      socket.close();
      reject(networkFault("udp", local, error.code ?? "EIO", error));
    };
    socket.once("error", refuse);
    socket.bind({ address: local.host, port: local.port, exclusive: true }, () => {
      socket.off("error", refuse);
      // What cannot be sent is lost, as on any network.
      socket.on("error", () => {});
      socket.on("message", (data: Buffer, from: RemoteInfo) => receive(data, { host: from.address, port: from.port }));
      widen(() => socket.setRecvBufferSize(socketBuffer));
      widen(() => socket.setSendBufferSize(socketBuffer));
      resolve(udpSocket(socket, { host: local.host, port: socket.address().port }));
    });
  });
}

function udpSocket(socket: ReturnType<typeof createSocket>, local: Address): UdpSocket {
  let closed = false;
  return {
    local,
    send(data, to) {
      // Something waits already: the kernel's buffer is full, and late media is worth nothing.
      if (closed || socket.getSendQueueCount() > 0) return;
      try {
        // Copied, because Node keeps a reference when the kernel does not take the datagram at once.
        socket.send(Buffer.from(data), to.port, to.host);
      } catch {
        // An impossible destination (port 0): lost.
      }
    },
    close() {
      if (closed) return;
      closed = true;
      socket.removeAllListeners("message");
      socket.close();
    },
  };
}

function widen(set: () => void): void {
  try {
    set();
  } catch {
    // The system's default has to do.
  }
}
