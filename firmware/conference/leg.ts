/**
 * One leg: the conference server's end of a pre-established session. Owns a pair of ports, so that a leg is known by its port;
 * it idles at the cost of an RTCP report every few seconds. It decides which datagrams are its terminal's; it knows no floor
 * and no other leg.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Address, Network } from "../../hal/network/port.ts";
import type { Random } from "../../hal/random/port.ts";
import {
  acknowledgeBit,
  ackSource,
  decodeFloor,
  encodeFloor,
  type FloorMessage,
  floorSubtype,
  isFloorPacket,
} from "../floor/message.ts";
import { decodeSession, encodeSession, isSessionPacket, sessionType } from "../floor/session-message.ts";
import { run } from "../machine.ts";
import { clockRates } from "../media/codec.ts";
import { openPortPair, type PortRange } from "../media/port-pair.ts";
import { type OutgoingStream, outgoingStream, type SourceNumbers } from "../media/rewriter.ts";
import { openRtcpSession } from "../media/rtcp-session.ts";
import { isRtcp, type RtpView, readRtp, rtpHeaderLength, rtpView } from "../media/rtp.ts";
import { type Agreement, answerOffer, type LegCodec, legOffer, readAnswer } from "../sip/negotiation.ts";
import { channelsOf, type TerminalChannels } from "./latch.ts";
import type { LegId, LegOptions } from "./protocol.ts";
import { sessionCall } from "./session-call.ts";

export interface LegHandlers {
  onFloor(message: FloorMessage): void;
  /** An RTP packet of the agreed codec and what its header says: the leg's buffers, valid during the call. */
  onMedia(packet: Uint8Array, view: RtpView): void;
  /** No sign of life for three keep-alive intervals. */
  onLost(): void;
}

export interface Leg {
  readonly id: LegId;
  readonly options: LegOptions;
  /** Undefined until offer and answer have met. */
  codec(): LegCodec | undefined;
  offer(): string;
  /** Answers the terminal's offer. Throws ProtocolError 488. */
  answer(offer: string): string;
  /** Takes the terminal's answer. Throws ProtocolError 488. */
  accept(answer: string): void;
  sendFloor(message: FloorMessage): void;
  /** Whether its terminal knows floor control. */
  hasFloor(): boolean;
  /** Its session has left one call, and serves another. A terminal with floor control is told of it. */
  moved(from: PresentCall | undefined, to: PresentCall | undefined): void;
  /** A talk burst starts: the next packet is its first. */
  begin(nowMs: number): void;
  /** Sends a payload that has 12 bytes of room before it; this leg's header is written there. */
  send(packet: Uint8Array, source: SourceNumbers): void;
  close(): void;
}

/** A call as a terminal is told of it. */
export interface PresentCall {
  readonly talkgroup: string;
  /** A talkgroup that anybody may come into, rather than a call that somebody set up. */
  readonly standing: boolean;
  /** The identity of who called. */
  readonly caller?: string | undefined;
}

/** An idle leg's way through a NAT is held open so often (RFC 6263 §4.1: an empty datagram). */
const keepAliveMs = 15_000;
/** Three intervals without a packet of any kind: lost. */
const lostAfterMs = 3 * keepAliveMs;
const watchMs = 5_000;
/** No voice packet is longer, on a leg or a trunk: a UDP payload in one Ethernet frame. */
export const longestPacket = 1_472;
const emptyDatagram = new Uint8Array(0);

