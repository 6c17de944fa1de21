/**
 * Everybody is heard at once: each hears all others, and not itself. Frames are made on a grid of 20 ms, and only while somebody
 * speaks. Those who do not speak hear the same, encoded once a codec; each speaker hears a mix of its own. To other gateways goes
 * what is said here, as one stream, and what each of them sends is one more speaker: nothing comes back. It decides nothing about
 * who may talk.
 */
import { frameMs, frameSamples } from "../../hal/audio/port.ts";
import type { Cancel } from "../../hal/clock/port.ts";
import type { Opus } from "../../hal/opus/port.ts";
import type { Random } from "../../hal/random/port.ts";
import { type CodecName, clockRates } from "../media/codec.ts";
import { mixer } from "../media/mixer.ts";
import { type RtpView, readRtp, rtpView } from "../media/rtp.ts";
import type { Leg } from "./contract.ts";
import { type FanOut, type FanOutPorts, openFanOut } from "./fan-out.ts";
import { longestPacket } from "./leg.ts";
import { type MixLane, openMixLane } from "./mix-lane.ts";
import { type MixSource, mixSource } from "./mix-source.ts";
import type { GatewayId } from "./protocol.ts";
import { type BurstTap, tapped } from "./tap.ts";
import { openTrunkStream, trunkCodecs } from "./trunk-stream.ts";

export interface Mix {
  join(leg: Leg): void;
  leave(leg: Leg): void;
  /** Whether a leg that has joined hears the mix: it may hear something else for a while. */
  hear(leg: Leg, wanted: boolean): void;
  /** The leg has agreed on something else: another codec, maybe. */
  refit(leg: Leg): void;
  /** Whether other gateways have members to hear what is said here. */
  trunk(wanted: boolean): void;
  /** An RTP packet of a leg. `known`: it is speech; otherwise that is found out. */
  fromLeg(leg: Leg, packet: Uint8Array, view: RtpView, known: boolean): void;
  /** An RTP packet of another gateway, `packet` reused by the mix. */
  fromTrunk(from: GatewayId, packet: Uint8Array): void;
  close(): void;
}

/** Speakers that are decoded at once, and those of them that are heard. */
const mostDecoded = 16;
const mostHeard = 8;
/** RMS. Who is less loud gives way to another who begins to speak, where there are too many. */
const faint = 150;
/** Slots of the grid that were missed, up to here, are made up for: what was said in them is there. */
const mostBehind = 5;

type Key = Leg | GatewayId;

/** Legs of one codec that hear the same mix. */
interface Group {
  readonly codec: CodecName;
  readonly legs: FanOut;
  lane?: MixLane | undefined;
}

