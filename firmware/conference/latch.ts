/**
 * Where the terminal of one leg is: as its session description says or, behind a NAT, where its packets come from (symmetric
 * RTP, RFC 4961). It decides whose datagrams are the leg's: without it, whoever sends first to a port would hear the
 * talkgroup in place of the terminal.
 */
import type { Address } from "../../hal/network/port.ts";
import type { Agreement } from "../sip/negotiation.ts";

/** One kind of datagram of a terminal. */
export interface Channel {
  /** Whether a datagram of this kind is the terminal's. Ask for plausible ones only: the first answer binds. */
  isFrom(source: Address): boolean;
  /** Where the terminal listens for this kind; undefined while nobody knows. */
  address(): Address | undefined;
}

/** What a description says of where its terminal is. */
export type Places = Pick<Agreement, "audio" | "rtcp" | "floor">;

export interface TerminalChannels {
  readonly audio: Channel;
  readonly reports: Channel;
  /** Undefined for a phone without floor control. */
  readonly floor: Channel | undefined;
}

const isNowhere = ({ host }: Address): boolean => host === "0.0.0.0" || host === "::";

/** The places of a description; of one that names nowhere (RFC 3264 §8.4), those of the description before it. */
export function placesOf({ audio, rtcp, floor }: Places, before?: Places): Places {
  const known = (place: Address, earlier: Address | undefined): Address =>
    isNowhere(place) && earlier ? earlier : place;
  return {
    audio: known(audio, before?.audio),
    rtcp: known(rtcp, before?.rtcp),
    floor: floor && known(floor, before?.floor),
  };
}

export function samePlaces(one: Places, other: Places): boolean {
  const sameFloor = one.floor && other.floor ? same(one.floor, other.floor) : one.floor === other.floor;
  return sameFloor && same(one.audio, other.audio) && same(one.rtcp, other.rtcp);
}

/** `onAudio`: the address of the audio may be another. */
export function channelsOf({ audio, rtcp, floor }: Places, onAudio: () => void = () => {}): TerminalChannels {
  const described = [audio.host, rtcp.host, floor?.host];
  const forget: (() => void)[] = [];
  /** The terminal is heard from a host that its description names: it is behind no NAT, and no other host is its. */
  let isAsDescribed = false;
  /** The one other host that is listened to. */
  let translated: string | undefined;

  function isItsHost(host: string): boolean {
    if (!described.includes(host)) {
      if (!isAsDescribed) translated ??= host;
      return translated === host;
    }
    if (translated !== undefined) for (const each of forget) each();
    translated = undefined;
    isAsDescribed = true;
    return true;
  }

  function channel(told: Address, onLatch?: () => void): Channel {
    let latched: Address | undefined;
    function latch(source: Address | undefined): void {
      latched = source;
      onLatch?.();
    }
    forget.push(() => latch(undefined));
    return {
      isFrom(source) {
        if (latched && same(latched, source)) return true;
        // Never latched anew, but to the very address that the description names.
        if (!isItsHost(source.host) || (latched && !same(told, source))) return false;
        latch(source);
        return true;
      },
      address: () => latched ?? (isNowhere(told) ? undefined : told),
    };
  }

  const reports = channel(rtcp);
  return { audio: channel(audio, onAudio), reports, floor: floor && (same(floor, rtcp) ? reports : channel(floor)) };
}

const same = (a: Address, b: Address): boolean => a.port === b.port && a.host === b.host;
