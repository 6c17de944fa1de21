/**
 * The network of this machine, its UDP sockets by the addon: read in batches, and streams that go out many by one call. TCP and
 * TLS are Node's. It knows addresses and bytes, nothing of what they say.
 */
import { getSystemErrorName } from "node:util";
import type { NativeUdp } from "../native/port.ts";
import type { SrtpSender } from "../srtp/port.ts";
import { networkFault } from "./fault.ts";
import { nodeNetwork } from "./node.ts";
import type { Address, Network, UdpSocket } from "./port.ts";
import { rowsOf, rowWords, type StreamTable } from "./streams.ts";

const recordWords = 4;

interface Place {
  readonly receive: (data: Uint8Array, from: Address) => void;
  source: Address;
}

export function nativeNetwork(udp: NativeUdp): Network {
  const places: (Place | undefined)[] = [];
  const indexes = new WeakMap<UdpSocket, number>();
  const native = udp.open(receive);
  const { records, data } = native;

  function receive(count: number): void {
    for (let record = 0; record < count; record++) {
      const at = record * recordWords;
      const place = places[records[at] ?? -1];
      // Closed by one who heard the datagram before.
      if (!place) continue;
      const offset = records[at + 1] ?? 0;
      const port = records[at + 3] ?? -1;
      if (port >= 0) place.source = { host: native.source(record), port };
      place.receive(data.subarray(offset, offset + (records[at + 2] ?? 0)), place.source);
    }
  }

  function open(wanted: Address, receiver: Place["receive"]): UdpSocket {
    const index = native.bind(wanted.host, wanted.port);
    if (index < 0) throw networkFault("udp", wanted, getSystemErrorName(index));
    places[index] = { receive: receiver, source: wanted };
    let peer: Address | undefined;
    let closed = false;
    const socket: UdpSocket = {
      local: { host: wanted.host, port: native.port(index) },
      send(datagram, to) {
        if (closed) return;
        if (to.port !== peer?.port || to.host !== peer.host) {
          peer = native.to(index, to.host, to.port) ? to : undefined;
          if (!peer) return;
        }
        native.send(index, datagram);
      },
      close() {
        if (closed) return;
        closed = true;
        places[index] = undefined;
        native.close(index);
      },
    };
    indexes.set(socket, index);
    return socket;
  }

  function streams(count: number): StreamTable {
    const words = new Int32Array(count * rowWords);
    const table = native.streams(words);
    const { take, give } = rowsOf(words);
    /** What the addon uses by its address lives as long. */
    const senders: (SrtpSender | undefined)[] = [];
    return {
      words,
      times: new Float64Array(words.buffer),
      take,
      give(row) {
        table.aim(row, -1, "", 0);
        senders[row] = undefined;
        give(row);
      },
      aim(row, socket, to, sender) {
        // A session of another driver would leave the row in clear.
        if (sender && !sender.handle) throw new TypeError("expected a sender of the native addon");
        table.aim(row, to ? (indexes.get(socket) ?? -1) : -1, to?.host ?? "", to?.port ?? 0, sender?.handle);
        senders[row] = sender;
      },
      send(rows, size, packet, numbers, nowMs, except) {
        const { sequence, timestamp, marker, count: counted, restart } = numbers;
        table.send(rows, size, packet, sequence, timestamp, marker, counted, restart, nowMs, except);
      },
    };
  }

  return { ...nodeNetwork(), udp: async (local, receiver) => open(local, receiver), streams };
}
