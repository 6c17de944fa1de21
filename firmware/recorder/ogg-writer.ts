/**
 * A talk burst as an Ogg Opus stream (RFC 7845), page by page: payloads as they came, gaps made up, granule positions without a hole.
 * It writes nothing itself.
 */

import { concealing, samplesIn } from "../media/opus-packet.ts";
import { mostSegments, segmentsOf, writePage } from "./ogg-page.ts";
import { opusHead, opusTags, type Tags } from "./opus-headers.ts";

export interface OggWriter {
  /** What a file begins with. */
  readonly headers: Uint8Array;
  /**
   * Takes a packet that begins `position` samples at 48 kHz into the burst; false for one that is no Opus, or comes too late to have its
   * place. The payload is kept until its page is made.
   */
  take(position: number, payload: Uint8Array): boolean;
  /** Pages of what was taken, but for the last packet: it may be the stream's. Empty where there is nothing yet. */
  pages(): Uint8Array;
  /** The end of the stream (RFC 7845 §4.4); empty where nothing was ever taken. */
  end(): Uint8Array;
  /** Taken so far, gaps and all. */
  samples(): number;
}

/** Longer than any pause of somebody who holds the floor: a talker whose numbers leap further has started afresh. */
const longestGap = 60 * 48_000;

export function oggWriter(serial: number, tags: Tags): OggWriter {
  let sequence = 2;
  let waiting: Uint8Array[] = [];
  /** Samples up to the end of what is in pages, and of what is taken. */
  let paged = 0;
  let taken = 0;
  /** The position that stands for the stream's first sample. */
  let origin: number | undefined;
  let before: Uint8Array | undefined;

  function page(packets: readonly Uint8Array[], last: boolean): Uint8Array {
    for (const packet of packets) paged += samplesIn(packet);
    const bytes = writePage({ first: false, last, granule: paged, serial, sequence, packets });
    sequence += 1;
    return bytes;
  }

  /** As many pages as they take. */
  function pagesOf(packets: readonly Uint8Array[], last: boolean): Uint8Array {
    const pages: Uint8Array[] = [];
    let content: Uint8Array[] = [];
    let segments = 0;
    for (const packet of packets) {
      if (segments + segmentsOf(packet.length) > mostSegments) {
        pages.push(page(content, false));
        content = [];
        segments = 0;
      }
      content.push(packet);
      segments += segmentsOf(packet.length);
    }
    if (content.length > 0) pages.push(page(content, last));
    return joined(pages);
  }

  function add(packet: Uint8Array): void {
    waiting.push(packet);
    taken += samplesIn(packet);
  }

  const common = { granule: 0, serial, last: false };
  return {
    headers: joined([
      writePage({ ...common, first: true, sequence: 0, packets: [opusHead()] }),
      writePage({ ...common, first: false, sequence: 1, packets: [opusTags(tags)] }),
    ]),
    take(position, payload) {
      if (samplesIn(payload) === 0) return false;
      origin ??= position;
      const gap = position - origin - taken;
      if (gap > longestGap || gap < -longestGap) origin = position - taken;
      else if (gap < 0) return false;
      else if (before) for (const packet of concealing(gap, before)) add(packet);
      before = payload;
      add(payload);
      return true;
    },
    pages() {
      const ready = waiting.slice(0, -1);
      waiting = waiting.slice(-1);
      return pagesOf(ready, false);
    },
    end() {
      const rest = waiting;
      waiting = [];
      return pagesOf(rest, true);
    },
    samples: () => taken,
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