export async function openLeg(
  ports: { readonly clock: Clock; readonly network: Network; readonly random: Random },
  options: LegOptions,
  range: PortRange,
  handlers: LegHandlers,
): Promise<Leg> {
  const { clock, random } = ports;
  const numbers = new DataView(random.bytes(14).buffer);
  const ssrc = numbers.getUint32(0);
  const sessionId = `${numbers.getUint32(10)}`;
  const view = rtpView();
  let agreed:
    | {
        readonly codec: LegCodec;
        readonly payloadType: number;
        readonly to: TerminalChannels;
        readonly out: OutgoingStream;
        readonly lines: Agreement["lines"];
      }
    | undefined;
  let aliveAt = clock.now();
  let sentAt = clock.now();

  const sockets = await openPortPair(ports, range, onRtp, onRtcp);
  const rtcp = openRtcpSession({ clock, send: sendReport }, { ssrc, cname: options.leg });
  const stopWatching = clock.every(watchMs, watch);
  const calls = run(sessionCall, {}, clock, ({ message }) => {
    if (agreed?.to.floor) sockets.rtcp.send(encodeSession(message, ssrc), agreed.to.floor.address());
  });

  function onRtp(data: Uint8Array, from: Address): void {
    if (!agreed || data.length > longestPacket || !readRtp(data, view)) return;
    if (view.payloadType !== agreed.payloadType || !agreed.to.audio.isFrom(from)) return;
    aliveAt = clock.now();
    rtcp.received(data, aliveAt);
    handlers.onMedia(data, view);
  }

  function onRtcp(data: Uint8Array, from: Address): void {
    if (isFloorPacket(data)) return onFloorPacket(data, from);
    if (isSessionPacket(data)) return onSessionPacket(data, from);
    if (!isRtcp(data) || !agreed?.to.reports.isFrom(from) || !rtcp.receive(data, clock.now())) return;
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

  function sendFloor(message: FloorMessage): void {
    if (agreed?.to.floor) sockets.rtcp.send(encodeFloor(message, { ssrc }), agreed.to.floor.address());
  }

  function sendReport(packet: Uint8Array): void {
    if (agreed) sockets.rtcp.send(packet, agreed.to.reports.address());
  }

  function watch(): void {
    if (!agreed) return;
    const now = clock.now();
    if (now - aliveAt >= lostAfterMs) return handlers.onLost();
    if (now - sentAt < keepAliveMs) return;
    sentAt = now;
    sockets.rtp.send(emptyDatagram, agreed.to.audio.address());
  }

  /** A call is named in the domain of the leg's user (TS 24.379 §4.5). */
  function identityOf({ talkgroup, standing }: PresentCall): { session: string; sessionType: number } {
    const domain = options.user.slice(options.user.indexOf("@") + 1);
    return { session: `sip:${talkgroup}@${domain}`, sessionType: standing ? sessionType.chat : sessionType.none };
  }

  function agree(agreement: Agreement): void {
    const { codec, payloadType } = agreement;
    const clockRate = clockRates[codec];
    const sequence = numbers.getUint16(4) & 0x7fff;
    const timestamp = numbers.getUint32(6) & 0x7fff_ffff;
    const out = outgoingStream({ ssrc, sequence, timestamp, clockRate });
    agreed = { codec, payloadType, to: channelsOf(agreement), out, lines: agreement.lines };
    aliveAt = clock.now();
    rtcp.start(clockRate);
  }

  return {
    id: options.leg,
    options,
    codec: () => agreed?.codec,
    offer: () => legOffer(sockets.rtp.local, sessionId),
    answer(offer) {
      const { agreement, answer } = answerOffer(offer, sockets.rtp.local, sessionId);
      agree(agreement);
      return answer;
    },
    accept: (answer) => agree(readAnswer(answer)),
    sendFloor,
    hasFloor: () => agreed?.to.floor !== undefined,
    moved(from, to) {
      if (!agreed?.to.floor) return;
      const { audio: audioLine, floor: floorLine } = agreed.lines;
      if (from) calls.send({ type: "tell", message: { type: "disconnect", ...identityOf(from) } });
      if (!to) return;
      const identity = identityOf(to);
      const parties = {
        ...(to.standing && { group: identity.session }),
        ...(to.caller !== undefined && { caller: to.caller }),
      };
      calls.send({ type: "tell", message: { type: "connect", ...identity, ...parties, audioLine, floorLine } });
    },
    begin: (nowMs) => agreed?.out.begin(nowMs),
    send(packet, source) {
      const written = agreed?.out.write(packet, source, agreed.payloadType);
      if (!agreed || !written) return;
      sentAt = clock.now();
      sockets.rtp.send(written, agreed.to.audio.address());
      rtcp.sent(written.length - rtpHeaderLength, timestampOf(written), sentAt);
    },
    close() {
      stopWatching();
      calls.close();
      rtcp.stop();
      sockets.rtp.close();
      sockets.rtcp.close();
    },
  };
}

const timestampOf = (packet: Uint8Array): number =>
  (((packet[4] ?? 0) << 24) | ((packet[5] ?? 0) << 16) | ((packet[6] ?? 0) << 8) | (packet[7] ?? 0)) >>> 0;
