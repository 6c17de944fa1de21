/**
 * Terminals of talkgroups, all in this process: each dials its talkgroup by SIP, has a pair of ports of its own, and speaks RTP,
 * RTCP and floor control. What they hear is counted and not kept.
 */
import { decodeFloor, encodeFloor, type FloorMessage, isFloorPacket } from "../../../firmware/floor/message.ts";
import { openPortPair, type PortRange } from "../../../firmware/media/port-pair.ts";
import { openRtcpSession } from "../../../firmware/media/rtcp-session.ts";
import { readRtp, rtpHeaderLength, rtpView, writeRtpHeader } from "../../../firmware/media/rtp.ts";
import { type Endpoint, openEndpoint } from "../../../firmware/sip/endpoint.ts";
import { ProtocolError } from "../../../firmware/sip/message.ts";
import { type Agreement, type LegCodec, legOffer, readAnswer } from "../../../firmware/sip/negotiation.ts";
import { describe, parseSdp } from "../../../firmware/sip/sdp.ts";
import { monotonicClock } from "../../../hal/clock/monotonic.ts";
import { nodeNetwork } from "../../../hal/network/node.ts";
import type { Address, Network } from "../../../hal/network/port.ts";
import { cryptoRandom } from "../../../hal/random/node.ts";
import { host, password, realm } from "./gateway.ts";

export interface RigTerminal {
  readonly user: string;
  /** RTP packets that came. */
  heard(): number;
  /** The gateway has ended its session. */
  ended(): boolean;
  onFloor: (message: FloorMessage) => void;
  /** The first packet of speech after this was set, and every other one. */
  onSpeech: () => void;
  request(): void;
  release(): void;
  /** One packet of 20 ms. */
  speak(payload: Uint8Array): void;
  hangUp(): void;
  /** Is heard of no more, as one whose battery is empty. */
  die(): void;
}

export interface Terminals {
  /** Resolves when its session stands, in Opus or in another codec alone. Rejects with Error where it is refused. */
  join(user: string, talkgroup: string, codec?: LegCodec): Promise<RigTerminal>;
  /** SIP that is not settled yet, as the terminals see it. */
  pending(): number;
  close(): Promise<void>;
}

const clock = monotonicClock();
const random = cryptoRandom();
const silent = { debug() {}, info() {}, warn() {}, error() {} };
/** Apart from those of the gateways (rig/gateway.ts) and from those that the system chooses. */
const range: PortRange = { host, first: 10_000, last: 19_999 };
const ticks = 960;

export async function openTerminals(gatewayPort: number, network: Network = nodeNetwork()): Promise<Terminals> {
  const via = { transport: "udp", remote: { host, port: gatewayPort } } as const;
  const endpoint: Endpoint = await openEndpoint(
    { clock, random, network, log: silent },
    { local: { host, port: 0 }, transports: ["udp"], userAgent: "terminals" },
    {
      onInvite: (invite) => invite.respond(486),
      onSubscribe: (subscribe) => subscribe.respond(489),
      onRequest: (incoming) => incoming.respond(405),
    },
  );

  async function join(user: string, talkgroup: string, codec: LegCodec = "opus"): Promise<RigTerminal> {
    const media = await openMedia(network, user);
    const uri = `sip:${talkgroup}@${realm}`;
    const from = `sip:${user}@${realm}`;
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        media.close();
        reject(new Error(`${user} in ${talkgroup}: ${why}`));
      };
      const body = { type: "application/sdp", content: offerOf(media.local, codec) };
      const credentials = { username: user, password };
      const session = endpoint.invite(
        { ...{ method: "INVITE", uri, from, to: uri, via, credentials, body } },
        {
          onAnswer({ body: answer }) {
            try {
              media.start(readAnswer(new TextDecoder().decode(answer)));
            } catch (error) {
              if (!(error instanceof ProtocolError)) throw error;
              return fail(error.message);
            }
            const hangUp = (): void => {
              if (!media.terminal.ended()) session.end();
              media.close();
            };
            resolve(Object.assign(media.terminal, { hangUp, die: () => media.close(false) }));
          },
          onRefused: (status, reason) => fail(`${status} ${reason}`),
          onEnd: () => media.close(),
        },
      );
    });
  }

  return {
    join,
    pending: () => {
      const { dialogs, client, server } = endpoint.held();
      return dialogs + client + server;
    },
    close: () => endpoint.close(),
  };
}

function offerOf(rtp: Address, codec: LegCodec): string {
  const all = parseSdp(legOffer(rtp, "1"));
  const codecs = all.audio?.codecs.filter(({ name }) => name === codec) ?? [];
  return describe({ ...all, ...(all.audio && { audio: { ...all.audio, codecs } }) });
}

async function openMedia(network: Network, user: string) {
  const ssrc = new DataView(random.bytes(4).buffer).getUint32(0);
  const view = rtpView();
  let sequence = 1;
  let timestamp = 0;
  let heard = 0;
  let agreed: Agreement | undefined;
  let closed = false;

  const { rtp, rtcp } = await openPortPair({ network, random }, range, onRtp, onRtcp);
  const reports = openRtcpSession({ clock, send: sendControl }, { ssrc, cname: user });

  function onRtp(data: Uint8Array): void {
    // An empty datagram keeps the way open (RFC 6263 §4.1).
    if (data.length === 0 || !readRtp(data, view)) return;
    heard += 1;
    terminal.onSpeech();
  }

  function onRtcp(data: Uint8Array): void {
    if (isFloorPacket(data)) {
      const decoded = decodeFloor(data);
      if (decoded) terminal.onFloor(decoded.message);
    } else reports.receive(data, clock.now());
  }

  function sendControl(packet: Uint8Array): void {
    if (agreed && !closed) rtcp.send(packet, agreed.rtcp);
  }

  const terminal = {
    user,
    heard: () => heard,
    ended: () => closed,
    onFloor(_message: FloorMessage): void {},
    onSpeech(): void {},
    request: () => sendControl(encodeFloor({ type: "request" }, { ssrc })),
    release: () => sendControl(encodeFloor({ type: "release" }, { ssrc })),
    speak(payload: Uint8Array): void {
      if (!agreed || closed) return;
      const packet = new Uint8Array(rtpHeaderLength + payload.length);
      const { payloadType, audio } = agreed;
      writeRtpHeader(packet, { payloadType, marker: false, sequence, timestamp, ssrc });
      packet.set(payload, rtpHeaderLength);
      rtp.send(packet, audio);
      reports.sent(payload.length, timestamp, clock.now());
      sequence = (sequence + 1) & 0xffff;
      timestamp = (timestamp + ticks) >>> 0;
    },
  };

  return {
    terminal,
    local: rtp.local,
    start(agreement: Agreement): void {
      agreed = agreement;
      reports.start();
    },
    close(says = true): void {
      if (closed) return;
      closed = !says;
      // RTCP has a word for it, too.
      reports.stop();
      closed = true;
      rtp.close();
      rtcp.close();
    },
  };
}
