/** Answers that no transaction keeps (RFC 3261 §8.2.7): whoever repeats a request gets the same one again, its tag included. */
import { createHmac } from "node:crypto";
import type { Random } from "../../hal/random/port.ts";
import { parseNameAddr } from "./header.ts";
import { type Headers, header, ProtocolError, type SipRequest, type SipResponse } from "./message.ts";
import { responseTo } from "./serialize.ts";

/** Of the keyed hash, in hex: as long as the tags of transactions. */
const tagLength = 16;
/** What two sendings of one request have in common, and no two requests have. */
const telling = ["via", "from", "to", "call-id", "cseq"];

export type StatelessAnswer = (request: SipRequest, status: number, headers?: Headers) => SipResponse;

export function statelessAnswers(random: Random): StatelessAnswer {
  const key = random.bytes(32);

  function tagFor(request: SipRequest): string {
    const hash = createHmac("sha256", key).update(`${request.method} ${request.uri}`);
    for (const name of telling) hash.update(`\n${header(request, name)}`);
    return hash.digest("hex").slice(0, tagLength);
  }

  return (request, status, headers = []) =>
    responseTo(request, status, { headers, toTag: takesTag(request) ? tagFor(request) : undefined });
}

/** A To that is missing or cannot be read goes back as it came. */
function takesTag(request: SipRequest): boolean {
  try {
    return !parseNameAddr(header(request, "to") ?? "").params.has("tag");
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return false;
  }
}
