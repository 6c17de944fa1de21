/**
 * A bare terminal: a pair of ports that answers a conference server's offer, and speaks RTP and floor control to it. It decides
 * nothing: it says what a test says and keeps what it is told.
 */
import { decodeFloor, encodeFloor, type FloorMessage, isFloorPacket } from "../../firmware/floor/message.ts";
import {
  decodeSession,
  encodeSession,
  isSessionPacket,
  type SessionMessage,
} from "../../firmware/floor/session-message.ts";
import { type CodecName, clockRates } from "../../firmware/media/codec.ts";
import { parseRtcp, type RtcpPacket } from "../../firmware/media/rtcp.ts";
import { openRtcpSession } from "../../firmware/media/rtcp-session.ts";
import { type RtpView, readRtp, rtpHeaderLength, rtpView, writeRtpHeader } from "../../firmware/media/rtp.ts";
import { securedMedia } from "../../firmware/media/secured.ts";
import {
  type Agreement,
  answerOffer,
  legOffer,
  readAnswer,
  type Security,
  type SrtpUse,
} from "../../firmware/sip/negotiation.ts";
import { type Direction, describe, parseSdp } from "../../firmware/sip/sdp.ts";
import type { Clock } from "../../hal/clock/port.ts";
import type { Address, Network } from "../../hal/network/port.ts";
import { nodeSrtp } from "../../hal/srtp/node.ts";
import { masterLengths, type SrtpSuite } from "../../hal/srtp/port.ts";

export interface HeardPacket extends RtpView {
  readonly at: number;
  readonly payload: Uint8Array;
}

export interface TerminalOptions {
  /** Its RTP port; RTCP and floor control are on the next. */
  readonly local: Address;
  readonly codec?: CodecName;
  /** Whether it knows floor control. */
  readonly floor?: boolean;
  /** Whether its floor control knows what it is to be queued. */
  readonly queues?: boolean;
  /** Whether it sends its keys as telephone events. */
  readonly keys?: boolean;
  /** Whether it sends RTCP by itself. */
  readonly reports?: boolean;
  /** Whether it acknowledges what it is told of the calls of its session. */
  readonly acknowledges?: boolean;
  /** The host that its session description names; its own if it is behind no NAT. */
  readonly describedAs?: string;
  /** Of SRTP, what it offers and takes; absent: nothing. */
  readonly srtp?: SrtpUse;
  /** The suites that it knows; absent: all. */
  readonly suites?: readonly SrtpSuite[];
}

/** What a terminal says of itself in an offer or an answer. */
export interface Say {
  readonly direction?: Direction;
  readonly codec?: CodecName;
  /** The host that its description names. */
  readonly host?: string;
  readonly port?: number;
  /** Whether it knows floor control from now on. */
  readonly floor?: boolean;
  readonly srtp?: SrtpUse;
  /** It sends by other keys from now on. */
  readonly rekeyed?: true;
}

export type Terminal = Awaited<ReturnType<typeof openTerminal>>;

