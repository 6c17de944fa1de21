/**
 * Puts arriving packets of one RTP source in order and says which is due. The first packet of a talk burst waits for the target
 * depth, and is never too late; those behind it follow at the pace of whoever takes them. The depth follows the jitter that was
 * measured. It does not know codecs, and no clock but the times it is given.
 *
 * An empty buffer stalls instead of counting on: what comes late after all is played late. Whatever makes speech later than it need
 * be (a stall, a late grant, a clock that runs slow) shows in `surplus`, whatever eats into the margin in `deficit`: the caller cuts
 * and stretches.
 */
import { arrivals as arrivalsOf } from "./arrival.ts";
import { sequenceDistance, timestampDistance } from "./rtp.ts";

/** "packet": `payload()` holds it. "lost": it will not come, others behind it did. "empty": nothing is due. */
export type Taken = "packet" | "lost" | "empty";

export interface JitterCounters {
  received: number;
  lost: number;
  /** Came after their turn. */
  late: number;
  duplicate: number;
  /** Too long, without payload, or a stray with numbers of nowhere. */
  refused: number;
}

export interface JitterBuffer {
  readonly counters: Readonly<JitterCounters>;
  /** Copies the payload. Numbers as in the RTP header; `arrivalMs` monotonic. */
  insert(sequence: number, timestamp: number, marker: boolean, payload: Uint8Array, arrivalMs: number): void;
  /** `nowMs` on the clock of the arrivals. `aheadMs` of the frame that is being filled are filled already. */
  take(nowMs: number, aheadMs?: number): Taken;
  /** What was taken last; valid until the next insert. */
  payload(): Uint8Array;
  /** The payload that would be taken next, if it is there: a lost one may be recovered from it. */
  following(): Uint8Array | undefined;
  /** ms by which speech is later than the network asks for, in the last few takes; 0 or more. */
  surplus(): number;
  /** ms that are lacking for the next packets to be in time as nearly all were; 0 or more. */
  deficit(): number;
  /** The caller played `ms` more than it took, or less. */
  stretched(ms: number): void;
  /** ms to be made up for what was found lost last; a stall has stood in for the rest of it. */
  lostMs(): number;
  /** Depth that the next burst starts with, and the least that packets are to wait, ms. */
  targetMs(): number;
  /** Forgets what is held: another source, or another clock. `recovers`: a lost packet can be had out of the one behind it. */
  reset(clockRate: number, recovers?: boolean): void;
}

/** More than two seconds: what waited for a grant, and what a stall of the network held up behind it. */
const slots = 128;
const largestPayload = 1500;
/** A board that is busy for a moment, at either end, is not to be heard. */
const shallowestMs = 40;
const deepestMs = 120;
/** For what disturbs the taker and not the network, ms. */
const safetyMs = 6;
/** Of packets that were lost lately, beyond which those are waited for that may stand in. */
const lossy = 0.01;
const lossMemory = 1 / 128;
/** Two packets further apart in timestamp than their numbers explain, with a silence between. */
const pauseMs = 100;
/** Nothing came for so long: the burst is over. */
const endOfBurstMs = 200;
/** A straggler of a burst that ended so recently does not start another. */
const stragglerMs = 1000;
/** RFC 6716 §2.1.4, RFC 7587 §4.2. */
const shortestPacketMs = 2.5;
const longestPacketMs = 120;
/** The frames of the taker: a packet has to be there when the frame begins in which it sounds, ms. */
const frameMs = 20;
/** Takes that are looked at: a taker may be late once, and is never early. */
const lookback = 8;
/** Speech that is later by less than this is let be, and so is a depth that is off by less, ms. */
const slackMs = 5;
const hysteresisMs = 2;

