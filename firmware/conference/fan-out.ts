/**
 * The legs that hear the same: what the talker says goes out to all of them at once, each in the numbers of its own stream.
 * It decides neither who hears nor what: it is told. This is the hot path.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { StreamTable } from "../../hal/network/streams.ts";
import { type SourceNumbers, sourceTrack } from "../media/rewriter.ts";
import type { Leg } from "./leg.ts";

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

/** `streams` holds those of the legs; `clockRate`: ticks of their codec's clock a second. */
export function openFanOut(ports: { readonly clock: Clock; readonly streams: StreamTable }, clockRate: number): FanOut {
  const { clock, streams } = ports;
  const track = sourceTrack(clockRate);
  const legs: Leg[] = [];
  /** The row of each leg's stream, in the order of `legs`. */
  let rows = new Int32Array(8);

  return {
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
    },
    remove(leg) {
      const place = legs.indexOf(leg);
      const last = legs.pop();
      if (place < 0 || !last) {
        if (last) legs.push(last);
        return;
      }
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
    },
  };
}
