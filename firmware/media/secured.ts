/**
 * Between the sockets of a session and its packets: as they are, or protected where keys were agreed on, and then no other way. Whoever
 * asks it for a packet gets one of the session or none. It does not know how keys are agreed on.
 */
import type { Random } from "../../hal/random/port.ts";
import {
  longestTrailer,
  masterLengths,
  type Srtp,
  type SrtpDrops,
  type SrtpKey,
  type SrtpReceiver,
  type SrtpSender,
  type SrtpSuite,
} from "../../hal/srtp/port.ts";

export interface SecuredMedia {
  /**
   * By these keys from now on; undefined: in clear. What was agreed on before goes on where it is the same. It takes the keys over,
   * and overwrites those that are not used any more. Throws SrtpError.
   */
  agree(keys: { readonly send: SrtpKey; readonly receive: SrtpKey } | undefined): void;
  /** The packet in a datagram; undefined for one that is dropped. Both are the datagram's memory. */
  openRtp(datagram: Uint8Array): Uint8Array | undefined;
  openRtcp(datagram: Uint8Array): Uint8Array | undefined;
  /** What goes out for a packet; undefined for one that cannot. Valid until the next call. */
  sealRtp(packet: Uint8Array): Uint8Array | undefined;
  sealRtcp(packet: Uint8Array): Uint8Array | undefined;
  /** Of what goes out past it; undefined: in clear. */
  sender(): SrtpSender | undefined;
  /** So many datagrams were dropped since it was opened. */
  dropped(): SrtpDrops;
  close(): void;
}

/** UDP carries no longer packet in one Ethernet frame. */
const longestPacket = 1_472;

export function securedMedia(srtp: Srtp): SecuredMedia {
  /** The latest of each suite, kept while another is spoken: the numbers under a key must not start anew (RFC 3711 §9.1). */
  const senders = new Map<SrtpSuite, Keyed<SrtpSender>>();
  let sender: SrtpSender | undefined;
  let receiver: Keyed<SrtpReceiver> | undefined;
  let before: SrtpDrops = { forged: 0, replayed: 0, malformed: 0 };
  let sealed = new Uint8Array(0);

  function dropped(): SrtpDrops {
    const { forged, replayed, malformed } = receiver?.dropped ?? none;
    return {
      forged: before.forged + forged,
      replayed: before.replayed + replayed,
      malformed: before.malformed + malformed,
    };
  }

  function senderOf(key: SrtpKey): SrtpSender {
    const latest = senders.get(key.suite);
    if (latest && isSame(key, latest)) return latest;
    const made = { ...srtp.sender(key), key };
    forget(latest);
    senders.set(key.suite, made);
    return made;
  }

  function open(datagram: Uint8Array, unprotect: (packet: Uint8Array) => number): Uint8Array | undefined {
    // What holds open a way through a NAT (RFC 6263 §4.1).
    if (datagram.length === 0) return undefined;
    const length = unprotect(datagram);
    return length > 0 ? datagram.subarray(0, length) : undefined;
  }

  function seal(packet: Uint8Array, protect: (packet: Uint8Array, into: Uint8Array) => number): Uint8Array | undefined {
    if (packet.length > longestPacket) return undefined;
    if (sealed.length === 0) sealed = new Uint8Array(longestPacket + longestTrailer);
    const length = protect(packet, sealed);
    return length > 0 ? sealed.subarray(0, length) : undefined;
  }

  return {
    agree(keys) {
      // First what may throw.
      const opened = keys && !isSame(keys.receive, receiver) ? srtp.receiver(keys.receive) : undefined;
      sender = keys && senderOf(keys.send);
      if (keys && !opened) return;
      before = dropped();
      forget(receiver);
      receiver = keys && opened && { ...opened, key: keys.receive };
    },
    openRtp: (datagram) => (receiver ? open(datagram, receiver.unprotectRtp) : datagram),
    openRtcp: (datagram) => (receiver ? open(datagram, receiver.unprotectRtcp) : datagram),
    sealRtp: (packet) => (sender ? seal(packet, sender.protectRtp) : packet),
    sealRtcp: (packet) => (sender ? seal(packet, sender.protectRtcp) : packet),
    sender: () => sender,
    dropped,
    close() {
      forget(receiver);
      for (const each of senders.values()) forget(each);
    },
  };
}

type Keyed<Session> = Session & { readonly key: SrtpKey };

const none: SrtpDrops = { forged: 0, replayed: 0, malformed: 0 };

function forget(session: Keyed<{ close(): void }> | undefined): void {
  session?.close();
  session?.key.master.fill(0);
}

function isSame(key: SrtpKey, session: { readonly key: SrtpKey } | undefined): boolean {
  const other = session?.key;
  return key.suite === other?.suite && key.master.every((byte, at) => byte === other.master[at]);
}

/** The master keys of what one session sends: one for each suite, made when it is first asked for. */
export function ownKeys(random: Random): (suite: SrtpSuite) => Uint8Array {
  const made = new Map<SrtpSuite, Uint8Array>();
  return (suite) => {
    const master = made.get(suite) ?? random.bytes(masterLengths[suite]);
    made.set(suite, master);
    return master;
  };
}