export function openMix(
  ports: FanOutPorts & {
    readonly random: Random;
    readonly opus: Opus;
    /** Hears what those hear who do not speak, in Opus. */
    readonly tap?: Pick<BurstTap, "rebase" | "take"> | undefined;
  },
  options: { readonly hangMs: number },
  handlers: {
    readonly onTrunk: (packet: Uint8Array) => void;
    /** Who speaks now, in the order in which they began. */
    readonly onSpeakers: (speakers: readonly (Leg | GatewayId)[]) => void;
    /** Nobody has spoken for the hang time. */
    readonly onQuiet: () => void;
  },
): Mix {
  const { clock, opus, tap } = ports;
  const toTrunk = openTrunkStream(ports, handlers.onTrunk);
  const trunkView = rtpView();
  const members = new Set<Leg>();
  /** Those of them that do not hear the mix. */
  const away = new Set<Leg>();
  /** Who has sent anything. */
  const sources = new Map<Key, MixSource>();
  const speakers = mixer<Key>(frameSamples, mostHeard);
  /** Those in the mix, in the order in which they began, and those that will be in a moment. */
  const decoding = new Map<Key, MixSource>();
  const opening = new Set<Key>();
  /** Those that do not speak, by codec; and each that does, by itself. */
  const listening = new Map<CodecName, Group>();
  const speaking = new Map<Leg, Group>();
  if (tap) groupOf("opus");
  let trunkLane: MixLane | undefined;
  let trunked = false;
  let told: readonly Key[] = [];
  let stopFrames: Cancel | undefined;
  let stopHang: Cancel = () => {};

  function groupOf(codec: CodecName): Group {
    const known = listening.get(codec);
    if (known) return known;
    const legs = openFanOut(ports, clockRates[codec]);
    const group = { codec, legs: tap && codec === "opus" ? tapped(legs, tap) : legs };
    listening.set(codec, group);
    return group;
  }

  function moveInto(group: Group, leg: Leg): void {
    group.legs.add(leg);
    leg.begin(clock.now(), true);
  }

  function removeFromGroups(leg: Leg): void {
    for (const group of listening.values()) group.legs.remove(leg);
    speaking.get(leg)?.lane?.close();
    speaking.delete(leg);
  }

  /** It hears another mix than the others from now on. */
  function setApart(leg: Leg): void {
    const codec = leg.codec();
    if (!codec || away.has(leg) || speaking.has(leg)) return;
    removeFromGroups(leg);
    const group: Group = { codec, legs: openFanOut(ports, clockRates[codec]) };
    speaking.set(leg, group);
    moveInto(group, leg);
  }

  function rejoin(leg: Leg): void {
    removeFromGroups(leg);
    const codec = leg.codec();
    if (!codec || !members.has(leg) || away.has(leg)) return;
    if (decoding.has(leg)) setApart(leg);
    else moveInto(groupOf(codec), leg);
  }

  function tellSpeakers(): void {
    const now = clock.now();
    const speak = [...decoding].flatMap(([key, source]) => (source.speaks(now) ? [key] : []));
    if (speak.length === told.length && speak.every((key, index) => key === told[index])) return;
    told = speak;
    handlers.onSpeakers(told);
  }

  function startFrames(): void {
    stopHang();
    stopFrames ??= clock.every(frameMs, (skipped) => {
      const behind = Math.min(skipped, mostBehind);
      for (let frame = 0; frame <= behind && stopFrames; frame++) makeFrame();
    });
  }

  function stop(): void {
    stopFrames?.();
    stopFrames = undefined;
    stopHang();
    stopHang = clock.after(options.hangMs, rest);
  }

  /** Nobody has spoken for long, or nobody is there. */
  function rest(): void {
    for (const group of listening.values()) closeLane(group);
    trunkLane?.close();
    trunkLane = undefined;
    handlers.onQuiet();
  }

  function closeLane(group: Group): void {
    group.lane?.close();
    group.lane = undefined;
  }

  function sendTo(group: Group, sum: Int32Array | undefined): boolean {
    group.lane ??= openMixLane(opus, group.codec, group.legs);
    return group.lane.send(sum);
  }

  function sendToTrunk(): boolean {
    if (!trunked) return false;
    trunkLane ??= openMixLane(opus, "opus", {
      begin: toTrunk.begin,
      send: (packet, source) => toTrunk.send(packet, source, "opus"),
    });
    return trunkLane.send(speakers.spokenHere());
  }

  function makeFrame(): void {
    speakers.next(clock.now(), forget);
    let busy = sendToTrunk();
    for (const group of listening.values()) {
      if (group.legs.size > 0) busy = sendTo(group, speakers.all()) || busy;
      else closeLane(group);
    }
    for (const [leg, group] of speaking) busy = sendTo(group, speakers.without(leg)) || busy;
    tellSpeakers();
    if (!busy && speakers.size === 0) stop();
  }

  /** It is decoded no more, and hears what everybody hears. */
  function forget(key: Key): void {
    speakers.remove(key);
    opening.delete(key);
    decoding.get(key)?.close();
    decoding.delete(key);
    if (typeof key !== "string" && speaking.has(key)) rejoin(key);
  }

  function isRoom(): boolean {
    if (decoding.size + opening.size < mostDecoded) return true;
    const quietest = speakers.quietest();
    if (!quietest || quietest.level > faint) return false;
    forget(quietest.key);
    return true;
  }

  function begin(key: Key, source: MixSource): void {
    if (opening.has(key) || !isRoom()) return;
    // What it said in another codec, or before it left and came back, is cut short.
    forget(key);
    opening.add(key);
    source.open(() => {
      opening.delete(key);
      decoding.set(key, source);
      speakers.add(key, source, typeof key !== "string");
      if (typeof key !== "string") setApart(key);
      startFrames();
    });
  }

  function take(key: Key, codec: CodecName, packet: Uint8Array, view: RtpView, known: boolean): void {
    let source = sources.get(key);
    if (source?.codec !== codec) {
      end(key);
      source = mixSource(opus, codec);
      sources.set(key, source);
    }
    if (source.take(packet, view, clock.now(), known)) begin(key, source);
  }

  /** What it has said is heard to its end. */
  function end(key: Key): void {
    const source = sources.get(key);
    sources.delete(key);
    source?.end();
    if (decoding.get(key) !== source) source?.close();
    opening.delete(key);
  }

  function leave(leg: Leg): void {
    members.delete(leg);
    away.delete(leg);
    removeFromGroups(leg);
    end(leg);
    if (members.size === 0) desert();
  }

  /** Nobody is left to hear anything. */
  function desert(): void {
    stopFrames?.();
    stopFrames = undefined;
    stopHang();
    for (const key of [...sources.keys()]) end(key);
    for (const key of [...decoding.keys()]) forget(key);
    tellSpeakers();
    rest();
  }

  function join(leg: Leg): void {
    members.add(leg);
    rejoin(leg);
  }

  return {
    join,
    leave,
    hear(leg, wanted) {
      if (wanted) away.delete(leg);
      else away.add(leg);
      rejoin(leg);
    },
    refit(leg) {
      const codec = leg.codec();
      const group = speaking.get(leg) ?? [...listening.values()].find(({ legs }) => legs.has(leg));
      if (!codec || away.has(leg) || group?.codec === codec) return;
      end(leg);
      rejoin(leg);
    },
    trunk(wanted) {
      trunked = wanted;
    },
    fromLeg(leg, packet, view, known) {
      const codec = leg.codec();
      if (codec && view.payloadLength > 0 && members.has(leg)) take(leg, codec, packet, view, known);
    },
    fromTrunk(from, packet) {
      if (
        members.size === 0 ||
        packet.length > longestPacket ||
        !readRtp(packet, trunkView) ||
        trunkView.payloadLength === 0
      )
        return;
      const codec = trunkCodecs.get(trunkView.payloadType);
      if (codec) take(from, codec, packet, trunkView, true);
    },
    close() {
      members.clear();
      desert();
      for (const group of speaking.values()) closeLane(group);
    },
  };
}
