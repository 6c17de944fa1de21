/**
 * SIP over TCP or TLS (RFC 3261 §18, RFC 5626 §3.5.1): connections that peers opened or that were dialled, each named by a
 * number. Decides when a connection is opened, used again and given up, and who makes room for whom; knows frames, not
 * messages. A peer is a stranger until it is vouched for.
 */
import type { Clock } from "../../hal/clock/port.ts";
import { DeviceError } from "../../hal/error.ts";
import type { Address, TcpConnection, TcpListener } from "../../hal/network/port.ts";
import type { Drops } from "../drops.ts";
import type { Flow } from "./contract.ts";
import { type Framer, streamFramer } from "./framer.ts";
import { formatHostPort } from "./uri.ts";

export interface TcpTransport {
  readonly local: Address;
  /**
   * Over the flow's own connection, else over one that was or is dialled to its remote address. A connection that is gone is not
   * dialled again: behind a NAT somebody else may answer (RFC 5626 §5.3).
   */
  send(data: Uint8Array, to: Flow, onError: () => void): void;
  alive(connection: number): boolean;
  /** Its peer has shown a certificate for this name. */
  isFor(connection: number, name: string): boolean;
  /** Its peer is known now, and need not make room for strangers any more. */
  vouch(connection: number): void;
  /** The live dialled connection to `remote`. */
  dialled(remote: Address): Flow | undefined;
  close(): Promise<void>;
}

/** How connections are opened: in clear, or under TLS. `name`: whom the peer must prove to be there. */
export interface Streams {
  listen(local: Address, accept: (connection: TcpConnection) => void): Promise<TcpListener>;
  connect(remote: Address, name: string | undefined): Promise<TcpConnection>;
}

export interface TcpOptions {
  readonly transport: "tcp" | "tls";
  readonly local: Address;
  /** `frame` belongs to the caller again after the call. */
  readonly receive: (frame: Uint8Array, flow: Flow) => void;
  readonly onClosed: (flow: Flow) => void;
}

/** In all, with one host, and of strangers on one host, which may be a router with many phones behind it. */
const maxConnections = 256;
const maxOfHost = 128;
const maxStrangersOfHost = 16;
/** Life of a connection whose peer has said nothing whole yet, and how long one may be silent that has, ms. */
const introductionMs = 30_000;
const idleMs = 900_000;
/** How long a peer may leave its window shut, ms. */
const stalledMs = 10_000;
const sweepMs = 5_000;
/** Messages that may wait for a connection to open. */
const maxWaiting = 64;
const pong = new Uint8Array([13, 10]);

interface Waiting {
  readonly data: Uint8Array;
  readonly onError: () => void;
}

interface Link {
  readonly flow: Flow & { readonly connection: number };
  /** Undefined while it is being dialled. */
  connection: TcpConnection | undefined;
  framer: Framer | undefined;
  waiting: Waiting[];
  heard: boolean;
  /** Dialled by this side, or vouched for. */
  known: boolean;
  readonly openedAt: number;
  usedAt: number;
  stalledAt: number | undefined;
}

