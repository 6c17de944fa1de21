/**
 * Between bytes and messages: opens the transports, reads what arrives, marks where it came from (RFC 3261 §18.2.1,
 * RFC 3581) and finds the way back for an answer (§18.2.2). Knows no transactions.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Address, Network, UdpSocket } from "../../hal/network/port.ts";
import type { Random } from "../../hal/random/port.ts";
import type { Drops } from "../drops.ts";
import type { EndpointOptions, Flow, Tap, TlsOptions, Transport } from "./contract.ts";
import { formatVia, parseVia, splitList, type Via } from "./header.ts";
import { type Headers, header, type SipRequest, type SipResponse } from "./message.ts";
import { isKeepAlive, MalformedMessage, parseMessage } from "./parse.ts";
import { serialize } from "./serialize.ts";
import { statelessAnswers } from "./stateless.ts";
import { openTcp, type Streams, type TcpTransport } from "./transport-tcp.ts";
import { formatHostPort } from "./uri.ts";

export interface Wire {
  readonly local: Address;
  readonly secure?: Address;
  /** "host:port" as peers should see it. */
  sentBy(transport: Transport): string;
  /** `onError` is called later, never during the call; over UDP nothing is known to fail. */
  send(data: Uint8Array, to: Flow, onError: () => void): void;
  /** The way back for the answer to a request that came by `via` and `flow`. */
  wayBack(via: Via, flow: Flow): Flow;
  /** Answers a request of which nothing is kept. */
  refuse(request: SipRequest, via: Via, flow: Flow, status: number, headers?: Headers): void;
  /** Whoever is at the other end of this way is known to the application. */
  vouch(flow: Flow): void;
  /** False once the connection of a flow is gone. */
  isOpen(flow: Flow): boolean;
  /** Whether the peer that opened this connection has shown a certificate for that name. */
  isFor(flow: Flow, name: string): boolean;
  /** The live TCP connection that was dialled to `remote`. */
  dialled(remote: Address): Flow | undefined;
  /** Nothing that arrives is read before. */
  start(): void;
  close(): Promise<void>;
}

export interface WireHandlers {
  onRequest(request: SipRequest, via: Via, flow: Flow): void;
  onResponse(response: SipResponse): void;
  /** A connection went away. */
  onClosed(flow: Flow): void;
}

/** RFC 3261 §19.1.2 */
const defaultPorts: Readonly<Record<Transport, number>> = { udp: 5060, tcp: 5060, tls: 5061 };
/** With port 0 the system chooses for UDP, and TCP must find the same port free. */
const bindAttempts = 8;

