import type { Address } from "../../hal/network/port.ts";
import {
  type Agreement,
  answerOffer,
  type LegCodec,
  legOffer,
  readAnswer,
  type Security,
  type SrtpUse,
} from "../sip/negotiation.ts";

/** What one leg says of itself, numbered (RFC 3264 §8). */
export interface Descriptions {
  offer(): string;
  /** Throws ProtocolError 488. `kept`: the codec of the session so far. */
  answer(offer: string, kept: LegCodec | undefined): { readonly agreement: Agreement; readonly sdp: string };
  /** Reads the answer to what was offered. Throws ProtocolError 488. */
  accept(answer: string): Agreement;
}

export function descriptionsOf(
  local: Address,
  sessionId: string,
  srtp: { readonly use: () => SrtpUse; readonly key: Security["key"] },
): Descriptions {
  let last = "";
  let version = 1;
  const security = (): Security => ({ use: srtp.use(), key: srtp.key });

  /** The version grows by one where the description is another than the last. */
  function number(describe: (version: number) => string): string {
    if (describe(version) === last) return last;
    if (last !== "") version += 1;
    last = describe(version);
    return last;
  }

  return {
    offer: () => number(() => legOffer(local, sessionId, security())),
    answer(offer, kept) {
      const options = { kept, keys: true, security: security() };
      const answerIn = (next: number) => answerOffer(offer, local, sessionId, { ...options, version: next });
      const { agreement } = answerIn(version);
      return { agreement, sdp: number((next) => answerIn(next).answer) };
    },
    accept: (answer) => readAnswer(answer, security()),
  };
}
