/**
 * One leg: the conference server's end of a pre-established session. Owns a pair of ports, so that a leg is known by its port;
 * it idles at the cost of an RTCP report every few seconds. It decides which datagrams are its terminal's; it knows no floor
 * and no other leg.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Address, Network } from "../../hal/network/port.ts";
import type { Random } from "../../hal/random/port.ts";
import { decodeFloor, encodeFloor, type FloorMessage, isFloorPacket } from "../floor/message.ts";
import { clockRates } from "../media/codec.ts";
import { openPortPair, type PortRange } from "../media/port-pair.ts";
import { type OutgoingStream, outgoingStream, type SourceNumbers } from "../media/rewriter.ts";
import { openRtcpSession } from "../media/rtcp-session.ts";
import { type RtpView, readRtp, rtpHeaderLength, rtpView } from "../media/rtp.ts";
import { type Agreement, answerOffer, type LegCodec, legOffer, readAnswer } from "../sip/negotiation.ts";
import type { LegId, LegOptions } from "./protocol.ts";

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
  /** A talk burst starts: the next packet is its first. */
  begin(nowMs: number): void;
  /** Sends a payload that has 12 bytes of room before it; this leg's header is written there. */
  send(packet: Uint8Array, source: SourceNumbers): void;
  close(): void;
}

/** An idle leg's way through a NAT is held open so often (RFC 6263 §4.1: an empty datagram). */
const keepAliveMs = 15_000;
/** Three intervals without a packet of any kind: lost. */
const lostAfterMs = 3 * keepAliveMs;
const emptyDatagram = new Uint8Array(0);

export async function openLeg(
  ports: { readonly clock: Clock; readonly network: Network; readonly random: Random },
  options: LegOptions,
  range: PortRange,
  handlers: LegHandlers,
): Promise<Leg> {
  const { clock, random } = ports;
  const numbers = new DataView(random.bytes(12).buffer);
  const ssrc = numbers.getUint32(0);
  const sessionId = `${numbers.getUint32(8)}`;
  const view = rtpView();
  let agreed: Agreement | undefined;
  let stream: OutgoingStream | undefined;
  /** Where each channel's packets come from, once one has come; before, where the session description says. */
  let audioSource: Address | undefined;
  let controlSource: Address | undefined;
  let aliveAt = clock.now();
  let sentAt = clock.now();

  const sockets = await openPortPair(ports, range, onRtp, onRtcp);
  const rtcp = openRtcpSession({ clock, send: sendControl }, { ssrc, cname: options.leg });
  const stopWatching = clock.every(keepAliveMs, watch);

  function onRtp(data: Uint8Array, from: Address): void {
    if (!agreed || !readRtp(data, view) || view.payloadType !== agreed.payloadType) return;
    // Symmetric RTP: the first plausible source is the terminal, behind a NAT or not; nobody takes its place.
    audioSource ??= from;
    if (!same(audioSource, from)) return;
    aliveAt = clock.now();
    rtcp.received(data, aliveAt);
    handlers.onMedia(data, view);
  }

  function onRtcp(data: Uint8Array, from: Address): void {
    if (!agreed || !isTerminal(from)) return;
    if (isFloorPacket(data)) {
      const decoded = decodeFloor(data);
      if (!decoded) return;
      if (agreed.floor) controlSource ??= from;
      aliveAt = clock.now();
      return handlers.onFloor(decoded.message);
    }
    if (!rtcp.receive(data, clock.now())) return;
    controlSource ??= from;
    aliveAt = clock.now();
  }

  /** Control comes from where the session description says, or from the host that the voice comes from. */
  function isTerminal(from: Address): boolean {
    if (!agreed) return false;
    if (controlSource && same(controlSource, from)) return true;
    return [agreed.rtcp.host, agreed.floor?.host, audioSource?.host].includes(from.host);
  }

  function sendControl(packet: Uint8Array): void {
    if (agreed) sockets.rtcp.send(packet, controlSource ?? agreed.rtcp);
  }

  function watch(): void {
    if (!agreed) return;
    const now = clock.now();
    if (now - aliveAt > lostAfterMs) return handlers.onLost();
    if (now - sentAt < keepAliveMs) return;
    sentAt = now;
    sockets.rtp.send(emptyDatagram, audioSource ?? agreed.audio);
  }

  function agree(agreement: Agreement): void {
    const clockRate = clockRates[agreement.codec];
    agreed = agreement;
    audioSource = undefined;
    controlSource = undefined;
    aliveAt = clock.now();
    const sequence = numbers.getUint16(4) & 0x7fff;
    stream = outgoingStream({ ssrc, sequence, timestamp: numbers.getUint32(6) & 0x7fff_ffff, clockRate });
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
    sendFloor(message) {
      if (!agreed?.floor) return;
      const moved = controlSource && same(agreed.floor, agreed.rtcp) ? controlSource : agreed.floor;
      sockets.rtcp.send(encodeFloor(message, { ssrc }), moved);
    },
    begin: (nowMs) => stream?.begin(nowMs),
    send(packet, source) {
      if (!agreed || !stream) return;
      const written = stream.write(packet, source, agreed.payloadType);
      if (!written) return;
      sentAt = clock.now();
      sockets.rtp.send(written, audioSource ?? agreed.audio);
      rtcp.sent(written.length - rtpHeaderLength, timestampOf(written), sentAt);
    },
    close() {
      stopWatching();
      rtcp.stop();
      sockets.rtp.close();
      sockets.rtcp.close();
    },
  };
}

const same = (a: Address, b: Address): boolean => a.port === b.port && a.host === b.host;

const timestampOf = (packet: Uint8Array): number =>
  (((packet[4] ?? 0) << 24) | ((packet[5] ?? 0) << 16) | ((packet[6] ?? 0) << 8) | (packet[7] ?? 0)) >>> 0;
