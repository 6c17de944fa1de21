/**
 * A network of machines inside one process: addresses, ports, loss, delay and partitions under a clock.
 * It decides what reaches whom and when. It does not know what is said.
 */
import type { Cancel, Clock } from "../clock/port.ts";
import type { Random } from "../random/port.ts";
import { seededRandom } from "../random/seeded.ts";
import type { Address, Network } from "./port.ts";
import { type Machine, machine } from "./simulated-machine.ts";

/** How a path treats what crosses it. Shares are of the datagrams, 0..1; TCP only sees latency and jitter. */
export interface PathConditions {
  readonly latencyMs: number;
  readonly jitterMs: number;
  /** Share that nobody gets. */
  readonly loss: number;
  /** How many are lost in a row, on the average; up to 1: each by itself (a Gilbert channel). */
  readonly lossRun: number;
  readonly duplicate: number;
  /** Share that take `reorderMs` longer, and are overtaken by those behind. */
  readonly reorder: number;
  readonly reorderMs: number;
}

/** A datagram as it is sent; `lost`: nobody will get it. */
export interface SeenDatagram {
  readonly from: Address;
  readonly to: Address;
  readonly data: Uint8Array;
  readonly at: number;
  readonly lost: boolean;
}

export interface SimulatedNetworkOptions extends Partial<PathConditions> {
  readonly clock: Clock;
  readonly random?: Random;
  /** How long TCP goes on against silence before it closes with ETIMEDOUT; 20 s. */
  readonly tcpTimeoutMs?: number;
}

export interface SimulatedNetwork {
  /** The network as the machine at `address` sees it; the same machine for the same address. Its loopback stays inside it. */
  host(address: string): Network;
  /** Nothing passes between the two machines (or groups of machines) any more. */
  partition(a: string | readonly string[], b: string | readonly string[]): void;
  /** Ends every partition; TCP goes on where it waited. */
  heal(): void;
  /** Datagram loss on every path that has none of its own, 0..1. */
  setLoss(loss: number): void;
  /** Conditions of one pair of machines, both ways; what is left out stays as it is for all. */
  setPath(a: string, b: string, conditions: Partial<PathConditions>): void;
  /** Datagrams between two machines, both ways, wait for `ms` from now on; then all come at once, in order. */
  stall(a: string, b: string, ms: number): void;
  /** The machine vanishes with all its sockets, and says nothing to anyone. `host` at its address is then a new machine. */
  kill(address: string): void;
  /** A datagram that gives `from` as its source and is not: anybody on a network can send one. `onDatagram` does not show it. */
  forge(from: Address, to: Address, data: Uint8Array): void;
  /** Shows every datagram sent, those on loopback too. */
  onDatagram(listener: (seen: SeenDatagram) => void): Cancel;
}

/** What machines see of the network that joins them. */
export interface Wire {
  readonly clock: Clock;
  readonly tcpTimeoutMs: number;
  /** The live machine at an address. */
  machineAt(host: string): Machine | undefined;
  cut(a: string, b: string): boolean;
  conditions(a: string, b: string): PathConditions;
  /** How much longer what is sent between the two waits, ms. */
  stalled(a: string, b: string): number;
  fraction(): number;
  /** True where listeners want to see datagrams, so that nothing is built for nobody. */
  saw(seen: SeenDatagram): void;
  /** Calls back when a partition ends. */
  onHeal(callback: () => void): Cancel;
}

/** Builds a network; without options it delivers everything, in order, at the same instant of the clock. */
export function simulatedNetwork(options: SimulatedNetworkOptions): SimulatedNetwork {
  const { clock } = options;
  const random = options.random ?? seededRandom(1);
  let common: PathConditions = {
    latencyMs: options.latencyMs ?? 0,
    jitterMs: options.jitterMs ?? 0,
    loss: options.loss ?? 0,
    lossRun: options.lossRun ?? 1,
    duplicate: options.duplicate ?? 0,
    reorder: options.reorder ?? 0,
    reorderMs: options.reorderMs ?? 30,
  };
  const machines = new Map<string, Machine>();
  const paths = new Map<string, Partial<PathConditions>>();
  const cuts = new Set<string>();
  /** Until when, monotonic ms. */
  const stalls = new Map<string, number>();
  const datagramListeners = new Set<(seen: SeenDatagram) => void>();
  const healListeners = new Set<() => void>();

  const wire: Wire = {
    clock,
    tcpTimeoutMs: options.tcpTimeoutMs ?? 20_000,
    machineAt: (host) => machines.get(host),
    cut: (a, b) => cuts.has(pair(a, b)),
    conditions: (a, b) => ({ ...common, ...paths.get(pair(a, b)) }),
    stalled: (a, b) => Math.max(0, (stalls.get(pair(a, b)) ?? 0) - clock.now()),
    fraction: () => random.fraction(),
    saw: (seen) => datagramListeners.forEach((listener) => listener(seen)),
    onHeal: (callback) => {
      healListeners.add(callback);
      return () => healListeners.delete(callback);
    },
  };

  return {
    host(address) {
      const known = machines.get(address) ?? machine(wire, address);
      machines.set(address, known);
      return known.network;
    },
    partition(a, b) {
      for (const left of [a].flat()) for (const right of [b].flat()) cuts.add(pair(left, right));
    },
    heal() {
      cuts.clear();
      [...healListeners].forEach((callback) => callback());
    },
    setLoss(loss) {
      common = { ...common, loss };
    },
    setPath(a, b, conditions) {
      paths.set(pair(a, b), { ...paths.get(pair(a, b)), ...conditions });
    },
    stall(a, b, ms) {
      stalls.set(pair(a, b), clock.now() + ms);
    },
    kill(address) {
      machines.get(address)?.vanish();
      machines.delete(address);
    },
    forge(from, to, data) {
      const copy = new Uint8Array(data);
      clock.after(common.latencyMs, () => machines.get(to.host)?.receiver(to)?.(copy, from));
    },
    onDatagram(listener) {
      datagramListeners.add(listener);
      return () => datagramListeners.delete(listener);
    },
  };
}

function pair(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
