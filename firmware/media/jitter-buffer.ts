/**
 * Puts arriving packets of one RTP source in order and says which is due. The first packet of a talk burst waits for the target
 * depth, and is never too late; those behind it follow at the pace of whoever takes them. The depth follows the jitter that was
 * measured: up at once, down over some ten seconds. It does not know codecs, and no clock but the times it is given.
 *
 * An empty buffer stalls instead of counting on: what comes late after all is played late, and the caller catches up by `surplus`.
 * Clocks that differ by 200 ppm drift 6 ms in a burst of 30 s, less than the slack of a frame; the next burst starts level.
 */
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
  /** `nowMs` on the clock of the arrivals. */
  take(nowMs: number): Taken;
  /** What was taken last; valid until the next insert. */
  payload(): Uint8Array;
  /** The payload that would be taken next, if it is there: a lost one may be recovered from it. */
  following(): Uint8Array | undefined;
  /** ms that could be cut because the buffer has been fuller than it needs for half a second; 0 or more. */
  surplus(): number;
  /** The caller played `ms` less than it took. */
  cut(ms: number): void;
  /** Length of a packet as the last ones had it, ms. */
  packetMs(): number;
  /** Depth that the next burst starts with, ms. */
  targetMs(): number;
  /** Forgets what is held: another source, or another clock. */
  reset(clockRate: number): void;
}

const slots = 64;
const largestPayload = 1500;
const shallowestMs = 40;
const deepestMs = 120;
/** Two packets further apart in timestamp than their numbers explain, with a silence between. */
const pauseMs = 100;
/** Nothing came for so long: the burst is over. */
const endOfBurstMs = 200;
/** A straggler of a burst that ended so recently does not start another. */
const stragglerMs = 1000;
/** RFC 6716 §2.1.4, RFC 7587 §4.2. */
const shortestPacketMs = 2.5;
const longestPacketMs = 120;
/** The measured jitter loses this share with each packet: a time constant of ten seconds at 20 ms. */
const decay = 1 / 500;
/** Of the way to a higher jitter, taken at once; a single odd packet does not count in full. */
const attack = 0.5;
/** What the fastest transit gains with each packet, so that it follows a drifting clock (2.5 ms/s is well above any crystal's), ms. */
const transitLeakMs = 0.05;
/** Takes between two looks at the depth. */
const depthWindow = 25;

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

  let referenceTimestamp = 0;
  let fastestTransit = Number.POSITIVE_INFINITY;
  let jitterMs = 0;
  let shallowest = Number.POSITIVE_INFINITY;
  let surplusMs = 0;
  let looks = 0;

  const slotOf = (sequence: number): number => sequence % slots;
  const target = (): number => Math.min(deepestMs, Math.max(shallowestMs, jitterMs + packetMs));

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
    surplusMs = 0;
    looks = 0;
    shallowest = Number.POSITIVE_INFINITY;
  }

  function measure(timestamp: number, afterSilence: boolean, arrivalMs: number): void {
    if (afterSilence) {
      referenceTimestamp = timestamp;
      fastestTransit = Number.POSITIVE_INFINITY;
    }
    const transit = arrivalMs - (timestampDistance(referenceTimestamp, timestamp) * 1000) / clockRate;
    fastestTransit = Math.min(fastestTransit + transitLeakMs, transit);
    const excess = Math.min(transit - fastestTransit, 2 * deepestMs);
    jitterMs += (excess - jitterMs) * (excess > jitterMs ? attack : decay);
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

  const due = (slot: number): number => (arrivals[slot] ?? 0) + target();

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
        if (owedMs < packetMs) return "lost";
        owedMs -= packetMs;
      }
    }
    const slot = slotOf(next);
    return starts[slot] && nowMs < due(slot) && held < slots / 2 ? "empty" : "packet";
  }

  function stall(nowMs: number): Taken {
    stalledSince ??= nowMs;
    if (nowMs - stalledSince >= endOfBurstMs) idle = true;
    return "empty";
  }

  /** Looks at how much is held, this packet included, at the moments when it is least. */
  function look(): void {
    shallowest = Math.min(shallowest, (sequenceDistance(next, highest) + 1) * packetMs);
    if (++looks < depthWindow) return;
    // A depth varies by one packet, or by one frame of the taker, without being too much.
    surplusMs = Math.max(0, shallowest - target() - Math.max(packetMs, 20));
    shallowest = Number.POSITIVE_INFINITY;
    looks = 0;
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
    take(nowMs) {
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
      look();
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
    surplus: () => surplusMs,
    cut(ms) {
      surplusMs = Math.max(0, surplusMs - ms);
    },
    packetMs: () => packetMs,
    targetMs: target,
    reset(newRate) {
      clear();
      clockRate = newRate;
      jitterMs = 0;
      packetMs = 20;
      lastTakenAt = Number.NEGATIVE_INFINITY;
      fastestTransit = Number.POSITIVE_INFINITY;
    },
  };
}
