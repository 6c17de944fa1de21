import type { Address, Network, UdpSocket } from "../../hal/network/port.ts";
import type { Random } from "../../hal/random/port.ts";
import type { Srtp } from "../../hal/srtp/port.ts";
import { openPortPair, type PortPair, type PortRange } from "./port-pair.ts";
import { type SecuredMedia, securedMedia } from "./secured.ts";

/** A pair of sockets that know of packets only what the session's protection lets through, either way. Close `media` with them. */
export interface SecuredPair extends PortPair {
  readonly media: SecuredMedia;
  /** The RTP socket itself, for whoever protects by `media.sender`. */
  readonly bare: UdpSocket;
}

type Receive = (data: Uint8Array, from: Address) => void;
type Through = (packet: Uint8Array) => Uint8Array | undefined;

/** As `openPortPair`; in clear until keys are agreed on. */
export async function openSecuredPair(
  ports: { readonly network: Network; readonly random: Random; readonly srtp: Srtp },
  range: PortRange,
  onRtp: Receive,
  onRtcp: Receive,
): Promise<SecuredPair> {
  const media = securedMedia(ports.srtp);
  const { rtp, rtcp } = await openPortPair(
    ports,
    range,
    (datagram, from) => pass(media.openRtp(datagram), from, onRtp),
    (datagram, from) => pass(media.openRtcp(datagram), from, onRtcp),
  );
  return { media, bare: rtp, rtp: sealing(rtp, media.sealRtp), rtcp: sealing(rtcp, media.sealRtcp) };
}

function pass(packet: Uint8Array | undefined, from: Address, receive: Receive): void {
  if (packet) receive(packet, from);
}

/** An empty datagram is no packet, and holds open a way (RFC 6263 §4.1). */
function sealing({ local, send, close }: UdpSocket, seal: Through): UdpSocket {
  return {
    local,
    send(packet, to) {
      const sealed = packet.length === 0 ? packet : seal(packet);
      if (sealed) send(sealed, to);
    },
    close,
  };
}
