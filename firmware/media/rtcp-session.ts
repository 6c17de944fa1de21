/**
 * One end's RTCP: says every few seconds what was sent and heard (RFC 3550 §6.2, a fixed interval: two members a session), and
 * learns from the other end's reports how well it is heard. Floor control shares the channel but not this file.
 */
import type { Cancel, Clock } from "../../hal/clock/port.ts";
import { type ReceptionStats, receptionStats } from "./reception.ts";
import type { Sent } from "./rewriter.ts";
import { buildRtcp, ntpTime, parseRtcp, type ReportBlock, roundTripMs } from "./rtcp.ts";
import { readRtp, rtpView } from "./rtp.ts";

export interface RtcpSession {
  /** Starts to report. `clockRate`: ticks of the agreed payload's clock a second. */
  start(clockRate?: number): void;
  /** Ends reporting with a BYE. */
  stop(): void;
  /** A packet of `octets` bytes of payload went out. `timestamp`: its RTP timestamp. */
  sent(octets: number, timestamp: number, nowMs: number): void;
  /** An RTP packet came in. */
  received(packet: Uint8Array, nowMs: number): void;
  /** An RTCP datagram came in; false when it is none. */
  receive(data: Uint8Array, nowMs: number): boolean;
  /** How the other end hears us, from its last report. */
  quality(): { readonly lossPercent: number; readonly roundTripMs: number | undefined };
}

const reportIntervalMs = 5000;

export function openRtcpSession(
  ports: { readonly clock: Clock; readonly send: (packet: Uint8Array) => void },
  options: {
    readonly ssrc: number;
    readonly cname: string;
    /** Who counts what goes out, where `sent` is not told of each packet. */
    readonly sent?: () => Sent;
    /** What is lost on the way onward to those who hear what comes in, percent; absent: it is heard here. */
    readonly onward?: () => number;
    /** The other end left. */
    readonly onBye?: () => void;
    /** The other end's report about us, in percent: what the encoder's FEC should expect. */
    readonly onLoss?: (percent: number) => void;
  },
): RtcpSession {
  const { clock, send } = ports;
  const { ssrc, cname } = options;
  const view = rtpView();
  let rate = 48_000;
  let reporting: Cancel | undefined;
  let stats: ReceptionStats = receptionStats(rate);
  let source: number | undefined;
  let heard = false;
  const told = { packets: 0, octets: 0, timestamp: 0, atMs: 0 };
  const sentSoFar = options.sent ?? (() => told);
  let reported = 0;
  let lossPercent = 0;
  let roundTrip: number | undefined;

  function report(bye = false): void {
    const now = clock.now();
    const sent = sentSoFar();
    // Only who sent since its last report is a sender (RFC 3550 §6.4).
    const sending = sent.packets !== reported;
    const timestamp = (sent.timestamp + Math.round(((now - sent.atMs) * rate) / 1000)) >>> 0;
    const block = heard && source !== undefined ? wholeWay(stats.report(source, now)) : undefined;
    const sender = { ntp: ntpTime(clock.wall()), timestamp, packets: sent.packets, octets: sent.octets };
    send(buildRtcp({ ssrc, cname, sender: sending ? sender : undefined, reports: block ? [block] : [], bye }));
    reported = sent.packets;
    heard = false;
  }

  /** Whose packets go on from here is to know of the whole way what its encoder can do something about: the share lost of late. */
  function wholeWay(block: ReportBlock | undefined): ReportBlock | undefined {
    if (!block || !options.onward) return block;
    // Those who hear it miss what never came here, too.
    const onward = Math.min(255, Math.round((options.onward() * 256) / 100));
    return { ...block, fractionLost: Math.max(block.fractionLost, onward) };
  }

  function heardOfUs(blocks: readonly ReportBlock[]): void {
    const block = blocks.find((candidate) => candidate.ssrc === ssrc);
    if (!block) return;
    lossPercent = Math.round((block.fractionLost * 100) / 256);
    roundTrip = roundTripMs(ntpTime(clock.wall()), block) ?? roundTrip;
    options.onLoss?.(lossPercent);
  }

  return {
    start(clockRate = 48_000) {
      reporting?.();
      rate = clockRate;
      stats = receptionStats(rate);
      source = undefined;
      reporting = clock.every(reportIntervalMs, () => report());
    },
    stop() {
      if (!reporting) return;
      reporting();
      reporting = undefined;
      report(true);
    },
    sent(bytes, timestamp, nowMs) {
      told.packets = (told.packets + 1) >>> 0;
      told.octets = (told.octets + bytes) >>> 0;
      told.timestamp = timestamp;
      told.atMs = nowMs;
    },
    received(packet, nowMs) {
      if (!readRtp(packet, view)) return;
      if (view.ssrc !== source) {
        source = view.ssrc;
        stats = receptionStats(rate);
      }
      heard = true;
      stats.packet(view.sequence, view.timestamp, nowMs);
    },
    receive(data, nowMs) {
      const parts = parseRtcp(data);
      if (!parts) return false;
      for (const part of parts) {
        if (part.type === "sender-report" && part.ssrc === source) stats.senderReport(part.sender.ntp, nowMs);
        if (part.type === "sender-report" || part.type === "receiver-report") heardOfUs(part.reports);
        if (part.type === "bye" && source !== undefined && part.sources.includes(source)) options.onBye?.();
      }
      return true;
    },
    quality: () => ({ lossPercent, roundTripMs: roundTrip }),
  };
}
