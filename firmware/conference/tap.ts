/**
 * Takes what is said in a recorded talkgroup out to the voice log: the packets that its listeners in Opus hear, gathered and posted twice
 * a second. Bounded, whatever a talker sends: what has no room is counted, and its burst is cut. On the path of a packet: it copies a
 * payload, and no more.
 */
import type { Cancel, Clock } from "../../hal/clock/port.ts";
import { speechHeaderLength, writeSpeechHeader } from "../media/packed-speech.ts";
import type { SourceNumbers } from "../media/rewriter.ts";
import { rtpHeaderLength, timestampDistance } from "../media/rtp.ts";
import type { FanOut } from "./fan-out.ts";
import type { SpokenPiece, TalkgroupSettings } from "./protocol.ts";

export interface BurstTap {
  /** A burst begins; one before it is over. */
  begin(talker: string): void;
  /** Its numbers begin anew: another codec, another source. */
  rebase(): void;
  /** A packet of Opus, with 12 bytes before its payload, and its numbers by a clock of 48 kHz. */
  take(packet: Uint8Array, source: SourceNumbers): void;
  /** It is being cut, and why. */
  cut(why: "revoked" | "lost"): void;
  /** The burst is over; what is still in flight belongs to it. */
  end(): void;
  close(): void;
}

/** The tap hears what these legs hear, and is one of them. */
export function tapped(legs: FanOut, tap: Pick<BurstTap, "rebase" | "take">): FanOut {
  return {
    get size() {
      return legs.size + 1;
    },
    has: legs.has,
    add: legs.add,
    remove: legs.remove,
    begin() {
      legs.begin();
      tap.rebase();
    },
    send(packet, source, except) {
      legs.send(packet, source, except);
      tap.take(packet, source);
    },
  };
}

const postMs = 500;
/** What is in flight when the floor is given back, ms: a little longer than the bridge lets it pass. */
const inFlightMs = 120;
/** Of Opus, half a second takes at most 32 kB (510 kbit/s). */
const room = 65_536;
/** Packets at the end of what there is that others may have overtaken. */
const heldBack = 2;
/** What was kept before the floor was granted comes faster than it was said; more than this is no speech, ticks. */
const ahead = 5 * 48_000;
const frame = 960;

/** `silenceMs`: who has said nothing for so long when the burst ends has been lost. `nextBurst`: numbers that no other burst has. */
export function burstTap(
  ports: { readonly clock: Clock; readonly post: (piece: SpokenPiece) => void },
  options: { readonly talkgroup: string; readonly silenceMs: number; readonly nextBurst: () => number },
): BurstTap {
  const { clock, post } = ports;
  const { talkgroup, silenceMs } = options;
  const gathered = new Uint8Array(room);
  const view = new DataView(gathered.buffer);
  /** Where the last packets begin in it, the last one last. */
  const lastAt: number[] = [];
  let used = 0;
  let dropped = 0;
  let burst = 0;
  let talker: string | undefined;
  let why: "revoked" | "lost" | undefined;
  let posted = false;
  /** Of the first packet, Unix and monotonic ms. */
  let startedAt: number | undefined;
  let firstAt = 0;
  let heardAt = 0;
  /** The source's timestamp that stands for position 0, and the furthest position. */
  let origin: number | undefined;
  let furthest = -frame;
  let ticking: Cancel | undefined;
  let ending: Cancel | undefined;

  /** Where a packet belongs; undefined for more than there has been time to say. */
  function place({ timestamp }: SourceNumbers): number | undefined {
    const now = clock.now();
    heardAt = now;
    if (startedAt === undefined) {
      startedAt = clock.wall();
      firstAt = now;
    }
    const elapsed = Math.round((now - firstAt) * 48);
    const position = origin === undefined ? undefined : timestampDistance(origin, timestamp);
    if (position !== undefined && position <= elapsed + ahead && position >= furthest - ahead) return position;
    // Its numbers leap, or begin: time goes on by the clock, and never back.
    const due = Math.max(furthest + frame, elapsed);
    if (due > elapsed + ahead) return undefined;
    origin = (timestamp - due) >>> 0;
    return due;
  }

  /** What was said before the floor was granted comes all at once: the burst began when the first that comes in time says so. */
  function beganBy(position: number): void {
    startedAt = Math.min(startedAt ?? Number.POSITIVE_INFINITY, clock.wall() - position / 48);
    firstAt = Math.min(firstAt, clock.now() - position / 48);
  }

  function postPiece(end?: SpokenPiece["end"]): void {
    const upTo = end === undefined && lastAt.length === heldBack ? (lastAt[0] ?? 0) : end === undefined ? 0 : used;
    if (talker === undefined || startedAt === undefined || (upTo === 0 && dropped === 0 && end === undefined)) return;
    const speech = gathered.slice(0, upTo);
    posted = true;
    post({ burst, talkgroup, talker, startedAt, speech, dropped, ...(end !== undefined && { end }) });
    gathered.copyWithin(0, upTo, used);
    for (const [index, at] of lastAt.entries()) lastAt[index] = at - upTo;
    used -= upTo;
    dropped = 0;
  }

  /** The burst is done with. */
  function finish(): void {
    ticking?.();
    ending?.();
    ticking = ending = undefined;
    if (talker === undefined) return;
    const isLost = clock.now() - heardAt >= silenceMs;
    postPiece(why ?? (isLost ? "lost" : "complete"));
    talker = startedAt = origin = why = undefined;
    used = dropped = lastAt.length = 0;
    posted = false;
    furthest = -frame;
  }

  return {
    begin(next) {
      finish();
      talker = next;
      burst = options.nextBurst();
      heardAt = clock.now();
      ticking = clock.every(postMs, () => postPiece());
    },
    rebase() {
      origin = undefined;
    },
    take(packet, source) {
      if (talker === undefined) return;
      const length = packet.length - rtpHeaderLength;
      const position = used + speechHeaderLength + length > room ? undefined : place(source);
      if (position === undefined) {
        dropped += 1;
        why ??= "lost";
        return;
      }
      furthest = Math.max(furthest, position);
      if (!posted) beganBy(position);
      if (lastAt.length === heldBack) lastAt.shift();
      lastAt.push(used);
      writeSpeechHeader(view, used, position, length);
      gathered.set(packet.subarray(rtpHeaderLength), used + speechHeaderLength);
      used += speechHeaderLength + length;
    },
    cut(reason) {
      why ??= reason;
    },
    end() {
      if (talker !== undefined && !ending) ending = clock.after(inFlightMs, finish);
    },
    close() {
      why ??= "lost";
      finish();
    },
  };
}

/** Taps the talkgroups that are recorded; bursts are counted through all of them. */
export function burstTaps(
  ports: Parameters<typeof burstTap>[0],
): (settings: TalkgroupSettings) => BurstTap | undefined {
  let bursts = 0;
  const nextBurst = (): number => {
    bursts += 1;
    return bursts;
  };
  return ({ name, record, endOfMediaMs }) => {
    if (!record) return undefined;
    // The floor's own count of the silence began up to a moment before it.
    return burstTap(ports, { talkgroup: name, silenceMs: endOfMediaMs - 300, nextBurst });
  };
}
