/**
 * The media of an agent's session: RTP out and in, RTCP, and the channel of floor control beside them. Whatever does not come
 * from the session's own server is not there. It does not know who may talk, nor when.
 */
import type { Cancel, Clock } from "../../hal/clock/port.ts";
import type { Address, Network } from "../../hal/network/port.ts";
import type { Opus } from "../../hal/opus/port.ts";
import type { Random } from "../../hal/random/port.ts";
import type { Srtp } from "../../hal/srtp/port.ts";
import { isFloorPacket } from "../floor/message.ts";
import { isSessionPacket } from "../floor/session-message.ts";
import { clockRates } from "../media/codec.ts";
import { openPlayout } from "../media/playout.ts";
import type { PortRange } from "../media/port-pair.ts";
import { openRtcpSession } from "../media/rtcp-session.ts";
import { type RtpFields, rtpHeaderLength, writeRtpHeader } from "../media/rtp.ts";
import { openSecuredPair } from "../media/secured-pair.ts";
import type { Agreement } from "../sip/negotiation.ts";
import { largestPacket } from "./pre-roll.ts";

export interface VoiceHandlers {
  onFloor(packet: Uint8Array): void;
  onCallControl(packet: Uint8Array): void;
  /** Speech arrived. */
  onSpeech(): void;
  /** The server loses this share of what is said, in percent. */
  onLoss(percent: number): void;
  /** Nothing has come from the server for three of its reports. */
  onLost(): void;
}

/** Each side reports so often, so that even a silent session shows life, ms. */
const reportMs = 5_000;
const reportsMissed = 3;

export async function openVoice(
  ports: {
    readonly clock: Clock;
    readonly random: Random;
    readonly network: Network;
    readonly opus: Opus;
    readonly srtp: Srtp;
  },
  options: { readonly range: PortRange; readonly cname: string },
  handlers: VoiceHandlers,
) {
  const { clock, random } = ports;
  const sockets = await openSecuredPair(ports, options.range, onRtp, onRtcp);
  const playout = await openPlayout(ports);
  const ssrc = new DataView(random.bytes(4).buffer).getUint32(0);
  const out = new Uint8Array(rtpHeaderLength + largestPacket);
  /** Numbered through all sessions. A low start leaves room before the first wrap-around (RFC 3711 §3.3.1). */
  const fields: RtpFields = {
    payloadType: 0,
    marker: false,
    sequence: Math.floor(random.fraction() * 0x8000),
    timestamp: 0,
    ssrc,
  };
  let remote: Agreement | undefined;
  /** Report intervals since the server was last heard of. */
  let unheard = 0;
  let stopWatch: Cancel = () => {};

  const rtcp = openRtcpSession(
    { clock, send: (packet) => remote && sockets.rtcp.send(packet, remote.rtcp) },
    { ssrc, cname: options.cname, onLoss: handlers.onLoss },
  );

  function onRtp(data: Uint8Array, from: Address): void {
    if (!isSame(from, remote?.audio)) return;
    unheard = 0;
    const now = clock.now();
    if (!playout.receive(data, now)) return;
    rtcp.received(data, now);
    handlers.onSpeech();
  }

  function onRtcp(data: Uint8Array, from: Address): void {
    const floor = isFloorPacket(data);
    const call = isSessionPacket(data);
    if (!isSame(from, floor || call ? remote?.floor : remote?.rtcp)) return;
    unheard = 0;
    if (floor) handlers.onFloor(data);
    else if (call) handlers.onCallControl(data);
    else rtcp.receive(data, clock.now());
  }

  function disconnect(): void {
    stopWatch();
    rtcp.stop();
    remote = undefined;
  }

  return {
    ssrc,
    local: sockets.rtp.local,
    connected: () => remote !== undefined,
    /** Speaks with the far end of `agreement` from now on. What it sends is Opus; it hears whatever was agreed on. */
    connect(agreement: Agreement): void {
      disconnect();
      remote = agreement;
      sockets.media.agree(agreement.secured);
      fields.payloadType = agreement.payloadType;
      playout.expect(new Map([[agreement.payloadType, agreement.codec]]));
      rtcp.start(clockRates[agreement.codec]);
      unheard = 0;
      stopWatch = clock.every(reportMs, () => {
        // The first of these intervals may have begun just after a report.
        if (++unheard > reportsMissed) handlers.onLost();
      });
    },
    disconnect,
    sendFloor(packet: Uint8Array): void {
      if (remote?.floor) sockets.rtcp.send(packet, remote.floor);
    },
    /** `packet`: Opus, 20 ms. `first`: it follows a silence. */
    send(packet: Uint8Array, timestamp: number, first: boolean): void {
      if (!remote) return;
      fields.marker = first;
      fields.timestamp = timestamp;
      writeRtpHeader(out, fields);
      out.set(packet, rtpHeaderLength);
      sockets.rtp.send(out.subarray(0, rtpHeaderLength + packet.length), remote.audio);
      rtcp.sent(packet.length, timestamp, clock.now());
      fields.sequence = (fields.sequence + 1) & 0xffff;
    },
    /** Writes 960 samples of what was received, or silence. True when speech was written. */
    fill: (frame: Int16Array): boolean => playout.fill(frame, clock.now()),
    close(): void {
      disconnect();
      sockets.media.close();
      sockets.rtp.close();
      sockets.rtcp.close();
      playout.close();
    },
  };
}

function isSame(from: Address, expected: Address | undefined): boolean {
  return from.host === expected?.host && from.port === expected.port;
}
