import {
  decodeFloor,
  denyCause,
  encodeFloor,
  type FloorMessage,
  isFloorPacket,
  revokeCause,
} from "../../../firmware/floor/message.ts";
import {
  decodeSession,
  encodeSession,
  isSessionPacket,
  type SessionMessage,
  sessionType,
} from "../../../firmware/floor/session-message.ts";
import { buildRtcp, parseRtcp } from "../../../firmware/media/rtcp.ts";
import { openRtcpSession } from "../../../firmware/media/rtcp-session.ts";
import { type RtpView, readRtp, rtpHeaderLength, rtpView, writeRtpHeader } from "../../../firmware/media/rtp.ts";
import type { VirtualClock } from "../../../hal/clock/virtual.ts";
import type { Address, Network } from "../../../hal/network/port.ts";

export interface HeardPacket extends RtpView {
  readonly at: number;
  readonly payload: Uint8Array;
}

/** The conference server's end of a session, on bare sockets: keeps what arrives and sends what a test says. */
export async function openFarEnd(ports: { clock: VirtualClock; network: Network }, rtpAddress: Address) {
  const { clock, network } = ports;
  const ssrc = 0xfade;
  const packets: HeardPacket[] = [];
  /** "rtp" and the types of floor messages, in order of arrival. */
  const order: string[] = [];
  const floor: (FloorMessage & { readonly at: number })[] = [];
  const rtcpTypes: string[] = [];
  const control: SessionMessage[] = [];
  let terminal: Address | undefined;
  let sequence = 100;
  let timestamp = 0;
  let reporting = true;

  const rtp = await network.udp(rtpAddress, (data) => {
    const view = rtpView();
    if (!readRtp(data, view)) throw new Error("no RTP packet");
    const payload = data.slice(view.payloadOffset, view.payloadOffset + view.payloadLength);
    packets.push({ ...view, at: clock.now(), payload });
    order.push("rtp");
    session.received(data, clock.now());
  });
  const rtcp = await network.udp({ ...rtpAddress, port: rtpAddress.port + 1 }, (data) => {
    if (isFloorPacket(data)) {
      const decoded = decodeFloor(data);
      if (!decoded) throw new Error("no floor message");
      floor.push({ ...decoded.message, at: clock.now() });
      order.push(decoded.message.type);
      const answer = far.answer?.(decoded.message);
      if (answer) sendFloor(answer);
      return;
    }
    if (isSessionPacket(data)) {
      const message = decodeSession(data);
      if (!message) throw new Error("no message of call control");
      control.push(message);
      return;
    }
    const parts = parseRtcp(data);
    if (!parts) throw new Error("no RTCP");
    for (const { type } of parts) rtcpTypes.push(type);
    session.receive(data, clock.now());
  });
  const next = (address: Address): Address => ({ ...address, port: address.port + 1 });
  const session = openRtcpSession(
    { clock, send: (packet) => terminal && reporting && rtcp.send(packet, next(terminal)) },
    { ssrc, cname: "server" },
  );
  function sendFloor(message: FloorMessage): void {
    if (terminal) rtcp.send(encodeFloor(message, { ssrc }), next(terminal));
  }

  const far = {
    packets,
    order,
    floor,
    rtcpTypes,
    /** Messages of call control that arrived. */
    control,
    local: rtp.local,
    /** What is said to a floor message. */
    answer: undefined as ((message: FloorMessage) => FloorMessage | undefined) | undefined,
    /** Where the terminal listens for RTP; reports begin. */
    meet(address: Address): void {
      terminal = address;
      session.start();
    },
    /** Says nothing more by itself. */
    fallSilent: () => {
      reporting = false;
    },
    sendFloor,
    sendControl(message: SessionMessage): void {
      if (terminal) rtcp.send(encodeSession(message, ssrc), next(terminal));
    },
    /** Speech of 20 ms. */
    speak(payload: Uint8Array, options: { readonly marker?: boolean; readonly payloadType?: number } = {}): void {
      const packet = new Uint8Array(rtpHeaderLength + payload.length);
      const { marker = false, payloadType = 111 } = options;
      writeRtpHeader(packet, { payloadType, marker, sequence: sequence++, timestamp, ssrc });
      timestamp += 960;
      packet.set(payload, rtpHeaderLength);
      if (terminal) rtp.send(packet, terminal);
    },
    /** Reports that `percent` of what `source` sent was lost. */
    reportLoss(source: number, percent: number): void {
      const block = {
        ssrc: source,
        fractionLost: Math.round(percent * 2.56),
        lost: 1,
        highestSequence: 0,
        jitter: 0,
        lastReport: 0,
        sinceLastReport: 0,
      };
      if (terminal) rtcp.send(buildRtcp({ ssrc, cname: "server", reports: [block] }), next(terminal));
    },
    close(): void {
      reporting = false;
      session.stop();
      rtp.close();
      rtcp.close();
    },
  };
  return far;
}

export type FarEnd = Awaited<ReturnType<typeof openFarEnd>>;

export const granted: FloorMessage = { type: "granted", durationS: 30, priority: 0 };
export const denied: FloorMessage = { type: "deny", cause: denyCause.taken };
export const revoked: FloorMessage = { type: "revoke", cause: revokeCause.tooLong };
export const idle: FloorMessage = { type: "idle", sequence: 1 };
export const taken: FloorMessage = { type: "taken", party: "sip:bob@example.org", mayRequest: true, sequence: 1 };

const call = { session: "sip:call-1@example.org", sessionType: sessionType.private } as const;
export const connect: Extract<SessionMessage, { readonly type: "connect" }> = {
  type: "connect",
  ...call,
  audioLine: 1,
  floorLine: 2,
  caller: "sip:bob@example.org",
};
export const disconnect: SessionMessage = { type: "disconnect", ...call };
