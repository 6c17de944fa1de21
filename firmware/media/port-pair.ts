import { DeviceError } from "../../hal/error.ts";
import type { Address, Network, UdpSocket } from "../../hal/network/port.ts";
import type { Random } from "../../hal/random/port.ts";

/** RTP on an even port, RTCP and floor control on the next (RFC 3550 §11). */
export interface PortPair {
  readonly rtp: UdpSocket;
  readonly rtcp: UdpSocket;
}

export interface PortRange {
  readonly host: string;
  /** Inclusive. */
  readonly first: number;
  readonly last: number;
}

type Receive = (data: Uint8Array, from: Address) => void;

/** Binds a free pair, starting from a random place in the range so that a restarted gateway does not meet late packets. */
export async function openPortPair(
  ports: { readonly network: Network; readonly random: Random },
  range: PortRange,
  onRtp: Receive,
  onRtcp: Receive,
): Promise<PortPair> {
  const first = range.first + (range.first % 2);
  const pairs = Math.floor((range.last - first + 1) / 2);
  const start = Math.floor(ports.random.fraction() * pairs);
  let fault: unknown;
  for (let attempt = 0; attempt < pairs; attempt++) {
    const port = first + 2 * ((start + attempt) % pairs);
    let rtp: UdpSocket | undefined;
    try {
      rtp = await ports.network.udp({ host: range.host, port }, onRtp);
      return { rtp, rtcp: await ports.network.udp({ host: range.host, port: port + 1 }, onRtcp) };
    } catch (error) {
      rtp?.close();
      fault = error;
    }
  }
  throw new DeviceError(
    `media ports ${range.first}-${range.last} on ${range.host}`,
    "EADDRINUSE",
    "no free pair of ports was found; widen media.ports or stop what holds them",
    fault,
  );
}
