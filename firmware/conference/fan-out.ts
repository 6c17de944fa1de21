/**
 * The legs that hear the same: what the talker says goes out to all of them at once, each in the numbers of its own stream.
 * It decides neither who hears nor what: it is told. This is the hot path.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { StreamTable } from "../../hal/network/streams.ts";
import { type SourceNumbers, sourceTrack } from "../media/rewriter.ts";
import type { Leg } from "./contract.ts";

export interface FanOut {
  readonly size: number;
  has(leg: Leg): boolean;
  /** `leg.begin` says where it comes in. */
  add(leg: Leg): void;
  remove(leg: Leg): void;
  /** A talk burst starts: the next packet is its first, to every member. */
  begin(): void;
  /** To every member but `except`: `packet` has 12 bytes of room before its payload. */
  send(packet: Uint8Array, source: SourceNumbers, except?: Leg): void;
}

/** Legs that a tone is mixed with speech for at once; the others hear it in place of speech. */
const mostOverhearing = 20;

export interface FanOutPorts {
  readonly clock: Clock;
  /** Those of the legs are among them. */
  readonly streams: StreamTable;
  /** The legs that a tone is played to. */
  readonly sounding: ReadonlySet<Leg>;
}

/** `clockRate`: ticks of their codec's clock a second. */
export function openFanOut(ports: FanOutPorts, clockRate: number): FanOut {
  const { clock, streams, sounding } = ports;
  const track = sourceTrack(clockRate);
  const legs: Leg[] = [];
  /** The row of each leg's stream, in the order of `legs`. */
  let rows = new Int32Array(8);

  /** Those hear it under the tone: their streams do not listen. */
  function letOverhear(packet: Uint8Array, source: SourceNumbers, except: Leg | undefined): void {
    let count = 0;
    for (const leg of sounding) {
      if (leg !== except && leg.group === self) leg.overhear(packet, source);
      if (++count === mostOverhearing) return;
    }
  }

  const self: FanOut = {
    get size() {
      return legs.length;
    },
    has: (leg) => legs.includes(leg),
    add(leg) {
      if (legs.includes(leg)) return;
      if (legs.length === rows.length) {
        const wider = new Int32Array(2 * rows.length);
        wider.set(rows);
        rows = wider;
      }
      rows[legs.length] = leg.row;
      legs.push(leg);
      leg.group = self;
    },
    remove(leg) {
      const place = legs.indexOf(leg);
      const last = legs.pop();
      if (place < 0 || !last) {
        if (last) legs.push(last);
        return;
      }
      if (leg.group === self) leg.group = undefined;
      if (last === leg) return;
      legs[place] = last;
      rows[place] = last.row;
    },
    begin() {
      const now = clock.now();
      track.begin();
      for (const leg of legs) leg.begin(now);
    },
    send(packet, source, except) {
      streams.send(rows, legs.length, packet, track.follow(source), clock.now(), except ? except.row : -1);
      if (sounding.size > 0) letOverhear(packet, source, except);
    },
  };
  return self;
}
