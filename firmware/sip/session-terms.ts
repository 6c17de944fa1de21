/** How long a session lasts unless it is refreshed, and who refreshes it, as messages say (RFC 4028 §4, §5). */
import { longerThan, longestExpires, secondsIn } from "./expires.ts";
import { splitList } from "./header.ts";
import {
  type Headers,
  header,
  headers,
  ProtocolError,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from "./message.ts";

/** The least that may be agreed on (§4), and what this side proposes; seconds. */
export const leastSeconds = 90;
export const usualSeconds = 1_800;

export interface Terms {
  readonly seconds: number;
  /** This side refreshes it. */
  readonly refreshes: boolean;
}

/** What a caller proposes, or a refresher says again. `minimum`: the largest that a 422 asked for. */
export function proposal(seconds: number, minimum: number | undefined): Headers {
  const least: Headers = minimum === undefined ? [] : [["min-se", `${minimum}`]];
  return [["session-expires", `${seconds};refresher=uac`], ...least];
}

/** The interval to propose after a 422, undefined where it says nothing that helps (§7.3). */
export function intervalAfter(refusal: SipResponse, seconds: number): number | undefined {
  return longerThan(seconds, secondsIn(refusal, "min-se"));
}

/** What a 2xx to this side's request agrees on: without Session-Expires there is no limit, as with a peer that knows none (§7.2). */
export function termsOf(response: SipResponse): Terms | undefined {
  const seconds = secondsIn(response, "session-expires");
  return seconds === undefined ? undefined : { seconds: bounded(seconds), refreshes: refresherIn(response) !== "uas" };
}

/**
 * What this side grants to an INVITE or UPDATE (§9), and the headers that say so in its 2xx. `current`: as it was agreed before, which
 * goes on where the request says nothing. Undefined: no limit. Throws ProtocolError: 422 below the least.
 */
export function grantTo(
  request: SipRequest,
  current: Terms | undefined,
): { readonly terms: Terms; readonly headers: Headers } | undefined {
  const wanted = secondsIn(request, "session-expires");
  const knows = headers(request, "supported").flatMap(splitList).includes("timer");
  // Of one who knows no timers it is the word of a proxy, which cannot try again.
  if (wanted !== undefined && wanted < leastSeconds && knows)
    throw new ProtocolError(422, `a session of ${wanted} s, at least ${leastSeconds}`);
  const seconds = wanted ?? current?.seconds;
  if (seconds === undefined) return undefined;
  const named = wanted === undefined ? undefined : refresherIn(request);
  const byPeer = knows && (named === undefined ? current?.refreshes !== true : named === "uac");
  const terms = { seconds: bounded(seconds), refreshes: !byPeer };
  const expires = ["session-expires", `${terms.seconds};refresher=${byPeer ? "uac" : "uas"}`] as const;
  return { terms, headers: byPeer ? [["require", "timer"], expires] : [expires] };
}

/** What is below the least, against the standard, would keep both sides busy. */
function bounded(seconds: number): number {
  return Math.min(Math.max(seconds, leastSeconds), longestExpires);
}

function refresherIn(message: SipMessage): string | undefined {
  const value = header(message, "session-expires") ?? "";
  return /;\s*refresher\s*=\s*(uac|uas)\b/i.exec(value)?.[1]?.toLowerCase();
}
