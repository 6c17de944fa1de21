/**
 * Answers the INVITEs for one line of an agent, and keeps the session that the latest of them began. It agrees to Opus with
 * floor control and to nothing less; who may call was decided before.
 */
import type { Address } from "../../hal/network/port.ts";
import type { Random } from "../../hal/random/port.ts";
import { ownKeys } from "../media/secured.ts";
import type { IncomingInvite, Session } from "../sip/endpoint.ts";
import { ProtocolError } from "../sip/message.ts";
import { type Agreement, answerOffer } from "../sip/negotiation.ts";

/** What a line learns of its session. */
export interface SessionHandlers {
  /** A session begins; one before it is over. */
  onSession(agreement: Agreement): void;
  /** The server has confirmed it. */
  onConfirmed(): void;
  onSessionEnd(): void;
}

/** `local`: where the line's voice listens for RTP. `onEnded`: the server hung up, and the line knows. */
export function openAnswering(
  { random, local }: { readonly random: Random; readonly local: Address },
  handlers: SessionHandlers & { readonly onEnded: () => void },
) {
  let session: Session | undefined;
  /** The voice speaks Opus alone, and a press is a floor message: without either a session would be ready for nothing. */
  function agree(offer: string): { agreement: Agreement; answer: string } {
    // RFC 8866 §5.2: digits only.
    const sessionId = `${Math.floor(random.fraction() * 2 ** 48)}`;
    const agreed = answerOffer(offer, local, sessionId, { security: { use: "accepted", key: ownKeys(random) } });
    if (agreed.agreement.codec !== "opus") throw new ProtocolError(488, "an offer without opus/48000");
    if (!agreed.agreement.floor) throw new ProtocolError(488, "an offer without floor control (m=application … MCPTT)");
    return agreed;
  }

  return {
    /** Throws ProtocolError where the offer does not fit; a session that stands is then left alone. */
    accept(invite: IncomingInvite): void {
      const { agreement, answer } = agree(invite.offer());
      // A newer session replaces an older one: the server has given that up.
      session?.end("replaced");
      session = invite.accept(
        { type: "application/sdp", content: answer },
        {
          onConfirmed: handlers.onConfirmed,
          onEnd() {
            session = undefined;
            handlers.onSessionEnd();
            handlers.onEnded();
          },
        },
      );
      handlers.onSession(agreement);
    },
    /** A key, as a telephone has it; nothing without a session. */
    key: (key: string): void => session?.press(key),
    end(why: string): void {
      const standing = session;
      session = undefined;
      if (!standing) return;
      standing.end(why);
      handlers.onSessionEnd();
    },
  };
}
