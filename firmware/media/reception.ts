/**
 * What one end hears of one RTP source, counted as RFC 3550 §6.4.1, A.1, A.3 and A.8 have it. There is no probation: a leg's
 * source is known from its negotiation. It does not know when reports are due.
 */
import { type NtpTime, ntpMiddle, type ReportBlock } from "./rtcp.ts";
import { sequenceDistance, timestampDistance } from "./rtp.ts";

export interface ReceptionStats {
  /** Counts a packet; numbers as in its header. `arrivalMs`: monotonic. */
  packet(sequence: number, timestamp: number, arrivalMs: number): void;
  /** A sender report of this source came. */
  senderReport(ntp: NtpTime, arrivalMs: number): void;
  /** The block for the next report, and the start of the interval of the one after. Undefined before the first packet. */
  report(ssrc: number, nowMs: number): ReportBlock | undefined;
}

/** A.1: how far a sequence may leap ahead, or lag behind, and still belong to the same count. */
const largestLeap = 3000;
const largestLag = 100;
/** A silence between bursts says nothing about jitter: beyond this change of transit the comparison starts afresh, s. */
const largestTransitChange = 1;

/** `clockRate`: ticks of the payload's clock a second. */
export function receptionStats(clockRate: number): ReceptionStats {
  let started = false;
  let base = 0;
  /** Extended: counts on through wrap-arounds. */
  let highest = 0;
  let received = 0;
  let expectedBefore = 0;
  let receivedBefore = 0;
  /** The sequence that would confirm that a leap was a restart (A.1, bad_seq). */
  let restartAt = -1;
  /** Of the packet before: ticks by which it was under way, up to a constant. */
  let arrivalBefore = 0;
  let timestampBefore = 0;
  let jitter = 0;
  let lastReport = 0;
  let lastReportAt = 0;

  function restart(sequence: number): void {
    started = true;
    base = sequence;
    highest = sequence;
    received = 0;
    expectedBefore = 0;
    receivedBefore = 0;
    restartAt = -1;
  }

  /** A.8. */
  function transit(timestamp: number, arrivalMs: number): void {
    const arrived = ((arrivalMs - arrivalBefore) * clockRate) / 1000;
    const change = Math.abs(arrived - timestampDistance(timestampBefore, timestamp));
    if (received > 0 && change < largestTransitChange * clockRate) jitter += (change - jitter) / 16;
    arrivalBefore = arrivalMs;
    timestampBefore = timestamp;
  }

  return {
    packet(sequence, timestamp, arrivalMs) {
      if (!started) restart(sequence);
      const distance = sequenceDistance(highest & 0xffff, sequence);
      if (distance > largestLeap || distance < -largestLag) {
        if (sequence !== restartAt) {
          restartAt = (sequence + 1) & 0xffff;
          return;
        }
        restart(sequence);
      } else if (distance > 0) highest += distance;
      // The true first packet was overtaken.
      else if (expectedBefore === 0) base = Math.min(base, highest + distance);
      transit(timestamp, arrivalMs);
      received++;
    },
    senderReport(ntp, arrivalMs) {
      lastReport = ntpMiddle(ntp);
      lastReportAt = arrivalMs;
    },
    report(ssrc, nowMs) {
      if (!started) return undefined;
      // A.3.
      const expected = highest - base + 1;
      const expectedNow = expected - expectedBefore;
      const lostNow = expectedNow - (received - receivedBefore);
      expectedBefore = expected;
      receivedBefore = received;
      return {
        ssrc,
        fractionLost: expectedNow <= 0 || lostNow <= 0 ? 0 : Math.min(255, Math.floor((lostNow * 256) / expectedNow)),
        lost: expected - received,
        highestSequence: highest >>> 0,
        jitter: Math.floor(jitter),
        lastReport,
        sinceLastReport: lastReport === 0 ? 0 : Math.floor(((nowMs - lastReportAt) * 65_536) / 1000) >>> 0,
      };
    },
  };
}