export async function openWire(
  ports: {
    readonly clock: Clock;
    readonly network: Network;
    readonly random: Random;
    readonly drops: Drops;
    readonly tap?: Tap;
  },
  options: Pick<EndpointOptions, "local" | "advertised" | "transports" | "tls">,
  handlers: WireHandlers,
): Promise<Wire> {
  const { clock, network, drops, tap } = ports;
  const answerOnce = statelessAnswers(ports.random);
  let open = false;
  const { udp, tcp, local } = await bind();
  const tls = options.tls && (await bindTls(options.tls));
  const told = options.advertised ?? local;

  function receive(data: Uint8Array, flow: Flow): void {
    if (!open) return;
    tap?.("in", flow, data);
    try {
      const message = parseMessage(data);
      if (message.kind === "response") return handlers.onResponse(message);
      const arrived = markSource(message, flow);
      handlers.onRequest(arrived.request, arrived.via, flow);
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      drops.count("malformed", { from: flow.remote, reason: error.message });
      if (error.partial === undefined) return;
      const { request, via } = markSource(error.partial, flow);
      refuse(request, via, flow, error.status);
    }
  }

  function onClosed(flow: Flow): void {
    if (open) handlers.onClosed(flow);
  }

  function receiveDatagram(data: Uint8Array, remote: Address): void {
    if (!isKeepAlive(data)) receive(data, { transport: "udp", remote });
  }

  function refuse(request: SipRequest, via: Via, flow: Flow, status: number, own?: Headers): void {
    send(serialize(answerOnce(request, status, own)), wayBack(via, flow), () => {});
  }

  function send(data: Uint8Array, to: Flow, onError: () => void): void {
    const later = () => {
      clock.after(0, onError);
    };
    if (!open) return later();
    tap?.("out", to, data);
    if (to.transport === "udp") return udp ? udp.send(data, to.remote) : later();
    const streams = streamsOf(to.transport);
    return streams ? streams.send(data, to, later) : later();
  }

  function streamsOf(transport: Transport): TcpTransport | undefined {
    return transport === "tls" ? tls : transport === "tcp" ? tcp : undefined;
  }

  function isOpen({ transport, connection }: Flow): boolean {
    return connection === undefined || (streamsOf(transport)?.alive(connection) ?? false);
  }

  /** `maddr` is not followed: it would let a datagram with a forged source choose whom the answer hits. */
  function wayBack(via: Via, flow: Flow): Flow {
    if (flow.connection === undefined ? via.params.has("rport") : isOpen(flow)) return flow;
    const { transport, remote } = flow;
    return { transport, remote: { host: remote.host, port: via.port ?? defaultPorts[transport] } };
  }

  async function bind(): Promise<{ udp?: UdpSocket; tcp?: TcpTransport; local: Address }> {
    const transports = options.transports ?? ["udp", "tcp"];
    const tcpAt = (at: Address) => openTcp(ports, { transport: "tcp", local: at, receive, onClosed });
    if (!transports.includes("udp")) {
      const only = await tcpAt(options.local);
      return { tcp: only, local: only.local };
    }
    for (let attempt = 1; ; attempt++) {
      const udpSocket = await network.udp(options.local, receiveDatagram);
      if (!transports.includes("tcp")) return { udp: udpSocket, local: udpSocket.local };
      try {
        return { udp: udpSocket, tcp: await tcpAt(udpSocket.local), local: udpSocket.local };
      } catch (error) {
        udpSocket.close();
        if (options.local.port !== 0 || attempt === bindAttempts) throw error;
      }
    }
  }

  async function bindTls({ port, identity, authorities, asksCallers = false }: TlsOptions): Promise<TcpTransport> {
    const streams: Streams = {
      listen: (at, accept) => network.listenTls(at, identity, accept, asksCallers ? { authorities } : undefined),
      connect: (remote, name = remote.host) => network.connectTls(remote, { authorities, name, identity }),
    };
    const at = { host: options.local.host, port };
    try {
      return await openTcp({ clock, drops, network: streams }, { transport: "tls", local: at, receive, onClosed });
    } catch (error) {
      udp?.close();
      await tcp?.close();
      throw error;
    }
  }

  return {
    local,
    ...(tls && { secure: tls.local }),
    sentBy(transport) {
      const own = (transport === "tls" && tls?.local.port) || told.port || local.port;
      return formatHostPort({ host: told.host, port: own });
    },
    send,
    wayBack,
    refuse,
    vouch({ transport, connection }) {
      if (connection !== undefined) streamsOf(transport)?.vouch(connection);
    },
    isOpen,
    isFor: ({ transport, connection }, name) =>
      connection !== undefined && (streamsOf(transport)?.isFor(connection, name) ?? false),
    dialled: (remote) => tcp?.dialled(remote),
    start() {
      open = true;
    },
    async close() {
      open = false;
      udp?.close();
      await tcp?.close();
      await tls?.close();
    },
  };
}

/** RFC 3261 §18.2.1 and RFC 3581 §4: the top Via gets the source as `received`, and `rport` its value where it was asked for. */
export function markSource(request: SipRequest, flow: Flow): { readonly request: SipRequest; readonly via: Via } {
  const [top = "", ...rest] = splitList(header(request, "via") ?? "");
  const via = parseVia(top);
  const asked = via.params.has("rport");
  if (!asked && via.host === flow.remote.host) return { request, via };
  const params = new Map(via.params).set("received", flow.remote.host);
  if (asked) params.set("rport", `${flow.remote.port}`);
  const marked = { ...via, params };
  const value = [formatVia(marked), ...rest].join(", ");
  const at = request.headers.findIndex(([name]) => name === "via");
  return { request: { ...request, headers: request.headers.with(at, ["via", value]) }, via: marked };
}