export async function openTerminal(
  ports: { readonly clock: Clock; readonly network: Network },
  options: TerminalOptions,
) {
  const { clock, network } = ports;
  const { local, keys = false, reports = true, acknowledges = true, queues = true, describedAs = local.host } = options;
  let codec = options.codec ?? "opus";
  let floor = options.floor ?? true;
  const ssrc = local.port * 7919;
  const heard: HeardPacket[] = [];
  const told: (FloorMessage & { readonly at: number })[] = [];
  const called: SessionMessage[] = [];
  const reported: (RtcpPacket & { readonly at: number })[] = [];
  const keptAliveAt: number[] = [];
  const described = { host: describedAs, port: local.port };
  const media = securedMedia(nodeSrtp());
  let srtp = options.srtp ?? "off";
  let generation = 1;
  const security = (): Security => ({
    use: srtp,
    key: (suite) => new Uint8Array(masterLengths[suite]).fill(local.port + generation),
  });
  let agreed: Agreement | undefined;
  let sequence = 65_500;
  let timestamp = 4_294_960_000;

  const rtp = await network.udp(local, (datagram) => {
    if (datagram.length === 0) return void keptAliveAt.push(clock.now());
    const data = media.openRtp(datagram);
    if (!data) throw new Error("RTP by other keys");
    const view = rtpView();
    if (!readRtp(data, view)) throw new Error("no RTP packet");
    const payload = data.slice(view.payloadOffset, view.payloadOffset + view.payloadLength);
    heard.push({ ...view, at: clock.now(), payload });
    session.received(data, clock.now());
  });
  const rtcp = await network.udp({ ...local, port: local.port + 1 }, (datagram) => {
    const data = media.openRtcp(datagram);
    if (!data) throw new Error("RTCP by other keys");
    if (isFloorPacket(data)) {
      const decoded = decodeFloor(data);
      if (!decoded) throw new Error("no floor message");
      told.push({ ...decoded.message, at: clock.now() });
      return self.onTold(decoded.message, decoded.acknowledge);
    }
    if (isSessionPacket(data)) {
      const message = decodeSession(data);
      if (!message) throw new Error("no message of a pre-established session");
      called.push(message);
      const { session, sessionType } = message;
      if (acknowledges) sendControl(encodeSession({ type: "acknowledgement", session, sessionType, reason: 0 }, ssrc));
      return;
    }
    for (const part of parseRtcp(data) ?? []) reported.push({ ...part, at: clock.now() });
    session.receive(data, clock.now());
  });
  const session = openRtcpSession({ clock, send: sendControl }, { ssrc, cname: `terminal ${local.port}` });

  function sendControl(packet: Uint8Array): void {
    const sealed = media.sealRtcp(packet);
    if (agreed && sealed) rtcp.send(sealed, agreed.rtcp);
  }

  function sendSpeech(packet: Uint8Array, to: Address): void {
    const sealed = media.sealRtp(packet);
    if (sealed) rtp.send(sealed, to);
  }

  /** Leaves of a description what this terminal knows. */
  function narrow(sdp: string, direction?: Direction): string {
    const all = parseSdp(sdp);
    const order = all.order.filter((kind) => floor || kind !== "floor");
    const codecs = all.audio?.codecs.filter(({ name }) => name === codec || (keys && name === "telephone-event")) ?? [];
    const crypto = all.audio?.crypto?.filter(({ suite }) => options.suites?.includes(suite) ?? true);
    const audio = all.audio && { ...all.audio, codecs, ...(direction && { direction }), ...(crypto && { crypto }) };
    const parameters = all.floor?.parameters.replace(queues ? "" : "mc_queueing;", "") ?? "";
    const channel = all.floor && { floor: { ...all.floor, parameters } };
    return describe({ ...all, ...channel, order, ...(audio && { audio }) });
  }

  function own(say: Say): string {
    const { direction, host = described.host, port = described.port } = say;
    codec = say.codec ?? codec;
    floor = say.floor ?? floor;
    srtp = say.srtp ?? srtp;
    if (say.rekeyed) generation += 1;
    return narrow(legOffer({ host, port }, "7", security()), direction);
  }

  function agree(agreement: Agreement): void {
    agreed = agreement;
    media.agree(agreement.secured);
    if (reports) session.start(clockRates[codec]);
  }

  function request(message: FloorMessage, acknowledge = false): void {
    sendControl(encodeFloor(message, { ssrc, acknowledge }));
  }

  const self = {
    local,
    codec: () => codec,
    heard,
    told,
    called,
    reported,
    keptAliveAt,
    /** `acknowledge`: an Ack is asked for. */
    onTold(_message: FloorMessage, _acknowledge: boolean): void {},
    /** Where the server listens. */
    server: () => {
      if (!agreed) throw new Error("no session");
      return agreed;
    },
    offer: (say: Say = {}) => own(say),
    /** The server's answer to its offer. */
    accept: (answer: string) => agree(readAnswer(answer, security())),
    /** Its answer to the server's offer. */
    answer(offer: string, direction?: Direction): string {
      const { agreement, answer } = answerOffer(narrow(offer), described, "7", { keys, security: security() });
      agree(agreement);
      return direction ? narrow(answer, direction) : answer;
    },
    press: () => request({ type: "request" }),
    release: () => request({ type: "release" }),
    request,
    /** The types of what it was told since it was last asked. */
    news: () => told.splice(0).map(({ type }) => type),
    /** One packet of speech, `ms` long. */
    speak(payload: Uint8Array, { marker = false, ms = 20 } = {}): void {
      const { payloadType, audio } = self.server();
      const packet = new Uint8Array(rtpHeaderLength + payload.length);
      writeRtpHeader(packet, { payloadType, marker, sequence, timestamp, ssrc });
      packet.set(payload, rtpHeaderLength);
      sendSpeech(packet, audio);
      self.skip(1, ms);
    },
    /** Packets of a key as RFC 4733 has them, of which those named by `lost` do not arrive: some while it is held, and three at its end. */
    dial(key: string, { held = 5, lost = [] as readonly number[] } = {}): void {
      const { keyTypes, audio } = self.server();
      const ticks = clockRates[codec] / 50;
      for (let index = 0; index < held + 3; index++) {
        const packet = new Uint8Array(rtpHeaderLength + 4);
        const payloadType = keyTypes[0] ?? 0;
        const number = (sequence + index) & 0xffff;
        writeRtpHeader(packet, { payloadType, marker: index === 0, sequence: number, timestamp, ssrc });
        const duration = ticks * Math.min(index + 1, held);
        packet.set(
          ["0123456789*#ABCD".indexOf(key), index < held ? 10 : 0x8a, duration >> 8, duration & 0xff],
          rtpHeaderLength,
        );
        if (!lost.includes(index)) sendSpeech(packet, audio);
      }
      self.skip(held + 3, (held + 3) * 20);
    },
    /** Packets that are never sent: lost, or silence if there are none. */
    skip(packets: number, ms: number): void {
      sequence = (sequence + packets) & 0xffff;
      timestamp = (timestamp + (ms * clockRates[codec]) / 1000) >>> 0;
    },
    /** As they are, whatever was agreed on. */
    sendRtp: (data: Uint8Array) => agreed && rtp.send(data, agreed.audio),
    sendBareRtcp: (data: Uint8Array) => agreed && rtcp.send(data, agreed.rtcp),
    sendRtcp: sendControl,
    close(): void {
      session.stop();
      media.close();
      rtp.close();
      rtcp.close();
    },
  };
  return self;
}
