import { isIP } from "node:net";
import { networkFault } from "./fault.ts";
import type { Address, Network, TcpConnection, TcpListener, TlsCallers, TlsIdentity, UdpSocket } from "./port.ts";
import type { PathConditions, Wire } from "./simulated.ts";
import { delayOf, happens, isLoopback, isLost, undisturbed } from "./simulated-path.ts";
import { connectTcp } from "./simulated-tcp.ts";
import { isCertificate } from "./simulated-tls.ts";
import { plainStreams } from "./streams.ts";

/** One machine on the simulated network: its bound ports. */
export interface Machine {
  readonly address: string;
  readonly network: Network;
  alive(): boolean;
  /** Who listens for connections on this address of the machine. */
  acceptor(local: Address): Acceptor | undefined;
  /** Who receives datagrams on this address of the machine. */
  receiver(local: Address): Receive | undefined;
  vanish(): void;
}

export interface Acceptor {
  readonly accept: (connection: TcpConnection) => void;
  /** Of a listener that speaks TLS. */
  readonly identity?: TlsIdentity;
  readonly callers?: TlsCallers;
}

type Receive = (data: Uint8Array, from: Address) => void;
type Bound<Handler> = Map<number, Map<string, Handler>>;

const firstEphemeral = 32_768;
const lastEphemeral = 60_999;
const maxDatagram = 65_507;

export function machine(wire: Wire, address: string): Machine {
  const udpPorts: Bound<Receive> = new Map();
  const tcpPorts: Bound<Acceptor> = new Map();
  /** The peers on whose way the last datagram was lost. */
  const losing = new Set<string>();
  let alive = true;
  let ephemeral = firstEphemeral;

  function nextEphemeral(): number {
    const port = ephemeral;
    ephemeral = port === lastEphemeral ? firstEphemeral : port + 1;
    return port;
  }

  function bind<Handler>(what: string, bound: Bound<Handler>, wanted: Address, handler: Handler): Address {
    if (isIP(wanted.host) === 0) throw networkFault(what, wanted, "EINVAL");
    const local = wanted.port === 0 ? { ...wanted, port: freePort(what, bound, wanted) } : wanted;
    if (!isAny(local.host) && !isOwn(address, local.host)) throw networkFault(what, local, "EADDRNOTAVAIL");
    const holders = bound.get(local.port) ?? new Map<string, Handler>();
    const clash = isAny(local.host) ? holders.size > 0 : holders.has(local.host) || [...holders.keys()].some(isAny);
    if (clash) throw networkFault(what, local, "EADDRINUSE");
    bound.set(local.port, holders.set(local.host, handler));
    return local;
  }

  function freePort<Handler>(what: string, bound: Bound<Handler>, wanted: Address): number {
    for (let tried = firstEphemeral; tried <= lastEphemeral; tried++) {
      const port = nextEphemeral();
      if (!bound.has(port)) return port;
    }
    throw networkFault(what, wanted, "EADDRINUSE");
  }

  function release<Handler>(bound: Bound<Handler>, local: Address): void {
    const holders = bound.get(local.port);
    if (holders?.delete(local.host) && holders.size === 0) bound.delete(local.port);
  }

  function handlerAt<Handler>(bound: Bound<Handler>, local: Address): Handler | undefined {
    const holders = bound.get(local.port);
    return holders?.get(local.host) ?? holders?.get("0.0.0.0") ?? holders?.get("::");
  }

  const arrived = new Uint8Array(maxDatagram);

  function udp(wanted: Address, receive: Receive): UdpSocket {
    const local = bind("udp", udpPorts, wanted, receive);
    let closed = false;

    function send(data: Uint8Array, to: Address): void {
      if (closed || !alive || data.length > maxDatagram) return;
      const from = { host: sourceOf(address, local.host, to.host), port: local.port };
      const peer = isLoopback(to.host) ? address : to.host;
      const path = peer === address ? undisturbed : wire.conditions(address, peer);
      const unroutable = peer !== address && isLoopback(local.host);
      const lost = unroutable || wire.cut(address, peer) || loses(peer, path);
      const copy = new Uint8Array(data);
      wire.saw({ from, to, data: copy, at: wire.clock.now(), lost });
      if (lost) return;
      const heldMs = wire.stalled(address, peer) + (happens(wire, path.reorder) ? path.reorderMs : 0);
      for (let copies = happens(wire, path.duplicate) ? 2 : 1; copies > 0; copies--) {
        wire.clock.after(heldMs + delayOf(wire, path), () => {
          // As from a system that reads many at a time: one buffer for all, the receiver's during the call.
          arrived.set(copy);
          wire.machineAt(peer)?.receiver(to)?.(arrived.subarray(0, copy.length), from);
        });
      }
    }

    return {
      local,
      send,
      close() {
        if (!closed && alive) release(udpPorts, local);
        closed = true;
      },
    };
  }

  function listen(what: "tcp" | "tls", wanted: Address, acceptor: Acceptor): TcpListener {
    const local = bind(what, tcpPorts, wanted, acceptor);
    return { local, close: async () => release(tcpPorts, local) };
  }

  function dialFrom(to: string): Address {
    return { host: sourceOf(address, "0.0.0.0", to), port: nextEphemeral() };
  }

  function loses(peer: string, path: PathConditions): boolean {
    const lost = isLost(wire, path, losing.has(peer));
    if (lost) losing.add(peer);
    else losing.delete(peer);
    return lost;
  }

  const self: Machine = {
    address,
    alive: () => alive,
    acceptor: (local) => handlerAt(tcpPorts, local),
    receiver: (local) => handlerAt(udpPorts, local),
    vanish() {
      alive = false;
      udpPorts.clear();
      tcpPorts.clear();
    },
    network: {
      async udp(local, receive) {
        return udp(local, receive);
      },
      streams: plainStreams,
      async listen(wanted, accept) {
        return listen("tcp", wanted, { accept });
      },
      connect: (remote) => connectTcp(wire, self, dialFrom(remote.host), remote),
      async listenTls(wanted, identity, accept, callers) {
        if (!isCertificate(identity.certificate)) throw networkFault("tls", wanted, "EKEY");
        return listen("tls", wanted, { accept, identity, ...(callers && { callers }) });
      },
      connectTls: (remote, trust) => connectTcp(wire, self, dialFrom(remote.host), remote, trust),
    },
  };
  return self;
}

function isAny(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

function isOwn(address: string, host: string): boolean {
  return host === address || isLoopback(host);
}

/** The source address that a machine writes on what it sends: the bound one, else the one of the interface used. */
function sourceOf(address: string, bound: string, to: string): string {
  if (!isAny(bound)) return bound;
  return isLoopback(to) ? to : address;
}