export async function openTcp(
  ports: { readonly clock: Clock; readonly network: Streams; readonly drops: Drops },
  options: TcpOptions,
): Promise<TcpTransport> {
  const { clock, network, drops } = ports;
  const links = new Map<number, Link>();
  const dialled = new Map<string, Link>();
  let lastId = 0;
  let closed = false;

  function addLink(peer: Pick<Flow, "remote" | "name">, known: boolean): Link {
    lastId += 1;
    const flow = { ...peer, transport: options.transport, connection: lastId };
    const link: Link = {
      flow,
      connection: undefined,
      framer: undefined,
      waiting: [],
      heard: false,
      known,
      openedAt: clock.now(),
      usedAt: clock.now(),
      stalledAt: undefined,
    };
    links.set(lastId, link);
    return link;
  }

  function attach(link: Link, connection: TcpConnection): void {
    link.connection = connection;
    const framer = streamFramer({
      onMessage(frame) {
        link.heard = true;
        options.receive(frame, link.flow);
      },
      onPing: () => transmit(link, pong),
      onError(error) {
        drops.count("malformed", { from: link.flow.remote, reason: error.message });
        remove(link);
      },
    });
    link.framer = framer;
    connection.onData = (data) => {
      link.usedAt = clock.now();
      framer.receive(data);
    };
    connection.onClose = (error) => {
      if (error !== undefined && !link.heard)
        drops.count("failedConnections", { from: link.flow.remote, reason: error.message });
      remove(link);
    };
  }

  function remove(link: Link): void {
    if (!links.delete(link.flow.connection)) return;
    const key = placeOf(link.flow);
    if (dialled.get(key) === link) dialled.delete(key);
    link.framer?.close();
    link.connection?.close();
    for (const { onError } of link.waiting.splice(0)) onError();
    options.onClosed(link.flow);
  }

  /** False where there is no room for one more connection with `host`. */
  function makeRoom(host: string): boolean {
    const all = [...links.values()];
    const ofHost = all.filter(({ flow }) => flow.remote.host === host);
    const strangers = ofHost.filter(isStranger);
    if (ofHost.length >= maxOfHost || strangers.length >= maxStrangersOfHost) return giveUpFirst(strangers);
    return all.length < maxConnections || giveUpFirst(ofMostCrowdedHost(all.filter(isStranger)));
  }

  /** The connection that was opened first: a newcomer that means well is known by the time that it is the first. */
  function giveUpFirst([link]: readonly Link[]): boolean {
    if (link === undefined) return false;
    drops.count("tooManyConnections", { from: link.flow.remote });
    remove(link);
    return true;
  }

  function transmit(link: Link, data: Uint8Array): void {
    link.usedAt = clock.now();
    if (link.connection?.send(data)) link.stalledAt = undefined;
    else link.stalledAt ??= clock.now();
  }

  function dial({ remote, name }: Flow): Link {
    const link = addLink({ remote, ...(name !== undefined && { name }) }, true);
    dialled.set(placeOf(link.flow), link);
    network.connect(remote, name).then(
      (connection) => {
        if (!links.has(link.flow.connection)) return connection.close();
        link.heard = true;
        attach(link, connection);
        for (const { data } of link.waiting.splice(0)) transmit(link, data);
      },
      (error: unknown) => {
        if (!(error instanceof DeviceError)) throw error;
        drops.count("unreachable", { reason: error.message });
        remove(link);
      },
    );
    return link;
  }

  function sweep(): void {
    const now = clock.now();
    for (const link of links.values()) {
      const idle = link.heard ? now - link.usedAt >= idleMs : now - link.openedAt >= introductionMs;
      const stalled = link.stalledAt !== undefined && now - link.stalledAt >= stalledMs;
      if (idle || stalled) remove(link);
    }
  }

  const listener = await network.listen(options.local, (connection) => {
    if (closed || !makeRoom(connection.remote.host)) {
      drops.count("tooManyConnections", { from: connection.remote });
      return connection.close();
    }
    attach(addLink({ remote: connection.remote }, false), connection);
  });
  const stopSweeping = clock.every(sweepMs, sweep);

  return {
    local: listener.local,
    send(data, to, onError) {
      const own = to.connection === undefined ? undefined : links.get(to.connection);
      const link = own ?? dialled.get(placeOf(to));
      if (link === undefined && (to.connection !== undefined || closed || !makeRoom(to.remote.host))) return onError();
      const open = link ?? dial(to);
      if (open.connection !== undefined) return transmit(open, data);
      if (open.waiting.length >= maxWaiting) return onError();
      open.waiting.push({ data, onError });
    },
    alive: (connection) => links.has(connection),
    isFor: (connection, name) => links.get(connection)?.connection?.isFor?.(name) ?? false,
    vouch(connection) {
      const link = links.get(connection);
      if (link) link.known = true;
    },
    dialled: (remote) => dialled.get(placeOf({ remote }))?.flow,
    async close() {
      closed = true;
      stopSweeping();
      [...links.values()].forEach(remove);
      await listener.close();
    },
  };
}

function isStranger({ known }: Link): boolean {
  return !known;
}

function ofMostCrowdedHost(strangers: readonly Link[]): readonly Link[] {
  const hosts = new Map<string, Link[]>();
  for (const link of strangers) {
    const { host } = link.flow.remote;
    hosts.set(host, [...(hosts.get(host) ?? []), link]);
  }
  return [...hosts.values()].toSorted((a, b) => b.length - a.length)[0] ?? [];
}

/** Who proved to be one name is not taken for another at the same address. */
function placeOf({ remote, name = "" }: Pick<Flow, "remote" | "name">): string {
  return `${formatHostPort(remote)} ${name}`;
}
