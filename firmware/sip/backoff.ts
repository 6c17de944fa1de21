/** How long to wait before a failed attempt is made again (RFC 5626 §4.5): doubling, with jitter, so that a site does not come back in step. */

const baseMs = 1_000;
/** Far below the standard's half hour: a panel should be back soon after its server. */
const capMs = 30_000;

/** `failures`: how many in a row, 1 or more; `fraction`: uniform in [0, 1). Returns ms. */
export function backoff(failures: number, fraction: number): number {
  const bound = Math.min(capMs, baseMs * 2 ** Math.min(failures, 16));
  return bound * (0.5 + fraction / 2);
}

/** The same, but no sooner than a server asked for (Retry-After, seconds), as far as it is believed: `most` seconds. Returns ms. */
export function backoffAsked(failures: number, fraction: number, retryAfter = 0, most = 30): number {
  return Math.max(backoff(failures, fraction), Math.min(retryAfter, most) * 1_000);
}
