/**
 * The bridge of one talkgroup: what the talker says goes to every other leg and to the trunk, and nothing else goes
 * anywhere. Frames stay encoded; only legs of another codec get theirs transcoded. It decides nothing about who may talk:
 * it is told to open and to close. This is the hot path: plain calls, reused buffers, no promise.
 */
import type { Opus } from "../../hal/opus/port.ts";
import type { Random } from "../../hal/random/port.ts";
import { type CodecName, clockRates } from "../media/codec.ts";
import { relayable, type SourceNumbers } from "../media/rewriter.ts";
import { type RtpView, readRtp, rtpView } from "../media/rtp.ts";
import type { Leg } from "./contract.ts";
import { type Conversion, openConversion } from "./conversion.ts";
import { earlyMedia } from "./early-media.ts";
import { type FanOut, type FanOutPorts, openFanOut } from "./fan-out.ts";
import { longestPacket } from "./leg.ts";
import type { GatewayId } from "./protocol.ts";
import { type BurstTap, tapped } from "./tap.ts";
import { openTrunkStream, trunkCodecs } from "./trunk-stream.ts";

export interface Bridge {
  join(leg: Leg): void;
  leave(leg: Leg): void;
  /** The leg has agreed on something else: another codec, maybe. */
  refit(leg: Leg): void;
  /** Whether every leg is heard, or the talker alone. */
  duplex(wanted: boolean): void;
  /** Whether other gateways have members to hear what is said here. */
  trunk(wanted: boolean): void;
  /** A burst starts: the talker is a leg here, or sits behind another gateway. */
  open(talker: Leg | GatewayId): void;
  /** The burst is over; what is still in flight passes for 100 ms. */
  close(): void;
  /** An RTP packet of a leg. True when it is the talker's. */
  fromLeg(leg: Leg, packet: Uint8Array, view: RtpView): boolean;
  /** An RTP packet of another gateway, `packet` reused by the bridge. True when it is the talker's. */
  fromTrunk(from: GatewayId, packet: Uint8Array): boolean;
  closeAll(): void;
}

const inFlightMs = 100;

/** Legs of one codec that hear the same, and what makes that codec for them while another is spoken. */
interface Lane {
  readonly codec: CodecName;
  readonly legs: FanOut;
  conversion?: Conversion | undefined;
}

export function openBridge(
  ports: FanOutPorts & { readonly random: Random; readonly opus: Opus },
  handlers: {
    readonly onTrunk: (packet: Uint8Array) => void;
    /** Hears every burst, in Opus. */
    readonly tap?: Pick<BurstTap, "rebase" | "take"> | undefined;
  },
): Bridge {
  const { clock, opus } = ports;
  const early = earlyMedia(clock);
  /** By codec; where everybody is heard, by leg, since each hears another. */
  const lanes = new Map<CodecName | Leg, Lane>();
  const toTrunk = openTrunkStream(ports, handlers.onTrunk);
  const members = new Set<Leg>();
  const trunkView = rtpView();
  let trunked = false;
  let everybody = false;
  let talker: Leg | GatewayId | undefined;
  /** When the last of a burst that is over has passed, monotonic ms. */
  let shutAt = Number.POSITIVE_INFINITY;

  const keyOf = (leg: Leg, codec: CodecName): CodecName | Leg => (everybody ? leg : codec);

  function laneAt(key: CodecName | Leg, codec: CodecName): Lane {
    const lane = lanes.get(key) ?? { codec, legs: legsOf(codec) };
    lanes.set(key, lane);
    return lane;
  }

  function legsOf(codec: CodecName): FanOut {
    const legs = openFanOut(ports, clockRates[codec]);
    return handlers.tap && codec === "opus" ? tapped(legs, handlers.tap) : legs;
  }

  function endConversions(): void {
    for (const lane of lanes.values()) {
      lane.conversion?.close();
      lane.conversion = undefined;
    }
  }

  function passes(from: Leg | GatewayId): boolean {
    return from === talker ? clock.now() < shutAt : everybody && typeof from !== "string";
  }

  function beginEverywhere(): void {
    for (const lane of lanes.values()) lane.legs.begin();
  }

  function join(leg: Leg, midway?: boolean): void {
    const codec = leg.codec();
    if (!codec) return;
    members.add(leg);
    laneAt(keyOf(leg, codec), codec).legs.add(leg);
    leg.begin(clock.now(), midway);
  }

  function leave(leg: Leg): void {
    members.delete(leg);
    for (const [key, lane] of lanes) {
      lane.legs.remove(leg);
      if (lane.legs.size > 0) continue;
      lane.conversion?.close();
      lanes.delete(key);
    }
  }

  function fanOut(from: Leg | GatewayId, codec: CodecName, packet: Uint8Array, view: RtpView): void {
    const payload = relayable(packet, view);
    const except = typeof from === "string" ? undefined : from;
    for (const [key, lane] of lanes) {
      if (key === from) continue;
      if (lane.codec === codec) lane.legs.send(payload, view, except);
      else convert(lane, codec, packet, view);
    }
    if (!trunked || typeof from === "string") return;
    toTrunk.send(payload, view, codec);
  }

  function convert(lane: Lane, from: CodecName, packet: Uint8Array, view: RtpView): void {
    // The last of another gateway's burst may be followed by its next one, of another codec.
    if (lane.conversion?.from !== from) {
      lane.conversion?.close();
      lane.conversion = openConversion(opus, from, lane.codec, (converted: Uint8Array, source: SourceNumbers) =>
        lane.legs.send(converted, source),
      );
    }
    const { payloadOffset, payloadLength } = view;
    lane.conversion.take(packet.subarray(payloadOffset, payloadOffset + payloadLength), view);
  }

  function fromTrunk(from: GatewayId, packet: Uint8Array): boolean {
    if (packet.length > longestPacket || !readRtp(packet, trunkView) || trunkView.payloadLength === 0) return false;
    const codec = trunkCodecs.get(trunkView.payloadType);
    if (!codec) return false;
    if (!passes(from)) {
      early.keep(from, packet, trunkView.marker);
      return false;
    }
    fanOut(from, codec, packet, trunkView);
    return true;
  }

  return {
    join: (leg) => join(leg),
    leave,
    refit(leg) {
      const codec = leg.codec();
      const lane = codec && lanes.get(keyOf(leg, codec));
      if (!codec || (lane?.codec === codec && lane.legs.has(leg))) return;
      leave(leg);
      join(leg, true);
      if (!passes(leg)) return;
      // What it says comes in another codec from now on, and by another clock: to its listeners a burst begins.
      endConversions();
      beginEverywhere();
      toTrunk.begin();
    },
    duplex(wanted) {
      endConversions();
      everybody = wanted;
      talker = undefined;
      lanes.clear();
      for (const leg of members) join(leg);
    },
    trunk(wanted) {
      trunked = wanted;
    },
    open(next) {
      // There although nobody may listen in Opus.
      if (handlers.tap) laneAt("opus", "opus");
      endConversions();
      talker = next;
      shutAt = Number.POSITIVE_INFINITY;
      beginEverywhere();
      if (typeof next !== "string") return toTrunk.begin();
      early.take(next, (packet) => fromTrunk(next, packet));
    },
    close() {
      shutAt = Math.min(shutAt, clock.now() + inFlightMs);
    },
    fromLeg(leg, packet, view) {
      const codec = leg.codec();
      if (!codec || !passes(leg) || view.payloadLength === 0) return false;
      fanOut(leg, codec, packet, view);
      return true;
    },
    fromTrunk,
    closeAll() {
      talker = undefined;
      everybody = false;
      endConversions();
    },
  };
}
