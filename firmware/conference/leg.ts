/**
 * One leg: the conference server's end of a pre-established session. Owns a pair of ports, so that a leg is known by its port;
 * it idles at the cost of an RTCP report every few seconds. It decides which datagrams are its terminal's; it knows no floor
 * and no other leg.
 */
import type { Clock } from "../../hal/clock/port.ts";
import { DeviceError } from "../../hal/error.ts";
import type { Address, Network } from "../../hal/network/port.ts";
import type { StreamTable } from "../../hal/network/streams.ts";
import type { Opus } from "../../hal/opus/port.ts";
import type { Random } from "../../hal/random/port.ts";
import type { Srtp, SrtpDrops } from "../../hal/srtp/port.ts";
import {
  acknowledgeBit,
  ackSource,
  decodeFloor,
  encodeFloor,
  type FloorMessage,
  floorSubtype,
  isFloorPacket,
} from "../floor/message.ts";
import { decodeSession, encodeSession, isSessionPacket } from "../floor/session-message.ts";
import { run } from "../machine.ts";
import { clockRates } from "../media/codec.ts";
import { g722Silence } from "../media/g722.ts";
import type { PortRange } from "../media/port-pair.ts";
import {
  type OutgoingStream,
  outgoingStream,
  type SourceNumbers,
  type SourceTrack,
  sourceTrack,
} from "../media/rewriter.ts";
import { openRtcpSession, type RtcpSession } from "../media/rtcp-session.ts";
import { isRtcp, readRtp, rtpHeaderLength, rtpView } from "../media/rtp.ts";
import { ownKeys } from "../media/secured.ts";
import { openSecuredPair } from "../media/secured-pair.ts";
import { keyReader } from "../media/telephone-event.ts";
import type { ToneBook } from "../media/tone-frames.ts";
import { withoutKeys } from "../media/without-keys.ts";
import type { Agreement } from "../sip/negotiation.ts";
import type { Leg, LegHandlers } from "./contract.ts";
import { descriptionsOf } from "./descriptions.ts";
import { channelsOf, type Places, placesOf, samePlaces, type TerminalChannels } from "./latch.ts";
import type { LegOptions } from "./protocol.ts";
import { replayPlayer } from "./replay-player.ts";
import { connect, disconnect, sessionCall } from "./session-call.ts";
import { openToneOverSpeech } from "./tone-over-speech.ts";
import { tonePlayer } from "./tone-player.ts";

/** An idle leg's way through a NAT is held open so often (RFC 6263 §4.1: an empty datagram). */
const keepAliveMs = 15_000;
/** Three intervals without a packet of any kind: lost. */
const lostAfterMs = 3 * keepAliveMs;
/**
 * A terminal on hold need not send anything, and many send no RTCP either: their silence tells nothing. That they are gone is for the
 * signalling to find out, whose session timer has run out by then (RFC 4028 §4: 1800 s), and the ports are free at last.
 */
const heldLostAfterMs = 1_800_000;
const watchMs = 5_000;
/** No voice packet is longer, on a leg or a trunk: a UDP payload in one Ethernet frame. */
export const longestPacket = 1_472;
const emptyDatagram = new Uint8Array(0);
/** Brings a decoder of G.722 to rest, with room for a header. */
const settlingPacket = Uint8Array.of(...new Uint8Array(rtpHeaderLength), ...g722Silence);
const settlingFrames = 2;

/** What stands between offer and answer. */
interface Agreed
  extends Pick<Agreement, "codec" | "payloadType" | "keyTypes" | "lines" | "sends" | "hears" | "queueing"> {
  readonly holds: boolean;
  readonly places: Places;
  readonly to: TerminalChannels;
  readonly out: OutgoingStream;
  /** Of the tones that are played into it. */
  readonly tones: SourceTrack;
  readonly rtcp: RtcpSession;
}