export function jitterBuffer(rate: number): JitterBuffer {
  const storage = new Uint8Array(slots * largestPayload);
  const present = new Uint8Array(slots);
  const lengths = new Uint16Array(slots);
  const timestamps = new Uint32Array(slots);
  const arrivals = new Float64Array(slots);
  /** Packets behind a silence: they wait for the target depth. */
  const starts = new Uint8Array(slots);
  const counters: JitterCounters = { received: 0, lost: 0, late: 0, duplicate: 0, refused: 0 };

  let clockRate = rate;
  let idle = true;
  let held = 0;
  /** Sequence of the packet whose turn it is, and whether one of this burst had its turn already. */
  let next = 0;
  let begun = false;
  let highest = 0;
  let highestTimestamp = 0;
  let restartAt = -1;
  let packetMs = 20;
  let taken: Uint8Array = storage.subarray(0, 0);
  let lastTakenAt = Number.NEGATIVE_INFINITY;

  let stalledSince: number | undefined;
  /** ms of a stall that have stood in for packets which were lost. */
  let owedMs = 0;
  let lostMs = 0;

  const network = arrivalsOf(rate);
  let recovers = false;
  let lossShare = 0;
  /** Of the last packets taken: from their earliest arrival until they sound, ms. */
  const delays = new Float64Array(lookback);
  let looks = 0;
  /** ms of the last one that lie within the frame that was being filled. */
  let aheadMs = 0;
  /** The first packet of the latest burst: what is before it came by another measure. */
  let burstTimestamp = 0;

  const slotOf = (sequence: number): number => sequence % slots;
  const target = (): number =>
    Math.min(
      deepestMs,
      Math.max(shallowestMs, network.jitterMs() + safetyMs + (recovers && lossShare > lossy ? packetMs : 0)),
    );

  /** Packets begin at so many places of a frame, ms apart: 20 where each fills some frames, 0 where they may begin anywhere. */
  const grid = (): number => (packetMs % frameMs === 0 ? frameMs : packetMs % (frameMs / 2) === 0 ? frameMs / 2 : 0);

  function clear(): void {
    present.fill(0);
    held = 0;
    idle = true;
    stalledSince = undefined;
    owedMs = 0;
    restartAt = -1;
  }

  function begin(sequence: number, timestamp: number): void {
    clear();
    idle = false;
    begun = false;
    next = sequence;
    highest = sequence;
    highestTimestamp = timestamp;
    looks = 0;
  }

  function measure(timestamp: number, afterSilence: boolean, arrivalMs: number): void {
    if (afterSilence) burstTimestamp = timestamp;
    network.packet(timestamp, afterSilence, arrivalMs);
  }

  /** Whether a packet belongs into the ring; moves the ring to it where it starts something new. */
  function admit(sequence: number, timestamp: number, marker: boolean, arrivalMs: number): "in" | "late" | "stray" {
    const ahead = sequenceDistance(next, sequence);
    if (idle) {
      const straggles = ahead < 0 && ahead > -slots && !marker && arrivalMs - lastTakenAt < stragglerMs;
      if (straggles) return "late";
      begin(sequence, timestamp);
      return "in";
    }
    if (ahead >= 0 && ahead < slots) return "in";
    if (ahead < 0 && !begun && sequenceDistance(sequence, highest) < slots) {
      next = sequence;
      return "in";
    }
    // A source that starts afresh says so, or goes on from there; one stray packet does neither.
    if (Math.abs(ahead) < slots) return "late";
    if (marker || sequence === restartAt) {
      begin(sequence, timestamp);
      return "in";
    }
    restartAt = (sequence + 1) & 0xffff;
    return "stray";
  }

  /** A packet that was overtaken by the one behind it, while that waited as the first of a burst, is the first in its place. */
  function overtaken(slot: number, sequence: number): boolean {
    const behind = slotOf((sequence + 1) & 0xffff);
    if (!present[behind] || !starts[behind]) return false;
    const apart = timestampDistance(timestamps[slot] ?? 0, timestamps[behind] ?? 0);
    if (apart < 0 || (apart * 1000) / clockRate > pauseMs) return false;
    starts[behind] = 0;
    arrivals[slot] = Math.min(arrivals[slot] ?? 0, arrivals[behind] ?? 0);
    return true;
  }

  const due = (slot: number): number => (arrivals[slot] ?? 0) + target() + (frameMs - grid());

  /** Passes over packets that will not come, until the one whose turn it is, is there. Something is held. */
  function advance(nowMs: number): Taken {
    while (!present[slotOf(next)]) {
      let later = next;
      do later = (later + 1) & 0xffff;
      while (!present[slotOf(later)]);
      if (starts[slotOf(later)]) {
        // Until the later one is due, the true first of its burst may still come.
        if (nowMs < due(slotOf(later))) return "empty";
        next = later;
      } else {
        next = (next + 1) & 0xffff;
        counters.lost++;
        lossShare += (1 - lossShare) * lossMemory;
        lostMs = Math.max(0, packetMs - owedMs);
        owedMs = Math.max(0, owedMs - packetMs);
        if (lostMs > 0) return "lost";
      }
    }
    const slot = slotOf(next);
    return starts[slot] && nowMs < due(slot) && held < slots / 2 ? "empty" : "packet";
  }

  function stall(nowMs: number): Taken {
    stalledSince ??= nowMs;
    looks = 0;
    if (nowMs - stalledSince >= endOfBurstMs) idle = true;
    return "empty";
  }

  function look(slot: number, nowMs: number, filledMs: number): void {
    aheadMs = filledMs;
    lossShare -= lossShare * lossMemory;
    const timestamp = timestamps[slot] ?? 0;
    if (timestampDistance(burstTimestamp, timestamp) < 0) return;
    delays[looks++ % lookback] = nowMs + filledMs - network.earliest(timestamp);
  }

  /** ms that all packets could sound earlier within the frames in which they do. */
  const phase = (): number => (grid() === 0 ? 0 : aheadMs % grid());

  /** ms from the earliest arrival of a packet to the frame in which it sounds, for the one that lies last in its frame. */
  function margin(): number | undefined {
    if (looks < lookback) return undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const delay of delays) least = Math.min(least, delay);
    return least - phase() - (frameMs - grid());
  }

  function slotPayload(slot: number): Uint8Array {
    return storage.subarray(slot * largestPayload, slot * largestPayload + (lengths[slot] ?? 0));
  }

  return {
    counters,
    insert(sequence, timestamp, marker, payload, arrivalMs) {
      if (payload.length === 0 || payload.length > largestPayload) {
        counters.refused++;
        return;
      }
      const wasIdle = idle;
      const place = admit(sequence, timestamp, marker, arrivalMs);
      if (place === "late") {
        counters.late++;
        measure(timestamp, false, arrivalMs);
      } else if (place === "stray") counters.refused++;
      if (place !== "in") return;
      const slot = slotOf(sequence);
      if (present[slot]) {
        counters.duplicate++;
        return;
      }
      const ahead = sequenceDistance(highest, sequence);
      const elapsedMs = (timestampDistance(highestTimestamp, timestamp) * 1000) / clockRate;
      const explainedMs = ahead * packetMs;
      // `begin` has set `highest` to this very packet: then both distances are 0.
      const start = marker || wasIdle || ahead === 0 || (ahead > 0 && Math.abs(elapsedMs - explainedMs) > pauseMs);
      if (ahead === 1 && elapsedMs >= shortestPacketMs && elapsedMs <= longestPacketMs) packetMs = elapsedMs;
      if (ahead > 0) {
        highest = sequence;
        highestTimestamp = timestamp;
      }
      measure(timestamp, start, arrivalMs);
      storage.set(payload, slot * largestPayload);
      lengths[slot] = payload.length;
      timestamps[slot] = timestamp;
      arrivals[slot] = arrivalMs;
      starts[slot] = overtaken(slot, sequence) || start ? 1 : 0;
      present[slot] = 1;
      held++;
      counters.received++;
    },
    take(nowMs, filledMs = 0) {
      if (idle) return "empty";
      if (held === 0) return stall(nowMs);
      if (stalledSince !== undefined) {
        owedMs = nowMs - stalledSince;
        stalledSince = undefined;
      }
      const found = advance(nowMs);
      if (found !== "packet") return found;
      owedMs = 0;
      const slot = slotOf(next);
      look(slot, nowMs, filledMs);
      taken = slotPayload(slot);
      present[slot] = 0;
      held--;
      begun = true;
      next = (next + 1) & 0xffff;
      lastTakenAt = nowMs;
      return "packet";
    },
    payload: () => taken,
    following: () => (present[slotOf(next)] ? slotPayload(slotOf(next)) : undefined),
    surplus() {
      const spare = (margin() ?? 0) - target() - hysteresisMs;
      if (spare < 0) return 0;
      // Within its frame a packet may sound earlier at no risk; a frame earlier only where that leaves enough.
      const step = grid();
      const surplus = step === 0 ? spare : phase() + Math.floor(spare / step) * step;
      return surplus < slackMs ? 0 : surplus;
    },
    deficit: () => Math.max(0, target() - (margin() ?? deepestMs)),
    stretched(ms) {
      for (let index = 0; index < lookback; index++) delays[index] = (delays[index] ?? 0) + ms;
    },
    lostMs: () => lostMs,
    targetMs: target,
    reset(newRate, mayRecover = false) {
      clear();
      clockRate = newRate;
      recovers = mayRecover;
      network.reset(newRate);
      lossShare = 0;
      packetMs = 20;
      lastTakenAt = Number.NEGATIVE_INFINITY;
    },
  };
}
