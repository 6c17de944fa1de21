import type { Cancel } from "../clock/port.ts";
import { networkFault } from "./fault.ts";
import type { Address, TcpConnection, TlsTrust } from "./port.ts";
import type { Wire } from "./simulated.ts";
import type { Machine } from "./simulated-machine.ts";
import { delayOf, isLoopback } from "./simulated-path.ts";
import { provesTo, refusalOf } from "./simulated-tls.ts";

/** What may wait for a peer that cannot be reached, in bytes, before `send` says so. */
const maxWaiting = 65_536;

interface End {
  readonly machine: Machine;
  readonly peer: string;
  readonly remote: Address;
  readonly connection: TcpConnection;
  readonly outward: Pipe;
  closed: boolean;
  /** It gave up without a word to its peer, whose next data it resets. */
  failed: boolean;
  /** It speaks TLS and its peer does not: the first data break the connection. */
  deaf: boolean;
}

/** Data, or null for the end of the stream. */
interface Segment {
  readonly data: Uint8Array | null;
  readonly due: number;
}

interface Pipe {
  push(data: Uint8Array | null): void;
  /** Bytes that did not arrive yet. */
  waiting(): number;
  /** Nothing arrives before this time. */
  holdUntil(ms: number): void;
}

/**
 * Resolves after a round trip, with `trust` (TLS) after two; rejects with ECONNREFUSED where nobody listens, ETIMEDOUT where nobody
 * is, and whatever the handshake fails with.
 */
export function connectTcp(
  wire: Wire,
  client: Machine,
  local: Address,
  remote: Address,
  trust?: TlsTrust,
): Promise<TcpConnection> {
  const { clock } = wire;
  const kind = trust ? "tls" : "tcp";
  const peer = isLoopback(remote.host) ? client.address : remote.host;

  return new Promise((resolve, reject) => {
    const oneWay = delayBetween(wire, client.address, peer);
    clock.after(oneWay, () => {
      const server = wire.machineAt(peer);
      if (!server || wire.cut(client.address, peer)) {
        clock.after(wire.tcpTimeoutMs, () => reject(networkFault(kind, remote, "ETIMEDOUT")));
        return;
      }
      const acceptor = server.acceptor(remote);
      if (!acceptor) {
        clock.after(oneWay, () => reject(networkFault(kind, remote, "ECONNREFUSED")));
        return;
      }
      const near: End = end(wire, client, peer, local, remote, () => far);
      const far: End = end(wire, server, client.address, remote, local, () => near);
      const refusal = trust && refusalOf(acceptor.identity, trust);
      far.deaf = acceptor.identity !== undefined && trust === undefined;
      const openMs = trust ? 3 * oneWay : oneWay;
      clock.after(openMs, () => {
        if (refusal === undefined) return resolve(near.connection);
        near.connection.close();
        reject(networkFault(kind, remote, refusal));
      });
      far.outward.holdUntil(clock.now() + openMs);
      const { callers } = acceptor;
      if (callers) far.connection.isFor = (name) => provesTo(callers, trust?.identity, name);
      acceptor.accept(far.connection);
    });
  });
}

function delayBetween(wire: Wire, a: string, b: string): number {
  return a === b ? 0 : delayOf(wire, wire.conditions(a, b));
}

function end(wire: Wire, machine: Machine, peer: string, local: Address, remote: Address, other: () => End): End {
  const outward = pipe(wire, () => self, other);
  const connection: TcpConnection = {
    local,
    remote,
    onData() {},
    onClose() {},
    send(data) {
      if (self.closed || !machine.alive()) return false;
      if (data.length > 0) outward.push(new Uint8Array(data));
      return outward.waiting() <= maxWaiting;
    },
    close() {
      if (self.closed) return;
      self.closed = true;
      outward.push(null);
    },
  };
  const self: End = { machine, peer, remote, connection, outward, closed: false, failed: false, deaf: false };
  return self;
}

/** One direction of a connection: in order, whole; it waits while the path is cut, and gives up in the end. */
function pipe(wire: Wire, near: () => End, other: () => End): Pipe {
  const { clock } = wire;
  const queue: Segment[] = [];
  let bytes = 0;
  let lastDue = 0;
  let onItsWay = false;
  let stopWaiting: Cancel | undefined;

  function flow(): void {
    const next = queue[0];
    if (!next || onItsWay) return;
    onItsWay = true;
    clock.after(next.due - clock.now(), () => {
      onItsWay = false;
      if (queue[0] === next) arrive(next);
    });
  }

  function arrive(segment: Segment): void {
    const from = near();
    const to = other();
    const replaced = !to.machine.alive() && wire.machineAt(from.peer) !== undefined;
    if (replaced) return fail("ECONNRESET");
    if (to.failed && !wire.cut(from.machine.address, from.peer)) return fail("ECONNRESET");
    if (!to.machine.alive() || wire.cut(from.machine.address, from.peer)) return wait();
    queue.shift();
    bytes -= segment.data?.length ?? 0;
    if (!to.closed) hand(to, segment.data);
    flow();
  }

  function hand(to: End, data: Uint8Array | null): void {
    if (data && !to.deaf) return to.connection.onData(data);
    to.closed = true;
    if (data) to.outward.push(null);
    to.connection.onClose(data ? networkFault("tls", to.remote, "EPROTO") : undefined);
  }

  function wait(): void {
    if (stopWaiting) return;
    const stopListening = wire.onHeal(() => {
      stopWaiting?.();
      stopWaiting = undefined;
      flow();
    });
    const stopTimer = clock.after(wire.tcpTimeoutMs, () => fail("ETIMEDOUT"));
    stopWaiting = () => {
      stopListening();
      stopTimer();
    };
  }

  function fail(code: string): void {
    stopWaiting?.();
    stopWaiting = undefined;
    queue.length = 0;
    bytes = 0;
    const from = near();
    if (from.closed || !from.machine.alive()) return;
    from.closed = true;
    from.failed = true;
    from.connection.onClose(networkFault("tcp", from.remote, code));
  }

  return {
    push(data) {
      const { machine, peer } = near();
      lastDue = Math.max(lastDue, clock.now() + delayBetween(wire, machine.address, peer));
      queue.push({ data, due: lastDue });
      bytes += data?.length ?? 0;
      if (!stopWaiting) flow();
    },
    waiting: () => bytes,
    holdUntil: (ms) => {
      lastDue = ms;
    },
  };
}