export async function openLeg(
  ports: {
    readonly clock: Clock;
    readonly network: Network;
    readonly random: Random;
    readonly srtp: Srtp;
    readonly tones: ToneBook;
    readonly opus: Opus;
    readonly streams: StreamTable;
    /** Of the clock, for all legs together. */
    readonly every: Clock["every"];
    /** The legs that a tone is played to. */
    readonly sounding: Set<Leg>;
  },
  options: LegOptions,
  range: PortRange,
  handlers: LegHandlers,
): Promise<Leg> {
  const { clock, random, streams } = ports;
  const identity = new DataView(random.bytes(8).buffer);
  /** Of the control messages, and of the first stream. */
  const ssrc = identity.getUint32(0);
  const view = rtpView();
  const keys = keyReader();
  const numbers = withoutKeys();
  let agreed: Agreed | undefined;
  let told: SrtpDrops = { forged: 0, replayed: 0, malformed: 0 };
  let aliveAt = clock.now();
  let keptAliveAt = clock.now();

  const sockets = await openSecuredPair(ports, range, onRtp, onRtcp);
  const row = takeRow();
  const descriptions = descriptionsOf(sockets.rtp.local, `${identity.getUint32(4)}`, {
    // What is secured once stays so: nobody talks a session out of it.
    use: () => (sockets.media.sender() ? "required" : (options.srtp ?? "off")),
    key: ownKeys(random),
  });
  const stopWatching = ports.every(watchMs, watch);
  const calls = run(sessionCall, {}, clock, ({ message }) => sendControl(encodeSession(message, ssrc)));
  const player = tonePlayer(clock, { onTurn, send: emit });
  const replays = replayPlayer(ports, { onTurn: () => onTurn(), send: emit });
  /** Counts what was to sound, so that a tone that is made knows whether it still is. */
  let turn = 0;
  /** What had been sent when its decoder was last brought to rest. */
  let settledAt = 0;
  const sounding = (): boolean => player.sounding() || replays.sounding();

  function onTurn(alike = false): void {
    if (!agreed) return;
    if (alike) agreed.out.begin(clock.now(), true);
    else begin(agreed, clock.now(), true);
    agreed.tones.begin();
    agreed.out.listen(agreed.hears && !sounding());
    if (player.sounding()) ports.sounding.add(self);
    else ports.sounding.delete(self);
  }

  /** Whatever is played into its audio ends. */
  function silence(): void {
    turn += 1;
    player.stop();
    ports.sounding.delete(self);
    replays.stop();
  }

  function aim(): void {
    if (agreed) streams.aim(row, sockets.bare, agreed.to.audio.address(), sockets.media.sender());
  }

  function takeRow(): number {
    const taken = streams.take();
    if (taken !== undefined) return taken;
    closeSockets();
    throw new DeviceError("streams", "ENOBUFS", "there are as many legs as there is room for; end some");
  }

  function closeSockets(): void {
    sockets.media.close();
    sockets.rtp.close();
    sockets.rtcp.close();
  }

  function onRtp(data: Uint8Array, from: Address): void {
    if (!agreed || data.length > longestPacket || !readRtp(data, view)) return;
    if (view.payloadType !== agreed.payloadType) return onKeyPacket(data, from);
    if (!agreed.to.audio.isFrom(from)) return;
    aliveAt = clock.now();
    agreed.rtcp.received(data, aliveAt);
    view.sequence = numbers.voice(view.sequence);
    if (agreed.sends) handlers.onMedia(data, view);
  }

  /** Keys are never relayed: what a listener is connected to would take them for the listener's own. */
  function onKeyPacket(data: Uint8Array, from: Address): void {
    if (!agreed?.keyTypes.includes(view.payloadType) || !agreed.to.audio.isFrom(from)) return;
    aliveAt = clock.now();
    agreed.rtcp.received(data, aliveAt);
    const { sequence, timestamp, ssrc: source, payloadOffset, payloadLength } = view;
    numbers.key(sequence);
    const key = keys.take(timestamp, source, data.subarray(payloadOffset, payloadOffset + payloadLength));
    if (key !== undefined) handlers.onKey(key);
  }

  function onRtcp(data: Uint8Array, from: Address): void {
    if (isFloorPacket(data)) return onFloorPacket(data, from);
    if (isSessionPacket(data)) return onSessionPacket(data, from);
    if (!isRtcp(data) || !agreed?.to.reports.isFrom(from) || !agreed.rtcp.receive(data, clock.now())) return;
    aliveAt = clock.now();
  }

  function onFloorPacket(data: Uint8Array, from: Address): void {
    const decoded = agreed?.to.floor?.isFrom(from) ? decodeFloor(data) : undefined;
    if (!decoded) return;
    const { message, acknowledge } = decoded;
    aliveAt = clock.now();
    if (acknowledge)
      sendFloor({ type: "ack", of: floorSubtype[message.type] | acknowledgeBit, source: ackSource.controlling });
    handlers.onFloor(message);
  }

  function onSessionPacket(data: Uint8Array, from: Address): void {
    const message = agreed?.to.floor?.isFrom(from) ? decodeSession(data) : undefined;
    if (!message) return;
    aliveAt = clock.now();
    if (message.type === "acknowledgement") calls.send({ type: "acknowledged", session: message.session });
  }

  function sendControl(packet: Uint8Array): void {
    const to = agreed?.to.floor?.address();
    if (to) sockets.rtcp.send(packet, to);
  }

  function sendFloor(message: FloorMessage): void {
    // Whoever is granted the floor says so, or is told again (TS 24.380 §6.3.4.4.2).
    const acknowledge = message.type === "granted";
    if (agreed?.to.floor) sendControl(encodeFloor(message, { ssrc, acknowledge }));
  }

  function sendReport(packet: Uint8Array): void {
    const to = agreed?.to.reports.address();
    if (to) sockets.rtcp.send(packet, to);
  }

  /** Numbers a payload into the leg's stream and sends it. */
  function emit(packet: Uint8Array, source: SourceNumbers): void {
    const to = agreed?.to.audio.address();
    if (to && agreed?.out.write(packet, agreed.tones.follow(source), clock.now())) sockets.rtp.send(packet, to);
  }

  function begin(to: Agreed, nowMs: number, midway?: boolean): void {
    if (to.codec === "G722" && to.hears) settle(to, nowMs);
    to.out.begin(nowMs, midway);
  }

  /** What comes now is of another encoder. Who has heard nothing since the last time needs none of this. */
  function settle({ out, tones }: Agreed, nowMs: number): void {
    if (out.sent().packets === settledAt) return;
    out.begin(nowMs, true);
    tones.begin();
    for (let index = 0; index < settlingFrames; index++)
      emit(settlingPacket, { sequence: index, timestamp: (index * clockRates.G722) / 50, marker: index === 0 });
    tones.begin();
    settledAt = out.sent().packets;
  }

  function watch(): void {
    if (!agreed) return;
    tellDrops();
    const now = clock.now();
    if (now - aliveAt >= (agreed.sends && agreed.hears ? lostAfterMs : heldLostAfterMs)) return handlers.onLost();
    const to = agreed.to.audio.address();
    if (now - Math.max(keptAliveAt, agreed.out.sent().atMs) < keepAliveMs || !to) return;
    // On hold as well: a way that has closed would not open again by itself (RFC 6263).
    keptAliveAt = now;
    sockets.rtp.send(emptyDatagram, to);
  }

  function tellDrops(): void {
    const { forged, replayed, malformed } = sockets.media.dropped();
    const news = {
      forged: forged - told.forged,
      replayed: replayed - told.replayed,
      malformed: malformed - told.malformed,
    };
    if (news.forged + news.replayed + news.malformed === 0) return;
    told = { forged, replayed, malformed };
    handlers.onDropped(news);
  }

  /** Another clock makes another source (RFC 7160): nobody could tell its timestamps from those before. */
  function openStream(clockRate: number): Pick<Agreed, "out" | "tones" | "rtcp"> {
    const numbers = new DataView(random.bytes(10).buffer);
    const source = agreed ? numbers.getUint32(0) : ssrc;
    const sequence = numbers.getUint16(4) & 0x7fff;
    const timestamp = numbers.getUint32(6) & 0x7fff_ffff;
    const out = outgoingStream(streams, row, { ssrc: source, sequence, timestamp, clockRate });
    const { onLoss, lostOnward: onward } = handlers;
    const of = { ssrc: source, cname: options.leg, sent: out.sent };
    const rtcp = openRtcpSession(
      { clock: { ...clock, every: ports.every }, send: sendReport },
      { ...of, onLoss, onward },
    );
    rtcp.start(clockRate);
    return { out, tones: sourceTrack(clockRate), rtcp };
  }

  function agree(agreement: Agreement): void {
    const { codec, payloadType, keyTypes, lines, sends, hears, queueing } = agreement;
    const before = agreed;
    const clockRate = clockRates[codec];
    const goesOn = before !== undefined && clockRates[before.codec] === clockRate;
    const places = placesOf(agreement, before?.places);
    sockets.media.agree(agreement.secured);
    if (before && !goesOn) before.rtcp.stop();
    if (before && (before.codec !== codec || !hears)) silence();
    const holds = !hears && before !== undefined && (before.hears || before.holds);
    agreed = {
      ...{ codec, payloadType, keyTypes, lines, sends, hears, holds, queueing, places },
      to: before && samePlaces(places, before.places) ? before.to : channelsOf(places, aim),
      ...(goesOn ? { out: before.out, tones: before.tones, rtcp: before.rtcp } : openStream(clockRate)),
    };
    agreed.out.payloadType(payloadType);
    agreed.out.listen(hears && !sounding());
    aim();
    aliveAt = clock.now();
    // What it has not heard meanwhile is no loss.
    if (!before?.hears || !goesOn) agreed.out.begin(aliveAt, true);
  }

  const self: Leg = {
    id: options.leg,
    options,
    row,
    group: undefined,
    overhear: player.overhear,
    codec: () => agreed?.codec,
    offer: descriptions.offer,
    answer(offer) {
      const { agreement, sdp } = descriptions.answer(offer, agreed?.codec);
      agree(agreement);
      return sdp;
    },
    accept: (sdp) => agree(descriptions.accept(sdp)),
    sends: () => agreed?.sends ?? false,
    hears: () => agreed?.hears ?? false,
    holds: () => agreed?.holds ?? false,
    sendFloor,
    hasFloor: () => agreed?.to.floor !== undefined,
    queues: () => agreed?.queueing ?? false,
    moved(from, to) {
      if (!agreed?.to.floor) return;
      if (from) calls.send({ type: "tell", message: disconnect(from, options.user) });
      if (to) calls.send({ type: "tell", message: connect(to, options.user, agreed.lines) });
    },
    play(tone) {
      const codec = agreed?.codec;
      if (!codec) return;
      turn += 1;
      const own = turn;
      void ports.tones.frames(codec, tone).then((frames) => {
        if (agreed?.codec !== codec || !agreed.hears || turn !== own) return;
        replays.stop();
        const over = () => openToneOverSpeech(ports.opus, codec, ports.tones.samples(codec, tone));
        player.play(frames, clockRates[codec] / 50, over, agreed.out.sent().atMs);
      });
    },
    replay(speech, onOver) {
      if (!agreed?.hears || player.sounding()) return onOver();
      replays.play(speech, agreed.codec, onOver);
    },
    sounding,
    hush: replays.stop,
    begin: (nowMs, midway) => agreed && begin(agreed, nowMs, midway),
    close() {
      stopWatching();
      calls.close();
      silence();
      agreed?.rtcp.stop();
      agreed = undefined;
      streams.give(row);
      closeSockets();
    },
  };
  return self;
}
