/**
 * The bodies by kind. status, presence: JSON; members that are not known are passed over, so that a realm can be updated
 * gateway by gateway. gone: empty. A user that is no more: presence with an empty body. media: an RTP packet.
 * What breaks a bound decodes to undefined.
 */
import { latestStart } from "./boot.ts";
import { longestBody, read48, write48 } from "./envelope.ts";
import type { Heard } from "./incarnations.ts";
import { decodeText } from "./text.ts";

export interface RemotePresence {
  readonly status: string;
  readonly talkgroups: readonly string[];
  /** What the user hears beside those, and is not in. Absent: nothing. */
  readonly listens?: readonly string[];
  /** What else the presence servers tell each other of the user. */
  readonly detail?: string;
}

const longestSite = 256;
const longestStatus = 64;
const longestTalkgroup = 128;
/** Characters. */
const longestDetail = 2_560;
const mostTalkgroups = 64;
const outdatedBytes = 18;

export function encodeStatus(site: string): Uint8Array {
  return Buffer.from(JSON.stringify({ site: site.slice(0, longestSite) }));
}

export function decodeStatus(body: Uint8Array): { readonly site: string } | undefined {
  const site = members(body)?.get("site");
  return typeof site === "string" && site.length <= longestSite ? { site } : undefined;
}

/** Undefined when it is more than a peer would accept. */
export function encodePresence({ status, talkgroups, listens, detail }: RemotePresence): Uint8Array | undefined {
  const body = Buffer.from(JSON.stringify({ status, talkgroups, listens, detail }));
  return decodePresence(body) && body;
}

export function decodePresence(body: Uint8Array): RemotePresence | undefined {
  const fields = members(body);
  const status = fields?.get("status");
  const talkgroups = namesIn(fields?.get("talkgroups"));
  const listens = fields?.has("listens") ? namesIn(fields.get("listens")) : [];
  if (typeof status !== "string" || status.length > longestStatus || !talkgroups || !listens) return undefined;
  const detail = fields?.get("detail");
  if (detail !== undefined && (typeof detail !== "string" || detail.length > longestDetail)) return undefined;
  return {
    ...{ status, talkgroups },
    ...(listens.length > 0 && { listens }),
    ...(detail !== undefined && { detail }),
  };
}

/** A list of talkgroups, each once. */
function namesIn(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length > mostTalkgroups || !value.every(isTalkgroup)) return undefined;
  return [...new Set(value)];
}

function isTalkgroup(name: unknown): name is string {
  return typeof name === "string" && name.length > 0 && name.length <= longestTalkgroup;
}

function members(body: Uint8Array): ReadonlyMap<string, unknown> | undefined {
  const text = body.length > longestBody ? undefined : decodeText(body);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : undefined;
  } catch {
    return undefined;
  }
}

/** outdated: the highest boot that a gateway has heard of the one it tells, and the highest counter of that. */
export function encodeOutdated({ boot, counter }: Heard): Uint8Array {
  const body = new Uint8Array(outdatedBytes);
  write48(body, 0, boot.start);
  write48(body, 6, boot.random);
  write48(body, 12, counter);
  return body;
}

export function decodeOutdated(body: Uint8Array): Heard | undefined {
  if (body.length !== outdatedBytes) return undefined;
  const boot = { start: read48(body, 0), random: read48(body, 6) };
  return boot.start <= latestStart ? { boot, counter: read48(body, 12) } : undefined;
}
