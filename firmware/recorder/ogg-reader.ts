/** Reads a recording back, as far as it is sound: a loss of power may have cut it within a page. */

import { samplesIn } from "../media/opus-packet.ts";
import { type OggPage, readPage, writePage } from "./ogg-page.ts";
import { isOpusHead, readTags, type Tags } from "./opus-headers.ts";

export interface Recording {
  readonly tags: Tags;
  readonly packets: readonly Uint8Array[];
  /** Of its packets, at 48 kHz. */
  readonly samples: number;
  /** Bytes up to the end of its last whole page. */
  readonly soundBytes: number;
  /** The stream ends there, as it should. */
  readonly ended: boolean;
  /** Its last whole page, and where that begins. */
  readonly lastPage: OggPage;
  readonly lastPageAt: number;
}

/** Undefined for what is no recording, or has nothing in it yet. */
export function readRecording(data: Uint8Array): Recording | undefined {
  const head = readPage(data, 0);
  const comments = head && readPage(data, head.length);
  const tags = comments?.packets[0] && readTags(comments.packets[0]);
  if (!head?.first || !head.packets[0] || !isOpusHead(head.packets[0]) || !tags) return undefined;
  const packets: Uint8Array[] = [];
  let samples = 0;
  let lastPage: OggPage | undefined;
  let lastPageAt = 0;
  let at = head.length + comments.length;
  while (!lastPage?.last) {
    const page = readPage(data, at);
    if (page?.serial !== head.serial || page.sequence !== (lastPage ?? comments).sequence + 1) break;
    const length = page.packets.reduce((sum, packet) => sum + samplesIn(packet), 0);
    if (page.granule !== samples + length) break;
    packets.push(...page.packets);
    samples += length;
    lastPage = page;
    lastPageAt = at;
    at += page.length;
  }
  if (!lastPage) return undefined;
  return { tags, packets, samples, soundBytes: at, ended: lastPage.last, lastPage, lastPageAt };
}

/** The last page again, as the end of the stream; as long as it was. */
export const endingPage = ({ lastPage }: Recording): Uint8Array => writePage({ ...lastPage, last: true });
